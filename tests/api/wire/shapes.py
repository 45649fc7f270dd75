"""Values that fit a shape of botocore's models, and the HTTP of botocore's own client around them."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from botocore.awsrequest import HeadersDict
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import strategies as st

from api.wire.messages import HttpRequest, HttpResponse

_LOADER = Loader()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = st.text(max_size=20)
_MARKUP_TEXT = st.text(
    st.one_of(st.sampled_from("\t\r\n<>&\"'"), st.characters(min_codepoint=32, max_codepoint=0xFFFD, codec="utf-8")),
    max_size=20,
)
"""XML 1.0 cannot hold the other control characters at all."""
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "double": st.floats(-1e6, 1e6, allow_subnormal=False),
    "boolean": st.booleans(),
    "blob": st.binary(max_size=40),
    "timestamp": st.integers(0, 4 * 10**12).map(lambda instant: _EPOCH + timedelta(milliseconds=instant)),
}


@cache
def model_of(service: str) -> ServiceModel:
    """A model as botocore itself sees it."""
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


def operation_of(service: str, operation: str) -> OperationModel:
    """An operation as botocore itself sees it."""
    return model_of(service).operation_model(operation)


def values(shape: Shape, *, markup: bool = False, whole: bool = False, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of `shape`; `markup` for what XML can hold, `whole` for all members at the top.

    Deep structures have their required members only, so that a value stays small.
    """
    if isinstance(shape, StructureShape):
        return _structures(shape, markup=markup, whole=whole, depth=depth)
    if isinstance(shape, ListShape):
        least = shape.metadata.get("min", int("location" in shape.serialization))  # a query string has no empty list
        items = values(shape.member, markup=markup, depth=depth + 1)
        return st.lists(items, min_size=least, max_size=min(shape.metadata.get("max", least + 2), least + 2))
    if isinstance(shape, MapShape):
        keys = values(shape.key, markup=markup, depth=depth + 1)
        items = values(shape.value, markup=markup, depth=depth + 1)
        return st.dictionaries(keys, items, min_size=shape.metadata.get("min", 0), max_size=2)
    if shape.type_name == "string":
        return _strings(shape, markup=markup)
    if shape.type_name in {"integer", "long"}:
        bits = 31 if shape.type_name == "integer" else 63
        return st.integers(int(shape.metadata.get("min", -(2**bits))), int(shape.metadata.get("max", 2**bits - 1)))
    return _SCALARS[shape.type_name]


def inputs(service: str, operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters of an operation."""
    shape = operation_of(service, operation).input_shape
    return st.just({}) if shape is None else values(shape, markup=service == "elasticbeanstalk")


def outputs(service: str, operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Results of an operation, some of them with every member."""
    shape, markup = operation_of(service, operation).output_shape, service == "elasticbeanstalk"
    if shape is None:
        return st.just({})
    return st.one_of(values(shape, markup=markup), values(shape, markup=markup, whole=True))


def _structures(shape: StructureShape, *, markup: bool, whole: bool, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if shape.is_document_type:
        return st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.integers(0, 9), st.text(max_size=3)))
    made = {name: values(member, markup=markup, depth=depth + 1) for name, member in shape.members.items()}
    if shape.is_tagged_union:
        return st.one_of([st.fixed_dictionaries({name: made[name]}) for name in made])
    required = set(shape.required_members)
    if whole:
        required = set(made)
    if markup and depth and not required:  # a form cannot say "an empty structure"
        required = set(list(made)[:1])
    needed = {name: made[name] for name in made if name in required}
    others = {name: made[name] for name in made if name not in required and depth < 3}
    return st.fixed_dictionaries(needed, optional=others)


def _strings(shape: Shape, *, markup: bool) -> st.SearchStrategy[str]:
    chosen = getattr(shape, "enum", None)
    if chosen:
        return st.sampled_from(chosen)
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10**6)
    if shape.serialization.get("location") == "uri":
        least = max(least, 1)
    pattern = shape.metadata.get("pattern", "")
    if pattern and "p{" not in pattern:  # Java's own classes: ECS only, where the wire checks no patterns
        return _fitting(pattern, least, most)
    text = _MARKUP_TEXT if markup else _TEXT
    return text.map(lambda some: (some or "x").ljust(least, "y")[:most] if least else some[:most])


_REPEATED = re.compile(r"(?<!\\)([)\]])([*+])(?![?])")
_SHORT = 3
"""A text that may be as short as this is made of few repetitions: endless ones within endless ones take all of the time."""


def _fitting(pattern: str, least: int, most: int) -> st.SearchStrategy[str]:
    if pattern.startswith("^arn:aws(-\\w+)*:secretsmanager"):  # random texts are seldom of 50 characters
        name = st.text("abc/_", min_size=1, max_size=20)
        return name.map(
            lambda text: f"arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/{text}"
        )
    short = (
        pattern if least > _SHORT else _REPEATED.sub(r"\1{\2,3}", pattern).replace("{*,", "{0,").replace("{+,", "{1,")
    )
    matching = st.from_regex(re.compile(short, re.ASCII), fullmatch=True)
    return matching.filter(lambda text: least <= len(text) <= most and text.isprintable())


def sent(service: str, operation: str, params: dict[str, Any]) -> HttpRequest:
    """The request that botocore's client sends."""
    serializer = create_serializer(model_of(service).resolved_protocol, include_validation=False)
    made = serializer.serialize_to_request(params, operation_of(service, operation))
    body = urlencode(made["body"]).encode() if isinstance(made["body"], dict) else made["body"]
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    return HttpRequest(
        made["method"], made["url_path"], urlencode(made["query_string"] or {}, doseq=True), headers, body
    )


def received(service: str, response: HttpResponse, shape: Shape | None) -> dict[str, Any]:
    """What botocore's client makes of `response`."""
    parser: Any = create_parser(model_of(service).resolved_protocol)
    raw = {"body": response.body, "headers": HeadersDict(response.headers), "status_code": response.status}
    parsed: dict[str, Any] = parser.parse(raw, shape)
    return parsed

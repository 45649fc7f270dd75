"""botocore's service models, read from its files.

The files are read directly, at the first use of a service: `botocore.model` and `botocore.loaders` would cost each
start 50 ms and 15 MB for a view of the same files. Only what our services' models use is kept; a test fails when a new
botocore brings a trait that this module does not know.
"""

import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import orjson

from api.wire.shapes import ErrorShape, Member, Operation, ServiceModel, Shape
from api.wire.undocumented import add_undocumented

_SESSIONS = ("ResumeSession", "TerminateSession")
"""What is ours of SSM: sessions of ECS Exec."""


@cache
def service_model(service: str) -> ServiceModel:
    """The model of `service` (botocore's name of it, such as `ecs`), in its newest version."""
    file = max((Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json*"))
    packed = file.read_bytes()
    raw = orjson.loads(gzip.decompress(packed) if file.suffix == ".gz" else packed)
    if service == "elasticbeanstalk":
        add_undocumented(raw["shapes"])
    if service == "ssm":  # its other operations are the neighbour's, and have shapes that contain themselves
        raw["operations"] = {name: raw["operations"][name] for name in _SESSIONS}
        kept = {raw["operations"][name]["errors"][0]["shape"] for name in _SESSIONS}
        raw["shapes"] = {name: of for name, of in raw["shapes"].items() if name in kept or not of.get("exception")}
    shapes = _Shapes(raw["shapes"])
    return ServiceModel(
        service,
        raw["metadata"]["apiVersion"],
        raw["metadata"].get("xmlNamespace", ""),
        {name: _operation(name, of, shapes) for name, of in raw["operations"].items()},
        {name: _error(name, of, shapes) for name, of in raw["shapes"].items() if of.get("exception")},
    )


@cache
def operation_names(service: str) -> tuple[str, ...]:
    """Every operation of `service`, emulated or not."""
    return tuple(service_model(service).operations)


def _operation(name: str, raw: Mapping[str, Any], shapes: "_Shapes") -> Operation:
    taken, given = raw.get("input"), raw.get("output")
    return Operation(
        name,
        raw["http"]["method"],
        raw["http"]["requestUri"],
        shapes.of(taken["shape"]) if taken else None,
        shapes.of(given["shape"]) if given else None,
        given.get("resultWrapper", "") if given else "",
    )


def _error(name: str, raw: Mapping[str, Any], shapes: "_Shapes") -> ErrorShape:
    stated = raw.get("error", {})
    status = stated.get("httpStatusCode") or (500 if raw.get("fault") else 400)
    return ErrorShape(stated.get("code", name), status, shapes.of(name))


class _Shapes:
    """Makes each shape once. None of our models has a shape that holds itself."""

    def __init__(self, raw: Mapping[str, Mapping[str, Any]]) -> None:
        self._raw, self._made = raw, dict[str, Shape]()

    def of(self, name: str) -> Shape:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._make(name, self._raw[name])
        return found

    def _make(self, name: str, raw: Mapping[str, Any]) -> Shape:
        item = raw.get("member") or raw.get("value")
        return Shape(
            name,
            raw["type"],
            {known: self._member(known, reference) for known, reference in raw.get("members", {}).items()},
            tuple(raw.get("required", ())),
            self.of(raw["key"]["shape"]) if "key" in raw else None,
            self.of(item["shape"]) if item else None,
            raw.get("min"),
            raw.get("max"),
            raw.get("pattern", ""),
            tuple(raw.get("enum", ())),
            bool(raw.get("union")),
            bool(raw.get("document")),
        )

    def _member(self, name: str, reference: Mapping[str, Any]) -> Member:
        wire_name, location = reference.get("locationName", name), reference.get("location", "")
        return Member(self.of(reference["shape"]), wire_name, location)

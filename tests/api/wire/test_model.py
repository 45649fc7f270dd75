"""The models hold nothing that the wire layer does not know: a new botocore that brings more fails here first."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.loaders import Loader

from api.wire.model import operation_names, service_model
from api.wire.protocols import SERVICES
from tests.api.wire.shapes import model_of

WORDS = {"documentation", "deprecated", "deprecatedMessage", "deprecatedSince", "sensitive", "box"}
"""Traits for readers and for clients, without a meaning on the wire."""
SHAPE = WORDS | {
    *("type", "members", "required", "member", "key", "value", "min", "max", "pattern", "enum"),
    *("union", "document", "exception", "error", "fault"),
}
MEMBER = WORDS | {"shape", "location", "locationName", "idempotencyToken"}
OPERATION = WORDS | {"name", "http", "input", "output", "errors", "idempotent", "readonly"}


def raw(service: str) -> Mapping[str, Any]:
    model: Mapping[str, Any] = Loader().load_service_model(service, "service-2")
    return model


def references(shape: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from shape.get("members", {}).values()
    yield from (shape[kind] for kind in ("member", "key", "value") if kind in shape)


@pytest.mark.parametrize("service", SERVICES)
def test_every_trait_is_known(service: str) -> None:
    for name, shape in raw(service)["shapes"].items():
        assert set(shape) <= SHAPE, name
        assert set(shape.get("error", {})) <= {"code", "httpStatusCode", "senderFault"}, name
        for reference in references(shape):
            assert set(reference) <= MEMBER, name
    for name, operation in raw(service)["operations"].items():
        assert set(operation) <= OPERATION, name
        assert set(operation["http"]) == {"method", "requestUri"}, name
        assert set(operation.get("input", {})) <= {"shape"}, name
        assert set(operation.get("output", {})) <= {"shape", "resultWrapper"}, name


@pytest.mark.parametrize("service", SERVICES)
def test_locations_names_and_labels_are_those_we_know(service: str) -> None:
    for name, shape in raw(service)["shapes"].items():
        for member, reference in shape.get("members", {}).items():
            assert reference.get("location", "") in {"", "uri", "querystring"}, (name, member)
            assert "location" in reference or reference.get("locationName", member) == member, (name, member)
    for name, operation in raw(service)["operations"].items():
        assert "+}" not in operation["http"]["requestUri"], name
        assert "?" not in operation["http"]["requestUri"], name


@pytest.mark.parametrize("service", SERVICES)
def test_what_each_protocol_leaves_out_is_not_needed(service: str) -> None:
    model = raw(service)
    kinds = {shape["type"] for shape in model["shapes"].values()}
    known = {"structure", "list", "map", "string", "integer", "long", "double", "boolean", "blob", "timestamp"}
    assert kinds <= known
    if model["metadata"]["protocol"] == "query":
        assert not kinds & {"map", "blob"}
    if model["metadata"]["protocol"] == "rest-json":
        inputs = (model["shapes"][operation["input"]["shape"]] for operation in model["operations"].values())
        located = [ref["shape"] for shape in inputs for ref in shape["members"].values() if "location" in ref]
        assert {model["shapes"][name]["type"] for name in located} <= {"string", "integer", "boolean", "list"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_shape_holds_itself(service: str) -> None:
    shapes = raw(service)["shapes"]

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above
        for reference in references(shapes[name]):
            walk(reference["shape"], (*above, name))

    for operation in raw(service)["operations"].values():
        for side in ("input", "output"):
            if side in operation:
                walk(operation[side]["shape"], ())


@pytest.mark.parametrize("service", SERVICES)
def test_operations_and_errors_are_those_of_botocore(service: str) -> None:
    assert set(operation_names(service)) == set(model_of(service).operation_names)
    assert set(service_model(service).errors) == {shape.name for shape in model_of(service).error_shapes}

"""The query protocol (Elastic Beanstalk): parameters as a form with dotted names, results as XML."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from botocore.model import ListShape, MapShape, Shape, StructureShape

from api.wire.constraints import missing
from api.wire.faults import fault_of
from api.wire.messages import Call, HttpRequest, HttpResponse, WireError
from api.wire.model import operation_model, operation_names, service_model
from api.wire.readers import read_timestamp
from emulator.errors import AwsError

Tree = dict[str, Any]
"""A form with its dotted names taken apart: a leaf is a text, a branch a Tree (its text under "")."""


class Query:
    """The protocol for one service."""

    def __init__(self, service: str) -> None:
        self.service = service

    def parse(self, request: HttpRequest) -> Call:
        """The call that `request` makes.

        Raises:
            WireError: InvalidAction, MalformedInput or ValidationError.

        """
        try:
            text = request.body.decode() or request.query
        except UnicodeDecodeError as error:
            raise WireError("MalformedInput", "The request body is not a form") from error
        tree = _tree(parse_qsl(text, keep_blank_values=True))
        operation = _leaf(tree.get("Action", ""))
        if operation not in operation_names(self.service):
            raise WireError("InvalidAction", f"Could not find operation {operation} for version 2010-12-01")
        shape = operation_model(self.service, operation).input_shape
        return Call(operation, {} if shape is None else _read(shape, tree, ""))

    def answer(self, operation: str, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """The response that carries `result`."""
        root = Element(f"{operation}Response", xmlns=self._namespace)
        shape = operation_model(self.service, operation).output_shape
        if shape is not None:
            _write(shape, result, SubElement(root, shape.serialization.get("resultWrapper", f"{operation}Result")))
        SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
        return _response(200, root, request_id)

    def refuse(self, error: AwsError, request_id: str) -> HttpResponse:
        """The response that carries `error`."""
        fault = fault_of(self.service, error)
        root = Element("ErrorResponse", xmlns=self._namespace)
        body = SubElement(root, "Error")
        SubElement(body, "Type").text = "Sender" if fault.sender else "Receiver"
        SubElement(body, "Code").text = fault.code
        SubElement(body, "Message").text = error.message
        SubElement(root, "RequestId").text = request_id
        return _response(fault.status, root, request_id)

    @property
    def _namespace(self) -> str:
        return str(service_model(self.service).metadata["xmlNamespace"])


def _response(status: int, root: Element, request_id: str) -> HttpResponse:
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return HttpResponse(status, headers, tostring(root, encoding="utf-8"))


def _tree(pairs: list[tuple[str, str]]) -> Tree:
    tree: Tree = {}
    for name, value in pairs:
        branch = tree
        *path, last = name.split(".")
        for part in path:
            below = branch.get(part)
            if not isinstance(below, dict):
                below = branch[part] = {} if below is None else {"": below}
            branch = below
        if isinstance(branch.get(last), dict):
            branch[last][""] = value
        else:
            branch[last] = value
    return tree


def _leaf(value: Any) -> str:
    return str(value.get("", "")) if isinstance(value, dict) else str(value)


def _read(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(shape, value, path)
    if isinstance(shape, ListShape):
        flat = shape.serialization.get("flattened")
        items = value if flat else _branch(value).get(shape.member.serialization.get("name", "member"))
        return [_read(shape.member, item, f"{path}.{index}") for index, item in _numbered(items)]
    if isinstance(shape, MapShape):
        entries = _branch(value) if shape.serialization.get("flattened") else _branch(value).get("entry")
        return {
            _leaf(_branch(entry).get("key", "")): _read(shape.value, _branch(entry).get("value", ""), path)
            for _, entry in _numbered(entries)
        }
    return _scalar(shape, _leaf(value), path)


def _read_structure(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    tree = _branch(value)
    result = {}
    for name, member in shape.members.items():
        wire_name = _wire_name(name, member)
        if wire_name in tree:
            result[name] = _read(member, tree[wire_name], f"{path}.{name}" if path else name)
    for name in shape.required_members:
        if name not in result:
            raise WireError("ValidationError", missing(f"{path}.{name}" if path else name))
    return result


def _wire_name(name: str, member: Shape) -> str:
    """The form's name of a member; a flattened list goes by the name of its items."""
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name", member.serialization.get("name", name)))
    return str(member.serialization.get("name", name))


def _branch(value: Any) -> Tree:
    return value if isinstance(value, dict) else {}


def _numbered(value: Any) -> list[tuple[int, Any]]:
    return sorted((int(name), item) for name, item in _branch(value).items() if name.isascii() and name.isdigit())


def _scalar(shape: Shape, text: str, path: str) -> Any:
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "timestamp":
                return read_timestamp(text, path)
            case "blob":
                return base64.b64decode(text)
            case _:
                return text
    except (ValueError, KeyError) as error:
        raise WireError("MalformedInput", f"{text!r} is not a {shape.type_name} at '{path}'") from error


def _write(shape: Shape, value: Any, parent: Element) -> None:
    """Add `value` below (or as the text of) `parent`."""
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            member = shape.members[name]
            if item is None:
                continue
            wire_name = str(member.serialization.get("name", name))
            if isinstance(member, ListShape) and member.serialization.get("flattened"):
                for entry in item:
                    _write(member.member, entry, SubElement(parent, _wire_name(name, member)))
            else:
                _write(member, item, SubElement(parent, wire_name))
    elif isinstance(shape, ListShape):
        for item in value:
            _write(shape.member, item, SubElement(parent, shape.member.serialization.get("name", "member")))
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            entry = SubElement(parent, "entry")
            _write(shape.key, key, SubElement(entry, shape.key.serialization.get("name", "key")))
            _write(shape.value, item, SubElement(entry, shape.value.serialization.get("name", "value")))
    else:
        parent.text = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)

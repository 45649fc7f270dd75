"""Attributes that people put on container instances (reference: ecs.md §1.4, §1.14).

They live in the host's own row beside those that the agent registered; the reserved prefixes tell the two apart.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instances import find_container_instance
from emulator.ecs.errors import AttributeLimitExceededException, InvalidParameterException, TargetNotFoundException
from emulator.ecs.pages import cut, page_size, start_after
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ContainerInstanceRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        AttributeTypeDef,
        DeleteAttributesRequestTypeDef,
        ListAttributesRequestTypeDef,
        PutAttributesRequestTypeDef,
    )

_NAME = re.compile(r"[A-Za-z0-9_./\\-]{1,128}")
_VALUE = re.compile(r"[A-Za-z0-9_./\\@: -]{1,128}")
_RESERVED = ("ecs.", "com.amazonaws.")
_MOST = 10


class AttributesResult(TypedDict):
    """Attributes with their targets."""

    attributes: "list[AttributeTypeDef]"


class ListAttributesResult(TypedDict):
    """A page of attributes."""

    attributes: "list[AttributeTypeDef]"
    nextToken: NotRequired[str]


def custom_attributes(attributes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Those that are not the service's own."""
    return {name: value for name, value in attributes.items() if not name.startswith(_RESERVED)}


def check_attribute(name: str, value: str | None) -> None:
    """Raise InvalidParameterException for a name or value that attributes cannot have; texts are (unconfirmed)."""
    if not _NAME.fullmatch(name):
        raise InvalidParameterException(f"Attribute name '{name}' contains invalid characters.")
    if name.startswith(_RESERVED):
        raise InvalidParameterException(f"Attribute name '{name}' begins with a reserved prefix.")
    if value is not None and (not _VALUE.fullmatch(value) or value != value.strip()):
        raise InvalidParameterException(f"Attribute value '{value}' contains invalid characters.")


def put_attributes(context: Context, request: "PutAttributesRequestTypeDef") -> AttributesResult:
    """Set attributes on hosts: all or none."""
    cluster = find_cluster(context, request.get("cluster"))
    targets = _targets(context, cluster, list(request["attributes"]))
    for attribute, row in targets:
        check_attribute(attribute["name"], attribute.get("value"))
        row.attributes = {**row.attributes, attribute["name"]: attribute.get("value")}
        if len(custom_attributes(row.attributes)) > _MOST:
            raise AttributeLimitExceededException(
                f"Container instances cannot have more than {_MOST} custom attributes."  # (unconfirmed) text
            )
    for row in {row.arn: row for _, row in targets}.values():
        _changed(context, row)
    return {"attributes": [_describe(row, attribute["name"]) for attribute, row in targets]}


def delete_attributes(context: Context, request: "DeleteAttributesRequestTypeDef") -> AttributesResult:
    """Take attributes away; a value that is given must be the present one. The answer tells which are gone."""
    cluster = find_cluster(context, request.get("cluster"))
    targets = _targets(context, cluster, list(request["attributes"]))
    deleted: list[AttributeTypeDef] = []
    for attribute, row in targets:
        name = attribute["name"]
        check_attribute(name, attribute.get("value"))
        if name not in row.attributes or attribute.get("value", row.attributes[name]) != row.attributes[name]:
            continue
        deleted.append(_describe(row, name))
        row.attributes = {key: value for key, value in row.attributes.items() if key != name}
        _changed(context, row)
    return {"attributes": deleted}


def list_attributes(context: Context, request: "ListAttributesRequestTypeDef") -> ListAttributesResult:
    """A page of the attributes of a cluster's hosts, by host, then by name."""
    cluster = find_cluster(context, request.get("cluster"))
    size = page_size(request.get("maxResults"))
    after_arn, _, after_name = start_after(request.get("nextToken")).partition(" ")
    found: list[tuple[ContainerInstanceRow, str]] = []
    for row in _hosts(context, cluster, after_arn):
        names = sorted(name for name, value in row.attributes.items() if _wanted(request, name, value))
        found.extend((row, name) for name in names if (row.arn, name) > (after_arn, after_name))
        if len(found) > size:
            break
    _, more = cut([f"{row.arn} {name}" for row, name in found], size)
    result: ListAttributesResult = {"attributes": [_describe(row, name) for row, name in found[:size]]}
    if more:
        result["nextToken"] = more["nextToken"]
    return result


def _wanted(request: "ListAttributesRequestTypeDef", name: str, value: str | None) -> bool:
    if name != request.get("attributeName", name):
        return False
    return "attributeValue" not in request or value == request["attributeValue"]


def _hosts(context: Context, cluster: ClusterRow, first: str) -> Iterator[ContainerInstanceRow]:
    statement = (
        select(ContainerInstanceRow)
        .where(
            ContainerInstanceRow.cluster_arn == cluster.arn,
            ContainerInstanceRow.status != "INACTIVE",
            ContainerInstanceRow.arn >= first,
        )
        .order_by(ContainerInstanceRow.arn)
    )
    yield from context.session.scalars(statement.execution_options(yield_per=100))


def _targets(
    context: Context, cluster: ClusterRow, attributes: "list[AttributeTypeDef]"
) -> "list[tuple[AttributeTypeDef, ContainerInstanceRow]]":
    if not attributes:
        raise InvalidParameterException("attributes can not be empty")
    if len(attributes) > 10:
        raise InvalidParameterException("attributes can not have more than 10 elements")  # (unconfirmed) text
    return [(attribute, _target(context, cluster, attribute)) for attribute in attributes]


def _target(context: Context, cluster: ClusterRow, attribute: "AttributeTypeDef") -> ContainerInstanceRow:
    target = attribute.get("targetId", "")
    if not target:
        raise InvalidParameterException("targetId can not be empty")  # (unconfirmed) text
    if parse_arn(target) is None and attribute.get("targetType") != "container-instance":
        raise InvalidParameterException("targetType is required for a short targetId")  # (unconfirmed) text
    row = find_container_instance(context, cluster, target)
    if row is None or row.status == "INACTIVE":
        raise TargetNotFoundException(f"Could not find {target}")  # (unconfirmed) text
    return row


def _changed(context: Context, row: ContainerInstanceRow) -> None:
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"attributes": custom_attributes(row.attributes)}, scope=row.cluster_arn)


def _describe(row: ContainerInstanceRow, name: str) -> "AttributeTypeDef":
    described: AttributeTypeDef = {"name": name, "targetId": row.arn}
    value = row.attributes.get(name)
    if value is not None:
        described["value"] = value
    return described

"""Tags of ECS resources (reference: ecs.md §1.8)."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import Arn, parse_arn
from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, ResourceNotFoundException
from emulator.ecs.names import last_part
from emulator.journal import Kind
from emulator.state.capacity import CapacityProviderRow
from emulator.state.daemons import DaemonRow, DaemonTaskDefinitionRow
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskDefinitionRow, TaskRow, TaskSetRow
from emulator.state.ingress import GatewayRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )

_MARKS = frozenset("_.:/=+-@")
Tagged = (
    ClusterRow
    | ServiceRow
    | TaskRow
    | TaskDefinitionRow
    | ContainerInstanceRow
    | CapacityProviderRow
    | TaskSetRow
    | DaemonRow
    | DaemonTaskDefinitionRow
    | GatewayRow
)

_KINDS: Mapping[str, type[Tagged]] = {
    "cluster": ClusterRow,
    "service": ServiceRow,
    "task": TaskRow,
    "task-definition": TaskDefinitionRow,
    "container-instance": ContainerInstanceRow,
    "capacity-provider": CapacityProviderRow,
    "task-set": TaskSetRow,
    "daemon": DaemonRow,
    "daemon-task-definition": DaemonTaskDefinitionRow,
    "gateway": GatewayRow,
}


def check_tags(tags: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tags, checked.

    Raises:
        InvalidParameterException: too many, too long, reserved or with characters that tags cannot have.

    """
    checked = [{"key": tag.get("key", ""), "value": tag.get("value", "")} for tag in tags]
    if len(checked) > 50:
        raise InvalidParameterException("Tags can not exceed 50 entries.")  # (unconfirmed) text
    for tag in checked:
        if not 1 <= len(tag["key"]) <= 128 or len(tag["value"]) > 256:
            raise InvalidParameterException("Tag keys have 1 to 128 characters, values at most 256.")
        if tag["key"].lower().startswith("aws:"):
            raise InvalidParameterException("Tag keys that begin with aws: are reserved.")  # (unconfirmed) text
        if not _allowed(tag["key"] + tag["value"]):
            raise InvalidParameterException("Tags contain invalid characters.")  # (unconfirmed) text
    return checked


def _allowed(text: str) -> bool:
    """The model's pattern: letters, separators and numbers of every script, and a few marks."""
    return all(letter in _MARKS or unicodedata.category(letter)[0] in "LZN" for letter in text)


class NoResult(TypedDict):
    """Nothing to say."""


class TagsResult(TypedDict):
    """Tags in the order in which they were set."""

    tags: list[dict[str, Any]]


def tag_resource(context: Context, request: "TagResourceRequestTypeDef") -> NoResult:
    """Set tags; others stay."""
    row = _resource(context, request["resourceArn"])
    merged = {tag["key"]: tag["value"] for tag in [*row.tags, *check_tags(request["tags"])]}
    if len(merged) > 50:
        raise InvalidParameterException("Tags can not exceed 50 entries.")  # (unconfirmed) text
    row.tags = [{"key": key, "value": value} for key, value in merged.items()]  # the service's own stay as they are
    context.record(Kind.STATE_CHANGE, row.arn, {"tags": row.tags})
    return {}


def untag_resource(context: Context, request: "UntagResourceRequestTypeDef") -> NoResult:
    """Remove tags."""
    row = _resource(context, request["resourceArn"])
    row.tags = [tag for tag in row.tags if tag["key"] not in set(request["tagKeys"])]
    context.record(Kind.STATE_CHANGE, request["resourceArn"], {"tags": row.tags})
    return {}


def list_tags_for_resource(context: Context, request: "ListTagsForResourceRequestTypeDef") -> TagsResult:
    """The tags of a resource."""
    return {"tags": _resource(context, request["resourceArn"]).tags}


def _resource(context: Context, text: str) -> Tagged:
    arn: Arn | None = parse_arn(text)
    if arn is None or arn.kind not in _KINDS:
        raise InvalidParameterException("Invalid ARN.")  # (unconfirmed) text
    key = f"ecs-svc/{last_part(text)}" if arn.kind == "task-set" else text
    row: Tagged | None = context.session.get(_KINDS[arn.kind], key)  # type: ignore[assignment]  # the join of a union
    if row is None or row.arn != text or (arn.account, arn.region) != (context.account, context.region):
        raise ResourceNotFoundException("The specified resource was not found.")  # (unconfirmed) text
    if isinstance(row, ClusterRow) and row.status == "INACTIVE":
        raise InvalidParameterException("The specified cluster is inactive. Specify an active cluster and try again.")
    return row

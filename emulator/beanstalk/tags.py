"""Tags of applications, versions, saved configurations, environments and custom platforms."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import Arn, parse_arn
from emulator.beanstalk.endings import starting
from emulator.beanstalk.environment_creation import LOOP
from emulator.beanstalk.environment_finding import by_name
from emulator.beanstalk.environment_states import Status, move
from emulator.beanstalk.errors import (
    InvalidParameterValue,
    OperationInProgressException,
    ResourceNotFoundException,
    ResourceTypeNotSupportedException,
)
from emulator.beanstalk.operation_documents import Operation, OperationName, Stage
from emulator.beanstalk.resources.tagging import REMOVED
from emulator.beanstalk.tag_rules import MOST, MOST_OF_ENVIRONMENT, RESERVED, check_key, check_number, checked_tags
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import (
    ApplicationRow,
    ApplicationVersionRow,
    ConfigurationTemplateRow,
    EnvironmentRow,
    PlatformVersionRow,
)

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        ListTagsForResourceMessageTypeDef,
        UpdateTagsForResourceMessageTypeDef,
    )

Tagged = ApplicationRow | ApplicationVersionRow | ConfigurationTemplateRow | EnvironmentRow | PlatformVersionRow
_KEYED: Mapping[str, tuple[type[ApplicationRow | ApplicationVersionRow | ConfigurationTemplateRow], int]] = {
    "application": (ApplicationRow, 1),
    "applicationversion": (ApplicationVersionRow, 2),
    "configurationtemplate": (ConfigurationTemplateRow, 2),
}
"""Kind of resource → its table, and of how many names its key is."""


class TagsResult(TypedDict):
    """The tags of a resource."""

    ResourceArn: str
    ResourceTags: list[dict[str, Any]]


class NoResult(TypedDict):
    """Nothing to say."""


def list_tags_for_resource(context: Context, request: "ListTagsForResourceMessageTypeDef") -> TagsResult:
    """The tags, with those that the service itself sets on an environment."""
    arn = request["ResourceArn"]
    row = _resource(context, arn)
    own: list[dict[str, Any]] = []
    if isinstance(row, EnvironmentRow):
        own = [{"Key": key, "Value": value} for key, value in zip(RESERVED, (row.name, row.id, row.name), strict=True)]
    return {"ResourceArn": arn, "ResourceTags": [*own, *row.tags]}


def update_tags_for_resource(context: Context, request: "UpdateTagsForResourceMessageTypeDef") -> NoResult:
    """Set and remove tags. Keys to remove that are not there do not matter."""
    arn, added, removed = request["ResourceArn"], request.get("TagsToAdd", []), request.get("TagsToRemove", [])
    row = _resource(context, arn)
    if not added and not removed:
        raise InvalidParameterValue("You must specify TagsToAdd or TagsToRemove.")  # (unconfirmed) text
    reserved = RESERVED if isinstance(row, EnvironmentRow) else ()
    fresh = checked_tags(added, reserved=reserved)
    for key in removed:
        check_key(key, reserved)
    if {tag["Key"] for tag in fresh} & set(removed):
        raise InvalidParameterValue("A tag key cannot be added and removed at once.")  # (unconfirmed) text
    if isinstance(row, EnvironmentRow) and row.status != Status.READY:
        raise OperationInProgressException(f"Environment {row.name} is being changed.")  # (unconfirmed) text
    left = {tag["Key"]: tag["Value"] for tag in [*row.tags, *fresh] if tag["Key"] not in set(removed)}
    check_number(left, MOST_OF_ENVIRONMENT if isinstance(row, EnvironmentRow) else MOST)
    row.tags = [{"Key": key, "Value": value} for key, value in left.items()]
    context.record(Kind.STATE_CHANGE, arn, {"tags": row.tags})
    if isinstance(row, EnvironmentRow):
        move(context, row, Status.UPDATING)
        gone = {*(row.resources.get(REMOVED) or ()), *removed} - left.keys()
        row.resources = {**row.resources, REMOVED: sorted(gone)}
        starting(context, row, Operation(OperationName.TAG, context.request_id, (Stage.TAG, Stage.END)))
        context.wake(LOOP, row.id)
    return {}


def _resource(context: Context, text: str) -> Tagged:
    arn = parse_arn(text)
    if arn is None or arn.service != "elasticbeanstalk" or arn.region != context.region:
        raise ResourceNotFoundException(text)
    kind, *names = arn.resource.split("/")
    if kind not in {*_KEYED, "environment", "platform"} or (kind == "platform" and not arn.account):
        raise ResourceTypeNotSupportedException(text)
    row = _found(context, arn, kind, names) if arn.account == context.account else None
    if row is None:
        raise ResourceNotFoundException(text)
    return row


def _found(context: Context, arn: Arn, kind: str, names: list[str]) -> Tagged | None:
    if kind == "platform":
        return context.session.get(PlatformVersionRow, context.arn(arn.service, arn.resource))
    if kind == "environment":
        row = by_name(context, names[-1]) if len(names) == 2 else None
        return row if row is not None and row.application == names[0] else None
    table, count = _KEYED[kind]
    if len(names) != count:
        return None
    key = (context.account, context.region, *names)
    return context.session.get(table, key)  # type: ignore[return-value]  # the join of a union

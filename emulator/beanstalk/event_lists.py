"""DescribeEvents."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import ColumnElement, select, tuple_

from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.pages import start_after
from emulator.context import Context
from emulator.pagination import encode_token
from emulator.state.beanstalk import EventRow
from scheduler.beanstalk.model import Severity

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import DescribeEventsMessageTypeDef

_KEPT = timedelta(weeks=6)
_MOST = 1000
_COLUMNS = {
    "ApplicationName": EventRow.application,
    "VersionLabel": EventRow.version_label,
    "TemplateName": EventRow.template,
    "EnvironmentId": EventRow.environment_id,
    "EnvironmentName": EventRow.environment,
    "PlatformArn": EventRow.platform_arn,
    "RequestId": EventRow.request_id,
}


class EventsResult(TypedDict):
    """A page of events."""

    Events: list[dict[str, Any]]
    NextToken: NotRequired[str]


def describe_events(context: Context, request: "DescribeEventsMessageTypeDef") -> EventsResult:
    """Events of the last six weeks, the newest first."""
    query = select(EventRow).where(*_conditions(context, request))
    last = start_after(request.get("NextToken"))
    if last is not None:
        query = query.where(_after(context, last))
    size = min(request.get("MaxRecords") or _MOST, _MOST)
    rows = list(context.session.scalars(query.order_by(EventRow.at.desc(), EventRow.number.desc()).limit(size + 1)))
    result: EventsResult = {"Events": [describe(row) for row in rows[:size]]}
    if len(rows) > size:
        result["NextToken"] = encode_token(str(rows[size - 1].number))
    return result


def _after(context: Context, number: str) -> ColumnElement[bool]:
    """What follows, in the order of the list, the event with this number."""
    shown = context.session.get(EventRow, int(number)) if number.isdigit() else None
    if shown is None:
        raise InvalidParameterValue("Invalid NextToken.")  # (unconfirmed) text
    return tuple_(EventRow.at, EventRow.number) < (shown.at, shown.number)


def _conditions(context: Context, request: "DescribeEventsMessageTypeDef") -> list[ColumnElement[bool]]:
    asked: dict[str, Any] = dict(request)
    found = [
        EventRow.account == context.account,
        EventRow.region == context.region,
        EventRow.at > context.now - _KEPT,
        *(column == asked[name] for name, column in _COLUMNS.items() if name in asked),
    ]
    if "Severity" in asked:
        order = [severity.value for severity in Severity]
        found.append(EventRow.severity.in_(order[order.index(asked["Severity"]) :]))
    if "StartTime" in asked:
        found.append(EventRow.at >= asked["StartTime"])
    if "EndTime" in asked:
        found.append(EventRow.at < asked["EndTime"])
    return found


def describe(row: EventRow) -> dict[str, Any]:
    """EventDescription."""
    found = {
        "EventDate": row.at,
        "Message": row.message,
        "ApplicationName": row.application,
        "VersionLabel": row.version_label,
        "TemplateName": row.template,
        "EnvironmentName": row.environment,
        "PlatformArn": row.platform_arn,
        "RequestId": row.request_id,
        "Severity": row.severity,
    }
    return {name: value for name, value in found.items() if value is not None}

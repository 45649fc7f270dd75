"""Requests for groups of EC2 Auto Scaling: which cause each has, what they answer of activities, which recurrences are refused."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.neighbours import group_causes as causes
from emulator.neighbours.group_activities import Activity, activities, watch
from emulator.neighbours.group_causes import Cause
from emulator.pagination import InvalidTokenError, decode_token, encode_token
from scheduler.beanstalk.cron import CronError, parse

_PAGE = 100
_CAUSES = {
    "create_auto_scaling_group": causes.CREATED,
    "update_auto_scaling_group": causes.UPDATED,
    "set_desired_capacity": causes.RESIZED,
    "delete_auto_scaling_group": causes.DELETED,
    "notify_terminate_instances": causes.UNHEALTHY,
    "attach_instances": causes.ATTACHED,
}
_ANSWERING = {
    "detach_instances": causes.DETACHED,
    "enter_standby_instances": causes.BY_REQUEST,
    "exit_standby_instances": causes.BY_REQUEST,
}
"""Operations on instances of a group that answer with what they did."""


def tell_causes(backend_class: Any, response_class: Any) -> None:
    """Have moto's requests leave activities, and answer with them. To be called once."""
    for name, cause in _CAUSES.items():
        setattr(backend_class, name, _told(getattr(backend_class, name), cause))
    for name, cause in _ANSWERING.items():
        setattr(backend_class, name, _answering(getattr(backend_class, name), cause))
    execute, put = backend_class.execute_policy, backend_class.put_scheduled_update_group_action
    terminate = backend_class.terminate_instance

    def execute_policy(backend: Any, group_name: str) -> None:
        with watch(backend, causes.executed(group_name)):  # moto's name for the policy
            execute(backend, group_name)

    def terminate_instance(backend: Any, instance_id: str, should_decrement: Any) -> Any:
        with watch(backend, causes.BY_REQUEST) as made:
            answer = terminate(backend, instance_id, should_decrement)
        return next(iter(_of(made, [instance_id])), answer)

    def put_action(backend: Any, **members: Any) -> Any:
        _check_recurrence(members.get("recurrence"))
        return put(backend, **members)

    backend_class.execute_policy = execute_policy
    backend_class.terminate_instance = terminate_instance
    backend_class.put_scheduled_update_group_action = put_action
    response_class.describe_scaling_activities = _describe_scaling_activities
    response_class.put_scaling_policy = _with_its_arn(response_class.put_scaling_policy)


def _with_its_arn(original: Any) -> Any:
    """PutScalingPolicy's answer: moto calls the member PolicyArn, which no client reads."""

    def put_scaling_policy(response: Any) -> Any:
        from moto.core.responses import ActionResult  # noqa: PLC0415 - moto is imported at first use only

        return ActionResult({"PolicyARN": original(response).result["PolicyArn"]})

    return put_scaling_policy


def _told(original: Any, cause: Cause) -> Any:
    def call(backend: Any, *positional: Any, **named: Any) -> Any:
        with watch(backend, cause):
            return original(backend, *positional, **named)

    return call


def _answering(original: Any, cause: Cause) -> Any:
    """The activities that were recorded, in place of moto's own, which nobody could find again."""

    def call(backend: Any, group: str, instance_ids: Sequence[str], *others: Any) -> Any:
        with watch(backend, cause) as made:
            answer = original(backend, group, instance_ids, *others)
        return _of(made, instance_ids) or answer

    return call


def _of(made: Sequence[Activity], instance_ids: Sequence[str]) -> list[Activity]:
    return [_shown(item) for item in made if item["instance"] in instance_ids]


def _shown(item: Activity, *, deleted: bool = False) -> Activity:
    shown = {name: value for name, value in item.items() if name != "instance" and value is not None}
    return {**shown, "AutoScalingGroupState": "Deleted"} if deleted else shown


def _check_recurrence(recurrence: str | None) -> None:
    """AWS's text is (unconfirmed); users quote it so."""
    try:
        if recurrence:
            parse(recurrence)
    except CronError as error:
        raise _refusal(f"Given recurrence string: {recurrence} is invalid") from error


def _refusal(text: str, code: str = "ValidationError") -> Exception:
    from moto.autoscaling.exceptions import AutoscalingClientError  # noqa: PLC0415 - moto is imported at first use only

    error: Exception = AutoscalingClientError(code, text)
    return error


def _describe_scaling_activities(response: Any) -> Any:
    """Newest first; those of deleted groups only where they are asked for."""
    from moto.core.responses import ActionResult  # noqa: PLC0415 - as above

    backend, wanted = response.autoscaling_backend, response._get_params()  # noqa: SLF001 - moto's name
    living = {str(group.arn) for group in backend.autoscaling_groups.values()}
    deleted = str(wanted.get("IncludeDeletedGroups", False)).lower() == "true"
    name, ids = wanted.get("AutoScalingGroupName"), wanted.get("ActivityIds") or []
    if name and not deleted and name not in backend.autoscaling_groups:  # (unconfirmed) text
        raise _refusal(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    admits = _filter(wanted.get("Filters") or [])
    found = [
        item
        for item in reversed(activities(backend))
        if (deleted or item["AutoScalingGroupARN"] in living)
        and (not name or item["AutoScalingGroupName"] == name)
        and (not ids or item["ActivityId"] in ids)
        and admits(item)
    ]
    begin = _begin(found, wanted.get("NextToken"))
    size = min(int(wanted.get("MaxRecords") or _PAGE), _PAGE)
    page = found[begin : begin + size]
    shown = [_shown(item, deleted=item["AutoScalingGroupARN"] not in living) for item in page]
    more = {"NextToken": encode_token(page[-1]["ActivityId"])} if begin + size < len(found) else {}
    return ActionResult({"Activities": shown, **more})


def _begin(found: Sequence[Activity], token: str | None) -> int:
    """Where the page begins: after the activity that the last one ended with, whatever has come since."""
    try:
        last = decode_token(token)
        return 0 if last is None else [item["ActivityId"] for item in found].index(last) + 1
    except (InvalidTokenError, ValueError) as error:
        raise _refusal("The NextToken value is not valid.", "InvalidNextToken") from error


def _filter(filters: Sequence[Mapping[str, Any]]) -> Callable[[Activity], bool]:
    given = {str(item["Name"]): [str(value) for value in item["Values"]] for item in filters}
    lower, upper = (
        [_instant(value) for value in given.get(f"StartTime{bound}Bound", ())] for bound in ("Lower", "Upper")
    )
    statuses = given.get("Status")

    def admits(item: Activity) -> bool:
        at = item["StartTime"]
        in_time = all(at >= bound for bound in lower) and all(at <= bound for bound in upper)
        return in_time and (statuses is None or item["StatusCode"] in statuses)

    return admits


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refusal(f"Invalid timestamp: {text}") from error  # (unconfirmed) text
    return found if found.tzinfo else found.replace(tzinfo=UTC)

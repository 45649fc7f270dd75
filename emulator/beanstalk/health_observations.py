"""What is seen of an environment and its instances: rows, tasks, the balancer's checks, what was served, CPU."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from emulator.balancer.ports import Traffic
from emulator.beanstalk.environment_resources import is_made
from emulator.beanstalk.fleet_view import SAMPLE
from emulator.beanstalk.fronts import own_group
from emulator.beanstalk.health_documents import activities_document, activities_of, instant_of, written
from emulator.beanstalk.operation_documents import OperationName
from emulator.beanstalk.option_values import COMMAND, HEALTH, Values
from emulator.beanstalk.serving import groups_of, serving_of
from emulator.context import Context
from emulator.neighbours.environment_ports import GroupState
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.ecs import TaskRow
from scheduler.beanstalk.health_model import (
    Activities,
    Activity,
    EnvironmentObservation,
    Expectation,
    InstanceObservation,
)
from scheduler.beanstalk.model import Command, Outcome, Serving
from scheduler.beanstalk.request_statistics import Requests, status_class, together

_ACTIVITIES = {OperationName.UPDATE: Activity.UPDATE, OperationName.RESTART: Activity.RESTART}
"""Every other operation launches instances."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What rows do not tell."""

    group: GroupState | None
    group_gone: str | None = None
    """Name of the Auto Scaling group, when it is not there any more."""
    role: str | None = None
    """ARN of a service role that does not exist, or cannot be assumed."""
    silenced: bool = False
    """What instances report is refused: their role may not report it."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    """Instance → percent in use."""
    waiting: int | None = None
    """Messages in the queue of a worker."""
    dead_letters: int | None = None
    requests: Mapping[str, Requests] = field(default_factory=dict)
    """Instance → what it served in the last ten seconds."""


def traffic_of(context: Context, row: EnvironmentRow, items: Iterable[BeanstalkInstanceRow]) -> dict[str, Requests]:
    """Instance → all that the balancer has had of it since the server started."""
    balancer = context.emulator.balancer
    found: dict[str, Requests] = {}
    if balancer is None:
        return found
    for item in items:
        parts = [
            counted(traffic)
            for arn in set(groups_of(row, item.fleet).values())
            | set((row.resources.get("target_groups") or {}).values())
            | {own_group(row.id)}
            for revision, traffic in balancer.traffic(arn).items()
            if revision.startswith(f"{item.id} ")
        ]
        found[item.id] = together(parts)
    return found


def counted(traffic: Traffic) -> Requests:
    """By status classes."""
    classes = (Requests({status_class(status): count}) for status, count in traffic.statuses.items())
    return together([*classes, Requests({}, traffic.latencies)])


def expectation_of(context: Context, row: EnvironmentRow, values: Values) -> Expectation:
    """What the instances are to run."""
    found = context.session.get(DeploymentRow, (row.id, row.deployment))
    rules = config_document(values).get("Rules", {}).get("Environment", {})
    return Expectation(
        version=(found.version_label if found is not None else None) or SAMPLE,
        deployment=row.deployment,
        command_timeout=float(values.number(COMMAND, "Timeout", 600)),
        busy=row.operation is not None,
        instance_4xx=_enabled(rules, "Application", "ApplicationRequests4xx"),
    )


def config_document(values: Values) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    """ConfigDocument; empty where it is not set or cannot be read."""
    try:
        found = orjson.loads(values.get(HEALTH, "ConfigDocument", "{}"))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _enabled(rules: Mapping[str, object], group: str, rule: str) -> bool:
    found = rules.get(group)
    wanted = found.get(rule) if isinstance(found, Mapping) else None
    return not (isinstance(wanted, Mapping) and wanted.get("Enabled") is False)


def observe_instance(
    context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, outside: Outside
) -> InstanceObservation:
    """An instance now. What must be remembered until the next look is written into its document."""
    serving = serving_of(context, row, item)
    memory = _remembered(context, row, item, serving)
    task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
    running = task is not None and task.last_status == "RUNNING"
    return InstanceObservation(
        id=item.id,
        launched_at=item.launched_at,
        last_seen=_last_seen(context, item, silenced=outside.silenced),
        activity=Activity(memory["activity"]),
        command=Command(item.command),
        command_since=item.command_since,
        command_ended=item.command_ended,
        serving=serving if row.resources.get("target_groups") else None,
        serving_since=instant_of(memory["serving_since"]),
        running=running,
        deployment=item.deployment,
        version=item.version_label or SAMPLE,
        requests=outside.requests.get(item.id, Requests()),
        cpu=outside.cpu.get(item.id),
    )


def _last_seen(context: Context, item: BeanstalkInstanceRow, *, silenced: bool) -> datetime | None:
    """When the instance reported last; while its reports are refused, when the last one was let in."""
    memory = item.health.get("memory") or {}
    if silenced:
        seen = memory.get("seen") or item.health.get("at")
        item.health = {**item.health, "memory": {**memory, "seen": seen}}
        return instant_of(seen)
    if "seen" in memory:
        item.health = {**item.health, "memory": {name: kept for name, kept in memory.items() if name != "seen"}}
    return context.now if item.command != Command.NONE else None


def _remembered(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, serving: Serving) -> dict[str, str]:
    before = item.health.get("memory") or {}
    since = before.get("serving_since") if before.get("serving") == serving else written(context.now)
    memory = {**before, "serving": serving.value, "serving_since": since}
    if item.deployment and before.get("deployment") != item.deployment:
        first = before.get("first") or item.deployment
        name = OperationName((row.operation or {}).get("name", OperationName.CREATE))
        doing = {OperationName.RESTART: Activity.RESTART}.get(name, Activity.DEPLOYMENT)
        activity = Activity.INITIALIZATION if first == item.deployment else doing
        memory |= {"deployment": item.deployment, "first": first, "activity": activity.value}
    memory.setdefault("activity", Activity.INITIALIZATION.value)
    item.health = {**item.health, "memory": memory}
    return memory


def operation_seen(context: Context, row: EnvironmentRow) -> Activities | None:
    """The operation that goes on or was the last one; remembered in the environment's document."""
    before, operation = row.health.get("operation"), row.operation
    if operation is None:
        if before and before["ended"] is None:
            before = {**before, "ended": written(context.now)}
    elif not before or before["request_id"] != operation["request_id"]:
        activity = _ACTIVITIES.get(OperationName(operation["name"]), Activity.INITIALIZATION)
        before = activities_document(Activities(activity, context.now), operation["request_id"])
    if operation is not None and before:
        outcome = operation["facts"].get("outcome", Outcome.SUCCEEDED)
        before = {**before, "failed": outcome != Outcome.SUCCEEDED}
    row.health = {**row.health, "operation": before}
    return activities_of(before)


def observe_environment(
    context: Context,
    row: EnvironmentRow,
    instances: Sequence[InstanceObservation],
    expected: Expectation,
    outside: Outside,
    values: Values,
) -> EnvironmentObservation:
    """An environment now."""
    group = outside.group
    wanted = 0 if is_made(row) else values.size[0]  # a launch that failed left out what its user asked for
    rules = config_document(values).get("Rules", {}).get("Environment", {})
    return EnvironmentObservation(
        now=context.now,
        instances=tuple(instances),
        expected=expected,
        desired=group.desired if group is not None else wanted,
        minimum=group.minimum if group is not None else 0,
        operation=operation_seen(context, row),
        has_balancer=bool(row.resources.get("target_groups")),
        balancer_4xx=_enabled(rules, "ELB", "ELBRequests4xx"),
        role=outside.role,
        group_gone=outside.group_gone,
        waiting_messages=outside.waiting,
        dead_letters=outside.dead_letters,
        queue_seen=context.now if outside.waiting is not None else None,
    )

"""One step of a deployment: look at its service and task sets, have the scheduler say what comes next, and write it down.

Blue is the task set that served production when the deployment began, green is what it deploys. On the way back the roles
are exchanged: green is what served before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from emulator.codedeploy import progress
from emulator.codedeploy.rollbacks import go_back
from emulator.codedeploy.traffic import TrafficError, other_group, route
from emulator.context import Context
from emulator.ecs.service_documents import task_sets_of
from emulator.ecs.task_set_changes import CODE_DEPLOY, add_task_set, drain_task_set, make_primary
from emulator.errors import AwsError
from emulator.journal import Kind
from emulator.state.codedeploy import CodeDeploymentRow
from emulator.state.ecs import ClusterRow, ServiceRow, TaskSetRow
from scheduler.reconcile.code_deploy import Ending, Ready, View, step
from scheduler.reconcile.traffic_shift import Done, Go, Stage, Wait, Weights, first_place, weights

_LATE = {Stage.POST_PRODUCTION_TRAFFIC_SHIFT, Stage.BAKE_TIME, Stage.CLEAN_UP}
"""Stages in which green serves production."""


class FaultError(Exception):
    """The deployment cannot go on: CodeDeploy's error code, and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = (code, message)


@dataclass(slots=True)
class _Seen:
    service: ServiceRow
    sets: Sequence[TaskSetRow]

    def named(self, set_id: str | None) -> TaskSetRow | None:
        return next((row for row in self.sets if row.id == set_id), None)


def advance(context: Context, row: CodeDeploymentRow) -> None:
    """Take a deployment that is under way a step on."""
    try:
        seen = _look(context, row)
        if row.status == "Created":
            _begin(context, row, seen)
        fault = None
        _work(context, row, seen)
    except FaultError as error:
        seen, fault = None, error.fault
    if "stage" not in row.progress:  # it could not even begin
        assert fault is not None  # noqa: S101 - `_begin` raised it
        _end(context, row, Ending("Failed", *fault, "DEPLOYMENT_FAILURE"))
        return
    _go_on(context, row, _view(context, row, seen, fault))


def _look(context: Context, row: CodeDeploymentRow) -> _Seen:
    service = context.session.get(ServiceRow, row.service_arn)
    if service is None or service.status != "ACTIVE":  # (unconfirmed) texts
        raise FaultError("INVALID_ECS_SERVICE", f"The ECS service {row.service_arn} is not active.")
    if service.body["deploymentController"]["type"] != CODE_DEPLOY:
        raise FaultError("INVALID_ECS_SERVICE", "The ECS service's deployment controller is not CODE_DEPLOY.")
    return _Seen(service, task_sets_of(context, service.arn))


def _begin(context: Context, row: CodeDeploymentRow, seen: _Seen) -> None:
    primary = next((item for item in seen.sets if item.status == "PRIMARY"), None)
    if primary is None:
        raise FaultError("INVALID_ECS_SERVICE", "The ECS service has no primary task set.")  # (unconfirmed) text
    if not row.progress.get("back"):
        progress.note(row, blue=primary.id, green=None)
    _move(context, row, "InProgress")
    row.started_at = context.now
    sources = sum(item.status != "DRAINING" for item in seen.sets)
    progress.enter(context, row, first_place(progress.plan(row), sources))


def _work(context: Context, row: CodeDeploymentRow, seen: _Seen) -> None:
    """Have happen what the deployment's place asks for."""
    stage, told = progress.place(row).stage, row.progress
    green, blue = seen.named(told["green"]), seen.named(told["blue"])
    if stage is Stage.SCALE_UP and told["green"] is None:
        green = _install(context, row, seen)
    if stage is not Stage.SCALE_UP and told["green"] is not None and green is None:
        raise FaultError("ECS_UPDATE_ERROR", f"The task set {told['green']} is gone.")  # (unconfirmed) text
    if green is not None and green.status != "PRIMARY" and stage in _LATE:
        make_primary(context, seen.service, green)
    if stage is Stage.RECONCILE_SERVICE:
        _all_to_blue(context, row, blue)
        _drain_others(context, seen, told["blue"])
    elif stage is Stage.CLEAN_UP:
        _drain_others(context, seen, told["green"])
    else:
        _route(context, row, green, blue)
    if stage in {Stage.RECONCILE_SERVICE, Stage.CLEAN_UP} and told["shifted"] is None:
        progress.note(row, shifted=context.now.isoformat())


def _all_to_blue(context: Context, row: CodeDeploymentRow, blue: TaskSetRow | None) -> None:
    """What a deployment that was stopped on its way left behind gets no traffic any more."""
    if blue is None:
        raise FaultError("INVALID_ECS_SERVICE", "The ECS service has no primary task set.")  # (unconfirmed) text
    serving = blue.body["loadBalancers"][0]["targetGroupArn"]
    try:
        route(context, row.body, other_group(context, row.body, serving), serving, Weights(0.0, 0.0))
    except TrafficError as error:
        raise FaultError("ELASTIC_LOAD_BALANCING_INVALID", str(error)) from error


def _install(context: Context, row: CodeDeploymentRow, seen: _Seen) -> TaskSetRow:
    blue, spec = seen.named(row.progress["blue"]), row.body["appspec"]
    if blue is None:
        raise FaultError("INVALID_ECS_SERVICE", "The ECS service has no primary task set.")  # (unconfirmed) text
    try:
        group = other_group(context, row.body, blue.body["loadBalancers"][0]["targetGroupArn"])
        balancer = {"targetGroupArn": group, "containerName": spec["container"], "containerPort": spec["port"]}
        _shift(context, row, group, blue)
        request = {
            **_compute(blue),
            **spec["members"],
            "taskDefinition": spec["task_definition"],
            "loadBalancers": [balancer],
            "externalId": row.id,
            "startedBy": CODE_DEPLOY,
        }
        if "capacityProviderStrategy" in spec["members"]:
            request.pop("launchType", None)
        cluster = context.session.get_one(ClusterRow, seen.service.cluster_arn)
        green = add_task_set(context, cluster, seen.service, request)
    except TrafficError as error:
        raise FaultError("ELASTIC_LOAD_BALANCING_INVALID", str(error)) from error
    except AwsError as error:
        raise FaultError("ECS_UPDATE_ERROR", error.message) from error
    progress.note(row, green=green.id)
    seen.sets = [*seen.sets, green]
    return green


def _compute(blue: TaskSetRow) -> dict[str, Any]:
    """What the AppSpec does not say is as before."""
    kept = ("networkConfiguration", "platformVersion", "launchType", "capacityProviderStrategy")
    return {member: blue.body[member] for member in kept if member in blue.body}


def _drain_others(context: Context, seen: _Seen, kept: str | None) -> None:
    for item in seen.sets:
        if item.id != kept and item.status not in {"DRAINING", "PRIMARY"}:
            drain_task_set(context, seen.service, item)


def _route(context: Context, row: CodeDeploymentRow, green: TaskSetRow | None, blue: TaskSetRow | None) -> None:
    """Production goes to blue until its time; before there is a green nothing is touched."""
    wanted = weights(progress.plan(row), progress.place(row))
    if green is not None:
        group = green.body["loadBalancers"][0]["targetGroupArn"]
        try:
            _shift(context, row, group, blue)
        except TrafficError as error:
            raise FaultError("ELASTIC_LOAD_BALANCING_INVALID", str(error)) from error
    if row.progress["shifted"] is None:
        told = {} if wanted.production is None else {"production": wanted.production}
        progress.note(row, shifted=context.now.isoformat(), **told)


def _shift(context: Context, row: CodeDeploymentRow, green_group: str, blue: TaskSetRow | None) -> None:
    wanted = weights(progress.plan(row), progress.place(row))
    if blue is not None:
        blue_group = blue.body["loadBalancers"][0]["targetGroupArn"]
    else:
        blue_group = other_group(context, row.body, green_group)
    if blue_group != green_group:
        route(context, row.body, green_group, blue_group, wanted)


def _view(context: Context, row: CodeDeploymentRow, seen: _Seen | None, fault: tuple[str, str] | None) -> View:
    told = row.progress
    green = None if seen is None else seen.named(told["green"])
    kept = {told["blue"] if told["stage"] == Stage.RECONCILE_SERVICE else told["green"]}
    shift = progress.shift_of(
        context,
        row,
        ready=green is not None and green.stability == "STEADY_STATE",
        alone=seen is not None and all(item.id in kept for item in seen.sets),
    )
    if told.get("back"):
        return View(shift, fault=fault)
    option = row.body["blueGreenDeploymentConfiguration"]["deploymentReadyOption"]
    waits = option["actionOnTimeout"] == "STOP_DEPLOYMENT"
    late = shift.place.stage is Stage.CLEAN_UP
    return View(
        shift,
        stop=None if late or told.get("stop") is None else told["stop"]["message"],
        alarms=() if late else _alarms(context, row),
        fault=fault or _hook_fault(context, row),
        approval=option["waitTimeInMinutes"] * 60.0 if waits else None,
        waited=None if told.get("ready") is None else progress.since(context, told["ready"]),
        approved=told.get("approved", False),
        keeps_waiting=not told.get("skips", False),
    )


def _alarms(context: Context, row: CodeDeploymentRow) -> tuple[str, ...]:
    watched = row.body["alarmConfiguration"]
    if not watched["enabled"]:
        return ()
    names = [alarm["name"] for alarm in watched["alarms"]]
    found = context.emulator.neighbours.alarms(context.account, context.region, names)
    return tuple(sorted(alarm.name for alarm in found if alarm.state == "ALARM"))


def _hook_fault(context: Context, row: CodeDeploymentRow) -> tuple[str, str] | None:
    """(unconfirmed) texts."""
    hook = row.progress.get("hook")
    if hook is None or hook["status"] == "Succeeded":
        return None
    failed = f"The following validation Lambda function failed: {hook['function']}."
    if hook["status"] == "Failed":
        return "HOOK_EXECUTION_FAILURE", f"{failed} {hook['message'] or 'It reported Failed.'}"
    expires = datetime.fromisoformat(hook["expires"])
    if context.now >= expires:
        return "HOOK_EXECUTION_FAILURE", f"{failed} It did not report within an hour."
    look_again(context, row, expires)
    return None


def look_again(context: Context, row: CodeDeploymentRow, at: datetime) -> None:
    """Have the deployment looked at once the clock shows `at`."""
    context.after_commit(lambda: context.emulator.loops.wake_at("codedeploy", row.service_arn, at))


def _go_on(context: Context, row: CodeDeploymentRow, view: View) -> None:
    match step(view):
        case Go(following):
            if row.status == "Ready":
                _move(context, row, "InProgress")
            progress.enter(context, row, following)
            context.wake("codedeploy", row.service_arn)
        case Wait(why, seconds):
            if row.progress.get("waits") != why:
                progress.note(row, waits=why)
            if seconds is not None:
                look_again(context, row, context.now + timedelta(seconds=seconds))
        case Ready():
            progress.note(row, ready=context.now.isoformat())
            _move(context, row, "Ready")
            context.wake("codedeploy", row.service_arn)
        case Done():
            progress.end_events(context, row, "Succeeded", None)
            row.completed_at = context.now
            _move(context, row, "Succeeded")
        case Ending() as ending:
            _end(context, row, ending)


def _end(context: Context, row: CodeDeploymentRow, ending: Ending) -> None:
    row.error = {"code": ending.code, "message": ending.message}
    progress.end_events(context, row, "Failed", ending.message)
    row.completed_at = context.now
    go_back(context, row, ending)
    _move(context, row, ending.status)


def _move(context: Context, row: CodeDeploymentRow, status: str) -> None:
    row.status = status
    detail = {"codeDeployment": row.id, "status": status, **({"error": row.error} if row.error else {})}
    context.record(Kind.STATE_CHANGE, row.service_arn, detail)

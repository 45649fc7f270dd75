"""Application Auto Scaling of ECS services: each minute targets, policies and alarms are read and carried out.

`ScalingStateRow.state` remembers of a target, as ISO instants and counts: `outAt`, `outFrom`, `outTo`, `inAt`, `ranAt`
(scheduled actions), and `seen` (action → since when it has been known, from which a rate counts).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select

from emulator.autoscaling import activities
from emulator.autoscaling.alarms import Evaluated
from emulator.autoscaling.wishes import wish_of
from emulator.context import Context
from emulator.ecs.services import update_service
from emulator.journal import Kind
from emulator.neighbours.capacity_ports import ScalableTarget, Scaling, ScalingPolicy, ScheduledAction
from emulator.state.capacity import ScalingStateRow
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskRow
from scheduler.reconcile.schedules import ScheduleError, Window, is_due
from scheduler.reconcile.target_tracking import Decision, TargetView, decide

_MINUTE = timedelta(minutes=1)


def scale_services(context: Context, scaling: Scaling, evaluated: Mapping[str, Evaluated], now: datetime) -> bool:
    """One minute of every target of the account and region; whether there are any."""
    targets = scaling.scalable_targets(context.account, context.region)
    if not targets:
        return False
    policies = scaling.scaling_policies(context.account, context.region)
    actions = scaling.scheduled_actions(context.account, context.region)
    for target in targets:
        service = _service(context, target.resource)
        if service is None:
            continue
        activities.fulfil(context, target.resource, service, _running(context, service))
        its = [action for action in actions if action.resource == target.resource]
        bounds = _run_schedule(context, scaling, target, its, now)
        wanted = [policy for policy in policies if policy.resource == target.resource]
        _scale(context, bounds, service, wanted, evaluated)
    return True


def _service(context: Context, resource: str) -> ServiceRow | None:
    row = context.session.get(ServiceRow, context.arn("ecs", resource))
    return row if row is not None and row.status == "ACTIVE" else None


def _running(context: Context, service: ServiceRow) -> int:
    its = TaskRow.service_arn == service.arn, TaskRow.last_status == "RUNNING", TaskRow.desired_status == "RUNNING"
    return context.session.scalar(select(func.count()).where(*its)) or 0


def _scale(
    context: Context,
    target: ScalableTarget,
    service: ServiceRow,
    policies: Sequence[ScalingPolicy],
    evaluated: Mapping[str, Evaluated],
) -> None:
    state = _state(context, target.resource)
    view = _view(context, target, service, state.state)
    found = decide(view, [wish_of(policy, view, evaluated) for policy in policies])
    cause = f"monitor alarm {found.alarm} in state ALARM triggered policy {found.policy}"
    if found.desired is not None:
        _note(state, service.desired_count, found.desired, context.now)
        _apply(context, target.resource, service, found.desired, cause)
    elif found.not_scaled:
        activities.not_scaled(context, target.resource, found, cause)
    _tell(context, service, state, found)


def _tell(context: Context, service: ServiceRow, state: ScalingStateRow, found: Decision) -> None:
    """The journal has each reason once, not each minute."""
    said = list(found.reasons)
    if said != state.state.get("said", []):
        state.state = {**state.state, "said": said}
        if said:
            context.record(
                Kind.DECISION, service.arn, {"reasons": said, "desiredCount": found.desired}, service.cluster_arn
            )


def _apply(context: Context, resource: str, service: ServiceRow, desired: int, cause: str) -> None:
    update_service(context, {"cluster": service.cluster_arn, "service": service.arn, "desiredCount": desired})
    activities.changed(context, resource, desired, cause)


def _view(context: Context, target: ScalableTarget, service: ServiceRow, state: Mapping[str, Any]) -> TargetView:
    deploying = context.session.scalar(
        select(func.count()).where(
            DeploymentRow.service_arn == service.arn,
            DeploymentRow.status != "INACTIVE",
            DeploymentRow.rollout_state == "IN_PROGRESS",
        )
    )
    return TargetView(
        desired=service.desired_count,
        minimum=target.minimum,
        maximum=target.maximum,
        since_out=_since(context, state.get("outAt")),
        out_from=state.get("outFrom", 0),
        out_to=state.get("outTo", 0),
        since_in=_since(context, state.get("inAt")),
        deploying=bool(deploying),
        out_suspended=bool(target.suspended.get("DynamicScalingOutSuspended")),
        in_suspended=bool(target.suspended.get("DynamicScalingInSuspended")),
    )


def _since(context: Context, instant: str | None) -> float | None:
    return None if instant is None else (context.now - datetime.fromisoformat(instant)).total_seconds()


def _note(state: ScalingStateRow, before: int, after: int, now: datetime) -> None:
    if after > before:
        kept = {name: value for name, value in state.state.items() if name != "inAt"}  # a scale-out ends its wait
        state.state = {**kept, "outAt": now.isoformat(), "outFrom": before, "outTo": after}
    else:
        state.state = {**state.state, "inAt": now.isoformat()}


def _state(context: Context, resource: str) -> ScalingStateRow:
    key = f"{context.account}/{context.region}/{resource}"
    row = context.session.get(ScalingStateRow, key)
    if row is None:
        row = ScalingStateRow(id=key, state={})
        context.session.add(row)
    return row


def _run_schedule(
    context: Context, scaling: Scaling, target: ScalableTarget, actions: Sequence[ScheduledAction], now: datetime
) -> ScalableTarget:
    """Carry out the scheduled actions that fall due; the target with the bounds that it has then."""
    if not actions or target.suspended.get("ScheduledScalingSuspended"):
        return target
    state = _state(context, target.resource)
    ran = state.state.get("ranAt")
    window = Window(now - _MINUTE if ran is None else datetime.fromisoformat(ran), now)
    seen = {action.name: state.state.get("seen", {}).get(action.name, now.isoformat()) for action in actions}
    state.state = {**state.state, "ranAt": now.isoformat(), "seen": seen}
    for action in actions:
        if _due(context, action, datetime.fromisoformat(seen[action.name]), window):
            target = _run(context, scaling, target, action)
    return target


def _due(context: Context, action: ScheduledAction, seen: datetime, window: Window) -> bool:
    if (action.start is not None and window.now < action.start) or (action.end is not None and window.now > action.end):
        return False
    try:
        return is_due(action.schedule, action.start or seen, window, _zone(action.zone))
    except ScheduleError as error:
        context.record(Kind.FAULT, context.arn("autoscaling", f"scheduledAction/{action.name}"), {"error": str(error)})
        return False


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _run(context: Context, scaling: Scaling, target: ScalableTarget, action: ScheduledAction) -> ScalableTarget:
    minimum = target.minimum if action.minimum is None else action.minimum
    maximum = target.maximum if action.maximum is None else action.maximum
    scaling.set_bounds(context.account, context.region, target.resource, action.minimum, action.maximum)
    triggered = f"scheduled action name {action.name} was triggered"
    activities.bounded(context, target.resource, action.minimum, action.maximum, triggered)
    service = _service(context, target.resource)
    if service is not None and service.desired_count < minimum:
        _apply(context, target.resource, service, minimum, f"minimum capacity was set to {minimum}")
    elif service is not None and service.desired_count > maximum:
        _apply(context, target.resource, service, maximum, f"maximum capacity was set to {maximum}")
    return ScalableTarget(target.resource, minimum, maximum, target.suspended)

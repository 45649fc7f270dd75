"""What a service tells: its events, each also in the journal (reference: ecs.md §6.4).

A message is not repeated until something else was told, or six hours have passed.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.ecs import ServiceEventRow, ServiceRow

_SHOWN = 100
_REPEAT = timedelta(hours=6)
_UNSEEN = {"synchronize_session": False}
"""Nobody reads what is deleted again, so the session need not look through all its rows for it."""
_MORE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
_UNPLACED = "was unable to place a task because no container instance met all of its requirements."
_NEWEST = (
    select(ServiceEventRow.id, ServiceEventRow.created_at, ServiceEventRow.message)
    .where(ServiceEventRow.service_arn == bindparam("service"))
    .order_by(ServiceEventRow.sequence.desc())
    .limit(_SHOWN)
)
STEADY = "has reached a steady state."
NOT_CONSISTENTLY = f"is unable to consistently start tasks successfully. {_MORE}"
BLOCKED = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)


def started(arns: Sequence[str], unhealthy: int = 0) -> str:
    """Tasks were started, some of them in place of unhealthy ones."""
    text = f"has started {len(arns)} tasks: {_listed(arns)}."
    return f"{text} Amazon ECS replaced {unhealthy} tasks due to an unhealthy status." if unhealthy else text


def stopped(arns: Sequence[str]) -> str:
    """Tasks were told to stop."""
    return f"has stopped {len(arns)} running tasks: {_listed(arns)}."


def failed_health_checks(arn: str) -> str:
    """A task is stopped because of its container health checks."""
    return f"{_listed([arn])} failed container health checks."


def completed(deployment_id: str) -> str:
    """A deployment has reached what it wanted."""
    return f"(deployment {deployment_id}) deployment completed."


def failed(deployment_id: str, why: str = "tasks failed to start") -> str:
    """The circuit breaker gave a deployment up, or an alarm did (its text is unconfirmed)."""
    return f"(deployment {deployment_id}) deployment failed: {why}."


def rolling_back(deployment_id: str) -> str:
    """An older deployment takes the place of one that failed."""
    return f"rolling back to deployment {deployment_id}."


def held_by_protection(deployment_id: str) -> str:
    """There are more tasks than desired, and they are protected."""
    return (
        f"was unable to reach steady state because task set ({deployment_id}) was unable to scale in. "
        "Reason: The number of protected tasks are more than the desired count of tasks"
    )


def registered(count: int, group_arn: str) -> str:
    """Running tasks can be reached."""
    return f"registered {count} targets in (target-group {group_arn})"


def deregistered(count: int, group_arn: str) -> str:
    """Tasks get no new requests."""
    return f"deregistered {count} targets in (target-group {group_arn})"


def draining(made_id: str, count: int) -> str:
    """Tasks of a deployment or task set finish what is under way; `tell` puts this into the name's brackets."""
    return f", taskSet {made_id}) has begun draining connections on {count} tasks."


def no_target_group(group_arn: str) -> str:
    """A target group was deleted while the service uses it; text (unconfirmed)."""
    return f"was unable to register targets. Reason: The target group {group_arn} does not exist."


def unhealthy_target(task_arn: str, key: tuple[str, int], group_arn: str, reason: str) -> str:
    """A target fails its health checks; instances are named, tasks with an address of their own by their id."""
    target, port = key
    who = f"(instance {target})" if target.startswith("i-") else _listed([task_arn])
    return f"{who} (port {port}) is unhealthy in (target-group {group_arn}) due to (reason {reason})"


def unbalanced(counts: Mapping[str, int]) -> str:
    """Zones have more tasks than others; one is being moved."""
    return f"is not AZ balanced with {_zones(counts)}. AZ Rebalancing in progress."


def balanced(counts: Mapping[str, int]) -> str:
    """Zones have as many tasks as others."""
    return f"is AZ balanced with {_zones(counts)}."


def _zones(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in counts.items())


def started_to_rebalance(arns: Sequence[str], zone: str) -> str:
    """A task was started where there are too few."""
    return f"has started {len(arns)} tasks in {zone} to AZ Rebalance: {_listed(arns)}."


def stopped_to_rebalance(arn: str, zone: str) -> str:
    """A task was told to stop where there are too many."""
    return f"has stopped 1 running tasks in {zone} due to AZ rebalancing: {_listed([arn])}."


def without_hosts() -> str:
    """No host is there at all."""
    return f"{_UNPLACED} Reason: No Container Instances were found in your cluster. {_MORE}"


def closest(host_arn: str, phrase: str) -> str:
    """The host that came nearest, and what it lacks."""
    return f"{_UNPLACED} The closest matching (container-instance {host_arn.rpartition('/')[2]}) {phrase}. {_MORE}"


def not_placed(reason: str) -> str:
    """Nothing to do with hosts kept a task from being placed."""
    return f"was unable to place a task. Reason: {reason.rstrip('.')}. {_MORE}"


def _listed(arns: Sequence[str]) -> str:
    return " ".join(f"(task {arn.rpartition('/')[2]})" for arn in arns)


def tell(context: Context, service: ServiceRow, text: str) -> None:
    """Add `(service NAME) text` to the service's events; the oldest beyond those shown are dropped."""
    message = f"(service {service.name}{text}" if text.startswith(",") else f"(service {service.name}) {text}"
    last = context.session.scalars(
        select(ServiceEventRow)
        .where(ServiceEventRow.service_arn == service.arn)
        .order_by(ServiceEventRow.sequence.desc())
        .limit(1)
    ).first()
    if last is not None and last.message == message and context.now - last.created_at < _REPEAT:
        return
    number = 1 + (last.sequence if last is not None else 0)
    event_id = context.emulator.ids.uuid()
    context.session.add(
        ServiceEventRow(id=event_id, service_arn=service.arn, sequence=number, created_at=context.now, message=message)
    )
    context.session.flush()
    if number > _SHOWN:
        context.session.execute(
            delete(ServiceEventRow).where(
                ServiceEventRow.service_arn == service.arn, ServiceEventRow.sequence <= number - _SHOWN
            ),
            execution_options=_UNSEEN,
        )
    context.record(Kind.EVENT, service.arn, {"id": event_id, "message": message}, scope=service.cluster_arn)


def events_of(context: Context, service_arn: str) -> list[dict[str, Any]]:
    """The newest events first."""
    rows = context.session.execute(_NEWEST, {"service": service_arn})
    return [{"id": event_id, "createdAt": at, "message": message} for event_id, at, message in rows]

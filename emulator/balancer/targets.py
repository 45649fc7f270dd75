"""The rows of targets: registered, deregistered, described. All in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import select

from emulator.balancer.health import DRAINING, NOT_REGISTERED, REGISTERING, Health, State
from emulator.balancer.model import TargetGroup
from emulator.balancer.ports import Target, TargetHealth, TargetKey
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.balancer import TargetRow

LOOP = "balancers"
"""The loop whose keys are target groups (`ARN`) and places (`ACCOUNT/REGION`)."""

Watcher = Callable[[Context, str, TargetKey], None]


def key_of(row: TargetRow) -> TargetKey:
    """Which target a row is of."""
    return TargetKey(row.target_id, row.port)


def health_of(row: TargetRow) -> Health:
    """The state as the pure step functions see it; what was counted is not kept in rows."""
    return Health(State(row.state), row.reason, row.description)


def rows_of(context: Context, target_group_arn: str) -> list[TargetRow]:
    """The group's targets, the oldest first."""
    query = select(TargetRow).where(TargetRow.target_group_arn == target_group_arn)
    return list(context.session.scalars(query.order_by(TargetRow.registered_at, TargetRow.target_id, TargetRow.port)))


def register(context: Context, group: TargetGroup, targets: Sequence[Target], origin: str = "api") -> None:
    """New rows begin as `initial`; one that is there already stays as it is, unless it drains."""
    for target in targets:
        row = context.session.get(TargetRow, (group.arn, target.key.id, target.key.port))
        if row is not None and row.state != State.DRAINING:
            row.revision, row.zone = target.revision or row.revision, target.zone or row.zone
            continue
        if row is not None:
            context.session.delete(row)
            context.session.flush()
        context.session.add(
            TargetRow(
                target_group_arn=group.arn,
                target_id=target.key.id,
                port=target.key.port,
                account=context.account,
                region=context.region,
                zone=target.zone,
                revision=target.revision,
                simulated=target.simulated,
                origin=origin,
                state=REGISTERING.state.value,
                reason=REGISTERING.reason,
                description=REGISTERING.description,
                registered_at=context.now,
                drained=False,
            )
        )
        _record(context, group.arn, target.key, REGISTERING)
    context.session.flush()
    context.wake(LOOP, group.arn)


def deregister(context: Context, group: TargetGroup, keys: Sequence[TargetKey]) -> None:
    """No new requests; the row goes after the group's deregistration delay. An unused target has nothing to finish."""
    for key in keys:
        row = context.session.get(TargetRow, (group.arn, key.id, key.port))
        if row is None or row.state == State.DRAINING:
            continue
        if row.state == State.UNUSED or not group.deregistration_seconds:
            context.session.delete(row)
            _record(context, group.arn, key, NOT_REGISTERED)
            continue
        row.state, row.reason, row.description = DRAINING.state.value, DRAINING.reason, DRAINING.description
        row.draining_until = context.now + timedelta(seconds=group.deregistration_seconds)
        _record(context, group.arn, key, DRAINING)
    context.session.flush()
    context.wake(LOOP, group.arn)


def write(context: Context, row: TargetRow, health: Health, watchers: Sequence[Watcher]) -> bool:
    """Take a state into a row; whether it was another one."""
    if (row.state, row.reason, row.description) == (health.state.value, health.reason, health.description):
        return False
    row.state, row.reason, row.description = health.state.value, health.reason, health.description
    row.healthy_since = context.now if health.state is State.HEALTHY else None
    _record(context, row.target_group_arn, key_of(row), health)
    tell(context, row, watchers)
    return True


def tell(context: Context, row: TargetRow, watchers: Sequence[Watcher]) -> None:
    """Tell the watchers of a target's change."""
    for watcher in watchers:
        watcher(context, row.target_group_arn, key_of(row))


def describe(row: TargetRow) -> TargetHealth:
    """What DescribeTargetHealth says of it."""
    return TargetHealth(row.state, row.reason, row.description, row.revision, row.drained)


def _record(context: Context, target_group_arn: str, key: TargetKey, health: Health) -> None:
    detail = {"target": f"{key.id}:{key.port}", "targetHealth": health.state.value, "reason": health.reason}
    context.record(Kind.STATE_CHANGE, target_group_arn, detail)

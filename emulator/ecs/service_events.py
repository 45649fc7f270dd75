"""What a service tells: its events, each also in the journal (reference: ecs.md §6.4).

A message is not repeated until something else was told, or six hours have passed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.ecs import ServiceEventRow, ServiceRow

_SHOWN = 100
_REPEAT = timedelta(hours=6)
TROUBLESHOOTING = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."


def tell(context: Context, service: ServiceRow, text: str) -> None:
    """Add `(service NAME) text` to the service's events."""
    message = f"(service {service.name}) {text}"
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
    context.record(Kind.EVENT, service.arn, {"id": event_id, "message": message}, scope=service.cluster_arn)


def list_of(arns: Sequence[str]) -> str:
    """`(task ID) (task ID)`, as events list tasks."""
    return " ".join(f"(task {arn.rpartition('/')[2]})" for arn in arns)


def events_of(context: Context, service_arn: str) -> list[dict[str, Any]]:
    """The newest events first."""
    rows = context.session.scalars(
        select(ServiceEventRow)
        .where(ServiceEventRow.service_arn == service_arn)
        .order_by(ServiceEventRow.sequence.desc())
        .limit(_SHOWN)
    )
    return [{"id": row.id, "createdAt": row.created_at, "message": row.message} for row in rows]

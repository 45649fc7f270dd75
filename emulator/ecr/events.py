"""Events on their way to EventBridge: written with what they tell of, put after the commit, at least once.

A row of the outbox lives until the neighbour has taken the event and saved where it went (a queue, a log group). A server
that dies in between puts it again, under the same id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from emulator.context import Context
from emulator.ecr.public_names import PUBLIC_REGION
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.ports import BusEvent
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import EventRow

LOOP = "ecr-events"
_SOURCE = "aws.ecr"
_BATCH = 100


def tell(
    context: Context,
    repository: RepositoryRow,
    detail_type: str,
    detail: Mapping[str, Any],
    resources: Sequence[str] = (),
) -> None:
    """Journal an event of the repository, and have its owner's EventBridge learn of it. ECR Public tells nobody."""
    context.record(Kind.EVENT, repository.arn, {"detail-type": detail_type, **detail})
    if repository.region == PUBLIC_REGION:
        return
    row = EventRow(
        id=context.emulator.ids.uuid(),
        at=context.now,
        account=repository.account,
        region=repository.region,
        detail_type=detail_type,
        resources=list(resources),
        detail=dict(detail),
    )
    context.session.add(row)
    context.wake(LOOP, f"{repository.account}/{repository.region}")


@dataclass(slots=True)
class EventLoop:
    """Empties the outbox; a key is `account/region`."""

    emulator: Emulator

    def start(self) -> None:
        """Look wherever something waits."""
        with self.emulator.store.begin() as session:
            places = session.execute(select(EventRow.account, EventRow.region).distinct()).all()
        self.emulator.loops.wake(LOOP, *(f"{account}/{region}" for account, region in places))

    async def handle(self, keys: list[str]) -> None:
        """Put what waits, oldest first."""
        for key in keys:
            account, _, region = key.partition("/")
            while events := self._waiting(account, region):
                await asyncio.to_thread(self.emulator.neighbours.put_events, list(events.values()))
                self.emulator.neighbours.queues_changed()
                with self.emulator.store.begin() as session:
                    session.execute(delete(EventRow).where(EventRow.seq.in_(events)))

    def _waiting(self, account: str, region: str) -> dict[int, BusEvent]:
        query = select(EventRow).where(EventRow.account == account, EventRow.region == region)
        with self.emulator.store.begin() as session:
            rows = session.scalars(query.order_by(EventRow.seq).limit(_BATCH)).all()
            return {row.seq: _event(row) for row in rows}


def _event(row: EventRow) -> BusEvent:
    return BusEvent(
        id=row.id,
        at=row.at,
        account=row.account,
        region=row.region,
        source=_SOURCE,
        detail_type=row.detail_type,
        resources=tuple(row.resources),
        detail=row.detail,
    )

"""What the server is made of, as one value that requests and loops share, and the transaction in which they work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.context import Context
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.loops import Loops
from emulator.settings import Settings
from emulator.state.store import Store

if TYPE_CHECKING:
    from emulator.ecs.fleet import Fleets
    from emulator.neighbours.ports import Neighbours
    from emulator.runtime.ports import ContainerRuntime


@dataclass(slots=True)
class Emulator:
    """Everything that lives as long as the server. Built by `api.app`, the composition root."""

    settings: Settings
    clock: Clock
    ids: Ids
    store: Store
    journal: Journal
    loops: Loops
    fleets: "Fleets"
    """The scheduler's view of each cluster, kept in step with the rows."""
    runtime: "ContainerRuntime"
    neighbours: "Neighbours"
    port: int
    """The port that the server really listens on (`settings.port` may be 0)."""

    @contextmanager
    def transaction(self, account: str, region: str, principal: str | None = None) -> Iterator[Context]:
        """One transaction on behalf of `principal` (the account's root where None); see `Store.begin`."""
        with self.store.begin() as session:
            yield Context(
                session=session,
                account=account,
                region=region,
                principal=principal or f"arn:aws:iam::{account}:root",
                request_id=self.ids.uuid(),
                emulator=self,
            )

"""ECR's loops: what happens after a request has been answered."""

from dataclasses import dataclass, field

from emulator.ecr import (
    events,
    lifecycle_loop,
    lifecycle_schedule,
    referrer_loop,
    referrer_schedule,
    replication,
    replication_backfills,
    replication_schedule,
    scan_loop,
    scan_schedule,
)
from emulator.emulator import Emulator


@dataclass(slots=True)
class Background:
    """Adds the loops to the server's; `start` has them carry on from the state."""

    emulator: Emulator
    _events: events.EventLoop = field(init=False)
    _lifecycle: lifecycle_loop.LifecycleLoop = field(init=False)

    _replication: replication.ReplicationLoop = field(init=False)
    _backfills: replication_backfills.BackfillLoop = field(init=False)
    _referrers: referrer_loop.ReferrerLoop = field(init=False)
    _scans: scan_loop.ScanLoop = field(init=False)

    def __post_init__(self) -> None:
        loops = self.emulator.loops
        self._events = events.EventLoop(self.emulator)
        loops.add(events.LOOP, self._events.handle)
        self._lifecycle = lifecycle_loop.LifecycleLoop(self.emulator)
        loops.add(lifecycle_schedule.LOOP, self._lifecycle.handle, batch=10)
        self._replication = replication.ReplicationLoop(self.emulator)
        loops.add(replication_schedule.LOOP, self._replication.handle, batch=10)
        self._backfills = replication_backfills.BackfillLoop(self.emulator)
        loops.add(replication_backfills.LOOP, self._backfills.handle, batch=1)
        self._referrers = referrer_loop.ReferrerLoop(self.emulator)
        loops.add(referrer_schedule.LOOP, self._referrers.handle, batch=10)
        self._scans = scan_loop.ScanLoop(self.emulator)
        loops.add(scan_schedule.LOOP, self._scans.handle, batch=1)

    def start(self) -> None:
        """Look at all that is not at rest."""
        self._events.start()
        self._lifecycle.start()
        self._replication.start()
        self._backfills.start()
        self._scans.start()
        self._referrers.start()

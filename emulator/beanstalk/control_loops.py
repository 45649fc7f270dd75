"""Loops of Elastic Beanstalk beside those that carry environments out and judge them."""

from dataclasses import dataclass, field

from emulator.beanstalk import application_deletion, application_versions, custom_platforms, managed_plans
from emulator.beanstalk.custom_platform_loop import PlatformsLoop
from emulator.beanstalk.environment_info_loop import EnvironmentInfoLoop
from emulator.beanstalk.log_streams_loop import LogStreamsLoop
from emulator.beanstalk.managed_loop import ManagedActionsLoop
from emulator.beanstalk.proxy_logs import ProxyLogs
from emulator.beanstalk.version_loop import VersionsLoop
from emulator.beanstalk.worker_loop import WorkersLoop
from emulator.emulator import Emulator
from emulator.neighbours.environment_ports import EnvironmentResources
from emulator.neighbours.worker_ports import WorkerQueues


@dataclass(slots=True)
class ControlLoops:
    """Adds the loops to the server's; `start` has them carry on from the state."""

    emulator: Emulator
    queues: WorkerQueues
    resources: EnvironmentResources
    workers: WorkersLoop = field(init=False)
    """Hands messages over to environments of the worker tier."""
    _versions: VersionsLoop = field(init=False)
    _deletions: application_deletion.DeletionsLoop = field(init=False)
    _managed: ManagedActionsLoop = field(init=False)
    _platforms: PlatformsLoop = field(init=False)
    _infos: EnvironmentInfoLoop = field(init=False)
    _streams: LogStreamsLoop = field(init=False)

    def __post_init__(self) -> None:
        self._versions = VersionsLoop(self.emulator)
        self.emulator.loops.add(application_versions.LOOP, self._versions.handle, batch=1)
        self._deletions = application_deletion.DeletionsLoop(self.emulator)
        self.emulator.loops.add(application_deletion.LOOP, self._deletions.handle)
        self._managed = ManagedActionsLoop(self.emulator)
        self.emulator.loops.add(managed_plans.LOOP, self._managed.handle)
        self._platforms = PlatformsLoop(self.emulator)
        self.emulator.loops.add(custom_platforms.LOOP, self._platforms.handle, batch=1)
        self._infos = EnvironmentInfoLoop(self.emulator)
        self._streams = LogStreamsLoop(self.emulator, self.resources)
        self.workers = WorkersLoop(self.emulator, self.queues)
        ProxyLogs(self.emulator)

    def start(self) -> None:
        """Look at all that is not at rest."""
        self._versions.start()
        self._deletions.start()
        self._managed.start()
        self._platforms.start()
        self._infos.start()
        self._streams.start()
        self.workers.start()

"""What the server is made of, as one value that requests and loops share, and the transaction in which they work."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.context import Context
from emulator.ecs.exec_sessions import ExecSessions
from emulator.ecs.service_tallies import ServiceTallies
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.loops import Loops
from emulator.metrics.store import Metrics
from emulator.settings import Settings
from emulator.state.store import Store

if TYPE_CHECKING:
    from emulator.balancer.ports import Balancer
    from emulator.ecs.fleet import Fleets
    from emulator.iam.callers import Caller
    from emulator.neighbours.capacity_ports import Scaling, ScalingGroups
    from emulator.neighbours.discovery_ports import Discovery
    from emulator.neighbours.identity_ports import Identities
    from emulator.neighbours.ingress_ports import IngressResources
    from emulator.neighbours.objects import Objects
    from emulator.neighbours.ports import Neighbours
    from emulator.neighbours.worker_ports import WorkerQueues
    from emulator.runtime.ports import ContainerRuntime


@dataclass(slots=True)
class Emulator:
    """Everything that lives as long as the server. Built by `api.server`, the composition root."""

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
    task_endpoint: str | None = None
    """The URL at which containers of tasks reach the server; None where they cannot."""
    balancer: "Balancer | None" = None
    """Load balancers; None where the server is built without them (tests of other parts)."""

    metrics: Metrics = field(default_factory=Metrics)
    groups: "ScalingGroups | None" = None
    """EC2 Auto Scaling; None where the server is built without it (tests of other parts)."""

    scaling: "Scaling | None" = None
    """Alarms and scalable targets; None as above."""
    objects: "Objects | None" = None
    """S3; None as above."""
    queues: "WorkerQueues | None" = None
    """SQS; None as above."""
    discovery: "Discovery | None" = None
    """Cloud Map; None as above."""
    ingress: "IngressResources | None" = None
    """What managed ingress is made of; None as above."""
    identities: "Identities | None" = None
    """Users, roles and their keys; None as above."""
    exec_sessions: ExecSessions = field(default_factory=ExecSessions)
    """Sessions of ECS Exec that are open."""
    tallies: ServiceTallies = field(init=False)
    """How the tasks of each service stand, kept in step with the rows."""

    def __post_init__(self) -> None:
        self.tallies = ServiceTallies(self.store)

    @contextmanager
    def transaction(
        self, account: str, region: str, principal: str | None = None, caller: "Caller | None" = None
    ) -> Iterator[Context]:
        """One transaction on behalf of `principal` (the account's root where None); see `Store.begin`.

        `caller` is the principal with its permissions, where these are asked.
        """
        with self.store.begin() as session:
            yield Context(
                session=session,
                account=account,
                region=region,
                principal=caller.principal if caller else principal or f"arn:aws:iam::{account}:root",
                request_id=self.ids.uuid(),
                emulator=self,
                caller=caller,
            )

"""Carries out what the life cycle decided: one command to the runtime, and what is learned on the way.

How many commands run at once is the runtime's to bound (the Docker runtime has so many threads): a task that takes its
time to stop must not keep another from starting.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from emulator.context import Context
from emulator.ecs.observations import Networked, Observation, PullBegan, Pulled, Removed, Started
from emulator.ecs.owners import owner_of
from emulator.ecs.registry_logins import read_login, wanted_login
from emulator.ecs.requires_attributes import ALL_CAPABILITIES
from emulator.ecs.secrets import read_secrets, wanted_secrets
from emulator.ecs.task_logs import TaskLog, task_logs
from emulator.ecs.task_metadata import environment
from emulator.ecs.task_specs import container_specs, definition_of, task_spec
from emulator.emulator import Emulator
from emulator.iam.enforcement import NotAuthorizedError
from emulator.runtime.awslogs import LogShipper
from emulator.runtime.faults import ResourceInitializationError
from emulator.runtime.specs import ContainerSpec, RegistryCredentials, TaskSpec
from emulator.state.ecs import TaskRow
from scheduler.reconcile.lifecycle import Command, Verb

CredentialsFor = Callable[[str, str, str, str | None], RegistryCredentials | None]
"""(account, region, image, who pulls) → what to pull it with; None where the image is not in our own registry.

Who pulls is a session of the task's execution role, or None for whoever the host is. Raises `NotAuthorizedError` where it may
not have registry credentials.
"""

Observe = Callable[[str, Observation], None]
"""(task ARN, what was learned)"""


@dataclass(frozen=True, slots=True)
class Orders:
    """What must be known of a task to carry out its commands; read while its transaction is open."""

    account: str
    region: str
    task: TaskSpec
    containers: Mapping[str, ContainerSpec]
    logs: Mapping[str, TaskLog]
    puller: str | None
    """The principal that pulls images: a session of the execution role."""
    secrets: Mapping[str, Mapping[str, str]]
    """Container → variable → where its value is."""
    logins: Mapping[str, str]
    """Container → the secret with what to log in to its private registry with."""
    missing: tuple[str, ...]
    """What the task needs and this emulator cannot do."""


def orders_of(context: Context, row: TaskRow) -> Orders:
    """The orders of a task."""
    told = environment(context, row)
    containers = {
        # what a definition says itself has the last word
        name: replace(spec, environment={**told[name], **spec.environment})
        for name, spec in container_specs(context, row).items()
    }
    body = definition_of(context, row).body
    return Orders(
        account=owner_of(context, row),
        region=row.region,
        task=task_spec(context, row),
        containers=containers,
        logs=task_logs(context, row),
        puller=_puller(context, row),
        secrets={item["name"]: wanted_secrets(item) for item in body["containerDefinitions"]},
        logins={item["name"]: secret for item in body["containerDefinitions"] if (secret := wanted_login(item))},
        missing=tuple(item["name"] for item in body["requiresAttributes"] if item["name"] not in ALL_CAPABILITIES),
    )


def _puller(context: Context, row: TaskRow) -> str | None:
    role = row.overrides.get("executionRoleArn") or definition_of(context, row).body.get("executionRoleArn")
    if not role:
        return None
    account = role.split(":")[4] if role.startswith("arn:") else row.account
    return f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{row.id}"


_NO_AUTH = (
    "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth:"
    " service call has been retried 1 time(s):"
)


class Carrier:
    """Carries commands out."""

    def __init__(
        self, emulator: Emulator, credentials_for: CredentialsFor, shipper: LogShipper, observe: Observe
    ) -> None:
        self._emulator, self._credentials_for = emulator, credentials_for
        self._shipper, self._observe = shipper, observe
        self.stop_by: float | None = None
        """When the server ends: the event loop's time by which containers are to have ended by themselves."""

    async def carry_out(self, command: Command, orders: Orders) -> None:
        """One command; may be given again.

        Raises:
            RuntimeFault: it failed.

        """
        runtime, arn = self._emulator.runtime, orders.task.arn
        match command.verb:
            case Verb.PROVISION:
                network = await runtime.provision(orders.task)
                self._observe(arn, Networked(network.private_ip, network.mac_address))
            case Verb.RUN:
                await self._run(orders, command.container)
            case Verb.STOP:
                await runtime.stop(arn, command.container, self._grace(orders.containers[command.container]))
            case Verb.REMOVE:
                await self._shipper.drained(arn)
                await runtime.remove(arn)
                self._observe(arn, Removed())

    def _grace(self, container: ContainerSpec) -> float:
        if self.stop_by is None:
            return container.stop_timeout
        left = self.stop_by - asyncio.get_running_loop().time()
        return max(0.0, min(container.stop_timeout, left))

    def _credentials(self, orders: Orders, name: str) -> RegistryCredentials | None:
        """What the definition names; else what our own registry wants of the task's account or execution role."""
        account, region = orders.account, orders.region
        if secret := orders.logins.get(name):
            return read_login(self._emulator.neighbours, account, region, secret)
        try:
            return self._credentials_for(account, region, orders.containers[name].image, orders.puller)
        except NotAuthorizedError as error:  # (unconfirmed) that the EC2 launch type says it so, too
            raise ResourceInitializationError(f"{_NO_AUTH} AccessDeniedException: {error}") from error

    async def _run(self, orders: Orders, name: str) -> None:
        """Each step is told when it is done, so that a long pull is seen while it lasts."""
        arn, container, log = orders.task.arn, orders.containers[name], orders.logs.get(name)
        if orders.missing:  # hosts are chosen by what they can do; Fargate has none
            raise ResourceInitializationError(
                f"resource cannot be initialized for task: not emulated: {', '.join(orders.missing)}"
            )
        secrets = read_secrets(self._emulator.neighbours, orders.account, orders.region, orders.secrets[name])
        if secrets:
            container = replace(container, environment={**container.environment, **secrets})
        if log is not None:
            log.prepare(self._emulator.neighbours)
        credentials = self._credentials(orders, name)
        self._observe(arn, PullBegan(self._emulator.clock.now()))
        image = await self._emulator.runtime.pull(container.image, credentials)
        self._observe(arn, Pulled(name, image.digest, self._emulator.clock.now()))
        started = await self._emulator.runtime.run(orders.task, container, image)
        self._observe(arn, Started(name, started))
        if log is not None:
            log.prepare(self._emulator.neighbours, started.runtime_id)
            self._shipper.ship(arn, name, log.of(started.runtime_id))

"""The loop `discovery` (key: a service's ARN): tasks that run are instances of the service's registry in Cloud Map.

Level-triggered: what is wanted is read from the task rows, what is known from Cloud Map itself, where the service's own
instances bear its name. So nothing has to be remembered, and a pass after `kill -9` takes away what ended unseen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.ecs.service_revisions import revision_arn
from emulator.ecs.task_targets import key_for
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.discovery_ports import Discovery, Registry
from emulator.state.base import Base
from emulator.state.ecs import ContainerInstanceRow, ServiceRevisionRow, ServiceRow, TaskDefinitionRow, TaskRow
from emulator.state.store import after_commit, rows_by_key
from scheduler.reconcile.discovery import Deregister, Instance, Key, Register, SetHealth, step

LOOP = "discovery"


class DiscoveryLoop:
    """Keeps registries in step with tasks.

    Args:
        emulator: the server.
        discovery: Cloud Map.

    """

    def __init__(self, emulator: Emulator, discovery: Discovery) -> None:
        self._emulator, self._discovery = emulator, discovery
        self._registered: set[str] = set()
        """Services that have a registry, or had one since the start: only their tasks are looked at."""
        emulator.discovery = discovery
        emulator.loops.add(LOOP, self.handle, batch=1)
        emulator.store.follow(self._follow)

    def start(self) -> None:
        """Look at every service that has, or had, a registry."""
        with self._emulator.store.begin() as session:
            revisions = session.execute(select(ServiceRevisionRow.service_arn, ServiceRevisionRow.body))
            self._registered = {arn for arn, body in revisions if body.get("serviceRegistries")}
        self._emulator.loops.wake(LOOP, *sorted(self._registered))

    def _follow(self, session: Session, rows: Sequence[Base]) -> None:
        for row in rows:
            if isinstance(row, ServiceRow) and row.body.get("serviceRegistries"):
                self._registered.add(row.arn)
                self._wake(session, row.arn)
            elif isinstance(row, TaskRow) and row.service_arn in self._registered:
                self._wake(session, row.service_arn)

    def _wake(self, session: Session, arn: str) -> None:
        after_commit(session, lambda: self._emulator.loops.wake(LOOP, arn))

    async def handle(self, arns: list[str]) -> None:
        """One pass for each."""
        for arn in arns:
            _, _, _, region, account, _ = arn.split(":", 5)
            with self._emulator.transaction(account, region) as context:
                service = context.session.get(ServiceRow, arn)
                if service is None:
                    continue
                registries = self._registries(context, service)
                wanted = self._wanted(context, service, registries)
            known = self._known(service_marks(arn), registries, account, region)
            self._carry_out(arn, account, region, step(wanted, known))

    def _registries(self, context: Context, service: ServiceRow) -> dict[str, Registry]:
        """Those of all revisions that the service has had: from an older one tasks may be left."""
        bodies = context.session.scalars(
            select(ServiceRevisionRow.body).where(ServiceRevisionRow.service_arn == service.arn)
        )
        arns = {item["registryArn"] for body in bodies for item in body.get("serviceRegistries", [])}
        found = {arn: self._discovery.registry(context.account, context.region, arn) for arn in sorted(arns)}
        return {arn: registry for arn, registry in found.items() if registry is not None}

    def _wanted(self, context: Context, service: ServiceRow, registries: Mapping[str, Registry]) -> dict[Key, Instance]:
        running = select(TaskRow).where(
            TaskRow.service_arn == service.arn, TaskRow.last_status == "RUNNING", TaskRow.desired_status == "RUNNING"
        )
        rows = context.session.scalars(running).all()
        revisions = rows_by_key(
            context.session,
            ServiceRevisionRow,
            sorted({revision_arn(service.arn, row.deployment_id) for row in rows if row.deployment_id}),
        )
        found: dict[Key, Instance] = {}
        for row in rows:
            revision = revisions.get(revision_arn(service.arn, row.deployment_id or ""))
            for item in revision.body.get("serviceRegistries", []) if revision is not None else ():
                registry = registries.get(item["registryArn"])
                attributes = None if registry is None else _attributes(context, service, row, item)
                if registry is not None and attributes is not None:
                    healthy = _healthy(context, row) if registry.custom_health else None
                    found[registry.arn, row.id] = Instance(attributes, healthy)
        return found

    def _known(
        self, marks: Mapping[str, str], registries: Mapping[str, Registry], account: str, region: str
    ) -> dict[Key, Instance]:
        return {
            (arn, instance_id): instance
            for arn in registries
            for instance_id, instance in self._discovery.instances(account, region, arn).items()
            if marks.items() <= instance.attributes.items()
        }

    def _carry_out(
        self, arn: str, account: str, region: str, actions: Sequence[Register | Deregister | SetHealth]
    ) -> None:
        for action in actions:
            registry, task = action.key
            match action:
                case Register(instance=instance):
                    self._discovery.register(account, region, registry, task, instance)
                case SetHealth(healthy=healthy):
                    self._discovery.set_health(account, region, registry, task, healthy=healthy)
                case Deregister():
                    self._discovery.deregister(account, region, registry, task)
        if actions:
            told = [{type(action).__name__: action.key[1], "reason": action.reason} for action in actions]
            with self._emulator.transaction(account, region) as context:
                context.record(Kind.EVENT, arn, {"discovery": told})


def service_marks(service_arn: str) -> dict[str, str]:
    """By which attributes a service's own instances are known."""
    _, cluster, name = service_arn.rpartition(":")[2].split("/")
    return {"ECS_CLUSTER_NAME": cluster, "ECS_SERVICE_NAME": name}


def _attributes(context: Context, service: ServiceRow, row: TaskRow, item: Mapping[str, Any]) -> dict[str, str] | None:
    """How the task is found; None while its address or port is not known."""
    host = context.session.get(ContainerInstanceRow, row.container_instance_arn or "")
    address = _address(row, host)
    if address is None:
        return None
    found = {
        **service_marks(service.arn),
        "AWS_INSTANCE_IPV4": address,
        "AVAILABILITY_ZONE": row.zone,
        "REGION": row.region,
        "ECS_TASK_DEFINITION_FAMILY": row.family,
    }
    if host is not None:
        found["EC2_INSTANCE_ID"] = host.ec2_instance_id
    if item.get("containerName"):
        key = key_for(context, row, item["containerName"], item["containerPort"])
        if key is None:
            return None
        found["AWS_INSTANCE_PORT"] = str(key.port)
    elif item.get("port") is not None:
        found["AWS_INSTANCE_PORT"] = str(item["port"])
    return found


def _address(row: TaskRow, host: ContainerInstanceRow | None) -> str | None:
    """The task's own address, or the one at which its host's ports are answered here."""
    if row.network_mode != "awsvpc":
        return None if host is None else host.address
    details = {item["name"]: item["value"] for attached in row.attachments for item in attached["details"]}
    return details.get("privateIPv4Address")


def _healthy(context: Context, row: TaskRow) -> bool:
    """By the containers' own checks; that a task is not healthy before its first check has passed is (unconfirmed)."""
    definition = context.session.get_one(TaskDefinitionRow, row.task_definition_arn)
    checked = any(container.get("healthCheck") for container in definition.body["containerDefinitions"])
    return row.health_status == "HEALTHY" or (not checked and row.health_status == "UNKNOWN")

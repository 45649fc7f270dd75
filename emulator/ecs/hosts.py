"""Where hosts come from: EC2 instances whose user data names a cluster, `ashore hosts add`, and the demo preset.

The loop `hosts` (key `account/region`) compares the instances with the container instances; `plan` decides, without
touching anything. As on AWS, a stopped instance stays registered with its agent disconnected, and one that is terminated
while its agent is disconnected stays, too, until somebody deregisters it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster, find_cluster
from emulator.ecs.container_instances import RESERVED_TCP, HostSpec, add_host, deregister_host, wake_services
from emulator.ecs.errors import ClusterNotFoundException, InvalidParameterException
from emulator.ecs.host_providers import align_providers, provider_of
from emulator.ecs.tags import check_tags
from emulator.ecs.task_states import request_stop
from emulator.ecs.user_data import AgentConfiguration, agent_configuration
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.ports import Instance
from emulator.settings import Preset
from emulator.state.ecs import ContainerInstanceRow, TaskRow

_GONE = {"terminated", "shutting-down"}
_STOPPED = {"stopped", "stopping"}
_AGENT_RETRY = timedelta(minutes=1)
"""When an agent that found no cluster asks again (unconfirmed)."""
_UNREGISTERED = "The agent could not register:"
_STOP_CODE = "TerminationNotice"
_PRESETS = {Preset.DEFAULT: 0, Preset.DEMO: 6}


def add_hosts(
    context: Context,
    cluster_name: str,
    instance_type: str,
    zones: Sequence[str],
    count: int,
    attributes: Mapping[str, str],
) -> list[ContainerInstanceRow]:
    """Add hosts, spread over `zones` (all of the region's where none is given). `default` is created where it is missing.

    Raises:
        ClusterNotFoundException: no such cluster.
        InvalidParameterException: no such instance type or zone.

    """
    known = context.emulator.neighbours.zones(context.region)
    for zone in zones:
        if zone not in known:
            message = f"{zone} is no Availability Zone of {context.region}: {', '.join(known)}"
            raise InvalidParameterException(message)
    cluster = ensure_default_cluster(context) if cluster_name == "default" else find_cluster(context, cluster_name)
    chosen = list(zones) or known
    return [
        add_host(context, cluster, HostSpec(instance_type, chosen[index % len(chosen)], "hosts", attributes))
        for index in range(count)
    ]


def add_first_hosts(context: Context) -> list[ContainerInstanceRow]:
    """The hosts that a new state begins with, in the cluster `default`: those of the settings, of the preset `demo` six.

    Raises:
        InvalidParameterException: no such instance type.

    """
    settings = context.emulator.settings
    count = settings.hosts if settings.hosts is not None else _PRESETS[settings.preset]
    zones = context.emulator.neighbours.zones(context.region)[: settings.azs]
    return add_hosts(context, "default", settings.instance_type, zones, count, {}) if count else []


@dataclass(frozen=True, slots=True)
class Host:
    """A container instance, as far as `plan` looks at it."""

    arn: str
    ec2_instance_id: str
    active: bool
    """Not INACTIVE."""
    agent_connected: bool


@dataclass(frozen=True, slots=True)
class Register:
    """An instance's agent registers for the first time."""

    instance: Instance
    configuration: AgentConfiguration


@dataclass(frozen=True, slots=True)
class Deregister:
    """The instance is gone."""

    arn: str
    ec2_instance_id: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The instance has been stopped."""

    arn: str
    ec2_instance_id: str


@dataclass(frozen=True, slots=True)
class Connect:
    """The instance runs again."""

    arn: str


Action = Register | Deregister | Disconnect | Connect


def plan(instances: Sequence[Instance], hosts: Iterable[Host]) -> list[Action]:
    """What must be done so that `hosts` (INACTIVE ones too, of EC2 origin only) agree with `instances`.

    An instance registers once: whoever deregisters its host by hand does not want it back.
    """
    known = {host.ec2_instance_id: host for host in hosts}
    actions: list[Action] = []
    for instance in instances:
        host = known.pop(instance.id, None)
        if host is None:
            configuration = agent_configuration(instance.user_data) if instance.state == "running" else None
            if configuration is not None:
                actions.append(Register(instance, configuration))
        elif not host.active:
            continue
        elif host.agent_connected and instance.state in _GONE:
            actions.append(Deregister(host.arn, instance.id))
        elif host.agent_connected and instance.state in _STOPPED:
            actions.append(Disconnect(host.arn, instance.id))
        elif not host.agent_connected and instance.state == "running":
            actions.append(Connect(host.arn))
    gone = [host for host in known.values() if host.active and host.agent_connected]
    return actions + [Deregister(host.arn, host.ec2_instance_id) for host in gone]


class HostsLoop:
    """Keeps hosts in step with EC2."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._told: set[tuple[str, str]] = set()
        """Instance and fault: an agent that tries again is not journaled again."""
        loop = emulator.loops.add("hosts", self.handle)
        emulator.neighbours.watch_instances(lambda account, region: loop.wake(f"{account}/{region}"))

    def start(self) -> None:
        """Look at every account and region that has instances, or hosts that were instances."""
        places = set(self._emulator.neighbours.instance_places())
        with self._emulator.store.begin() as session:
            rows = session.execute(
                select(ContainerInstanceRow.account, ContainerInstanceRow.region)
                .where(ContainerInstanceRow.origin == "ec2", ContainerInstanceRow.status != "INACTIVE")
                .distinct()
            )
            places |= {(account, region) for account, region in rows}
        self._emulator.loops.wake("hosts", *sorted("/".join(place) for place in places))

    async def handle(self, keys: list[str]) -> None:
        """Bring each account and region up to date, in a transaction of its own."""
        for key in keys:
            account, region = key.split("/")
            instances = self._emulator.neighbours.instances(account, region)
            with self._emulator.transaction(account, region) as context:
                actions = plan(instances, _hosts(context))
                if actions:
                    self._emulator.neighbours.keep()  # a host whose instance is forgotten would take its tasks with it
                for action in actions:
                    self._carry_out(context, action)
                align_providers(context, instances)

    def _carry_out(self, context: Context, action: Action) -> None:
        match action:
            case Register(instance, configuration):
                self._register(context, instance, configuration)
            case Deregister(arn, instance_id):
                reason = f"Host EC2 (instance {instance_id}) terminated."
                deregister_host(context, _row(context, arn), reason, _STOP_CODE)
            case Disconnect(arn, instance_id):
                row = _row(context, arn)
                _set_connected(context, row, connected=False)
                for task in context.session.scalars(
                    select(TaskRow).where(TaskRow.container_instance_arn == arn, TaskRow.desired_status == "RUNNING")
                ):
                    request_stop(context, task, _STOP_CODE, f"Host EC2 (instance {instance_id}) stopped.")
            case Connect(arn):
                _set_connected(context, _row(context, arn), connected=True)

    def _register(self, context: Context, instance: Instance, configuration: AgentConfiguration) -> None:
        own = {
            "ecs.ami-id": instance.image_id,
            "ecs.subnet-id": instance.subnet_id,
            "ecs.vpc-id": instance.vpc_id,
        }
        spec = HostSpec(
            instance_type=instance.instance_type,
            zone=instance.zone,
            origin="ec2",
            attributes={name: value for name, value in own.items() if value} | configuration.attributes,
            reserved_memory=configuration.reserved_memory,
            ec2_instance_id=instance.id,
            private_ip=instance.private_ip,
            reserved_tcp_ports=configuration.reserved_ports or RESERVED_TCP,
            reserved_udp_ports=configuration.reserved_udp_ports,
        )
        for fault in configuration.faults:
            self._fault(context, instance, f"The agent leaves a setting out: {fault}")
        try:
            if configuration.cluster == "default":
                cluster = ensure_default_cluster(context)
            else:
                cluster = find_cluster(context, configuration.cluster)
            provider = provider_of(context, cluster, instance.auto_scaling_group)
            add_host(context, cluster, replace(spec, capacity_provider=provider, tags=_tags(instance, configuration)))
        except ClusterNotFoundException:
            self._fault(context, instance, f"{_UNREGISTERED} the cluster {configuration.cluster} does not exist")
            key = f"{context.account}/{context.region}"
            due = context.now + _AGENT_RETRY
            context.after_commit(lambda: self._emulator.loops.wake_at("hosts", key, due))
        except InvalidParameterException as error:
            self._fault(context, instance, f"{_UNREGISTERED} {error.message}")

    def _fault(self, context: Context, instance: Instance, text: str) -> None:
        """What is wrong with an instance's agent is no error of anybody's request: the journal tells of it, once."""
        if (instance.id, text) not in self._told:
            self._told.add((instance.id, text))
            subject = context.arn("ec2", f"instance/{instance.id}")
            context.record(Kind.FAULT, subject, {"error": text})


def _tags(instance: Instance, configuration: AgentConfiguration) -> list[dict[str, str]]:
    """Those of its own come before those of the EC2 instance; AWS's are not passed on.

    Raises:
        InvalidParameterException: there are too many, or ECS does not take one.

    """
    found = dict(configuration.tags)
    if configuration.propagates_tags:
        passed_on = {key: value for key, value in instance.tags.items() if not key.lower().startswith("aws:")}
        found = passed_on | found
    return check_tags({"key": key, "value": value} for key, value in found.items())


def _hosts(context: Context) -> list[Host]:
    rows = context.session.scalars(
        select(ContainerInstanceRow)
        .where(
            ContainerInstanceRow.account == context.account,
            ContainerInstanceRow.region == context.region,
            ContainerInstanceRow.origin == "ec2",
        )
        .order_by(ContainerInstanceRow.registered_at)
    )
    return [Host(row.arn, row.ec2_instance_id, row.status != "INACTIVE", row.agent_connected) for row in rows]


def _row(context: Context, arn: str) -> ContainerInstanceRow:
    return context.session.get_one(ContainerInstanceRow, arn)


def _set_connected(context: Context, row: ContainerInstanceRow, *, connected: bool) -> None:
    row.agent_connected = connected
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"agentConnected": connected}, scope=row.cluster_arn)
    wake_services(context, row.cluster_arn)

"""Starts tasks: asks the scheduler for hosts and writes the rows. RunTask and services both come here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs.demand import containers_with_overrides, demand_of
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.fleet import demand_document
from emulator.journal import Kind
from emulator.neighbours.ports import Subnet, SubnetNotFoundError
from emulator.state.appending import add_rows, append
from emulator.state.daemons import DaemonTaskDefinitionRow
from emulator.state.ecs import ClusterRow, TaskDefinitionRow, TaskRow
from emulator.state.journal import DecisionRow
from scheduler.constraints.base import Constraint
from scheduler.decisions import Decision
from scheduler.model import Demand
from scheduler.placement import Placement, fargate_zone, place
from scheduler.strategies.base import Strategy

_EXTERNAL = "ecs.capability.external"
"""What marks a host that is no EC2 instance."""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What to start."""

    cluster: ClusterRow
    task_definition: TaskDefinitionRow | DaemonTaskDefinitionRow
    count: int
    launch_type: str
    group: str
    constraints: Sequence[Constraint] = ()
    strategies: Sequence[Strategy] = ()
    started_by: str | None = None
    service_arn: str | None = None
    deployment_id: str | None = None
    network_configuration: Mapping[str, Any] | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[Mapping[str, Any]] = ()
    enable_execute_command: bool = False
    client_token: str | None = None
    request_digest: str | None = None
    capacity_provider: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    """placementConstraints and placementStrategy as they were asked for: a task that waits for a host is placed by them later."""


@dataclass(frozen=True, slots=True)
class LaunchResult:
    """What was started, and how hosts were found (None on Fargate)."""

    tasks: list[TaskRow]
    placement: Placement | None


def launch_tasks(context: Context, request: LaunchRequest) -> LaunchResult:
    """Start up to `count` tasks; fewer where hosts run out (the placement says why)."""
    demand = demand_of(request.task_definition.body, request.group, request.overrides)
    subnets = subnets_of(context, request)
    if request.launch_type == "FARGATE":
        zones = _fargate_zones(context, request, subnets)
        return LaunchResult(new_tasks(context, request, demand, [(None, zone) for zone in zones], subnets), None)
    demand = replace(with_zones(demand, subnets), capacity_provider=request.capacity_provider)
    if request.launch_type == "EXTERNAL":
        demand = replace(demand, required_attributes=demand.required_attributes | {_EXTERNAL})
    fleet = context.emulator.fleets.of(context.session, request.cluster.arn)
    seed = context.emulator.ids.seed()
    placement = place(fleet, demand, request.count, request.constraints, request.strategies, seed)
    nodes = [(node_id, fleet.node(node_id)) for node_id in placement.node_ids]
    places = [(node_id, (node.zone if node else None) or "") for node_id, node in nodes]
    tasks = new_tasks(context, request, demand, places, subnets)
    for task, decision in zip(tasks, placement.decisions, strict=False):
        record_decision(context, request, decision, task.arn)
    if len(tasks) < request.count:
        subject = request.service_arn or f"run-task/{context.request_id}"
        record_decision(context, request, placement.decisions[-1], subject)
    return LaunchResult(tasks, placement)


def with_zones(demand: Demand, subnets: Sequence[Subnet]) -> Demand:
    """The demand bound to the zones of an awsvpc task's subnets."""
    if not subnets:
        return demand
    return replace(demand, zones=frozenset(subnet.zone for subnet in subnets))


def subnets_of(context: Context, request: LaunchRequest) -> list[Subnet]:
    """The subnets that the network configuration names; none without one.

    Raises:
        InvalidParameterException: one does not exist.

    """
    return subnets_in(context, request.network_configuration)


def subnets_in(context: Context, network_configuration: Mapping[str, Any] | None) -> list[Subnet]:
    """The subnets that a network configuration names; see `subnets_of`."""
    wanted = (network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets", [])
    if not wanted:
        return []
    try:
        return context.emulator.neighbours.subnets(context.account, context.region, wanted)
    except SubnetNotFoundError as error:
        raise InvalidParameterException(
            f"Error retrieving subnet information for [{', '.join(wanted)}]: {error} "
            "(ErrorCode: InvalidSubnetID.NotFound)"
        ) from error


def _fargate_zones(context: Context, request: LaunchRequest, subnets: Sequence[Subnet]) -> list[str]:
    """A zone for each task: spread over the subnets' zones, counting the group's tasks that run already."""
    zones = list(dict.fromkeys(subnet.zone for subnet in subnets))
    rows = context.session.execute(
        select(TaskRow.zone, func.count())
        .where(
            TaskRow.cluster_arn == request.cluster.arn,
            TaskRow.desired_status == "RUNNING",
            TaskRow.group == request.group,
        )
        .group_by(TaskRow.zone)
    )
    running = Counter({zone: count for zone, count in rows})  # noqa: C416 - rows are not pairs to mypy
    chosen = []
    for _ in range(request.count):
        zone = fargate_zone(zones, running)
        running[zone] += 1
        chosen.append(zone)
    return chosen


def new_task(
    context: Context,
    request: LaunchRequest,
    demand: Demand,
    host_arn: str | None,
    zone: str,
    subnets: Sequence[Subnet],
) -> TaskRow:
    """Write a task that the agent will start."""
    return new_tasks(context, request, demand, [(host_arn, zone)], subnets)[0]


Place = tuple[str | None, str]
"""A host, None where there is none (yet), and a zone."""


def new_tasks(
    context: Context, request: LaunchRequest, demand: Demand, places: Sequence[Place], subnets: Sequence[Subnet]
) -> list[TaskRow]:
    """Write a task for each of the places, all by one statement."""
    rows = [_made(context, request, demand, host_arn, zone, subnets) for host_arn, zone in places]
    add_rows(context.session, rows)
    for row in rows:
        scope, detail = row.service_arn or row.cluster_arn, {"lastStatus": row.last_status}
        context.record(Kind.STATE_CHANGE, row.arn, {**detail, "host": row.container_instance_arn}, scope)
    context.wake("tasks", *(row.arn for row in rows))
    return rows


def _made(
    context: Context,
    request: LaunchRequest,
    demand: Demand,
    host_arn: str | None,
    zone: str,
    subnets: Sequence[Subnet],
) -> TaskRow:
    body = request.task_definition.body
    task_id = context.emulator.ids.hex32()
    arn = context.arn("ecs", f"task/{request.cluster.name}/{task_id}")
    awsvpc = body.get("networkMode") == "awsvpc"
    subnet = next((subnet for subnet in subnets if subnet.zone == zone), None)
    storage = request.overrides.get("ephemeralStorage") or body.get("ephemeralStorage", {})
    return TaskRow(
        arn=arn,
        id=task_id,
        account=context.account,
        region=context.region,
        cluster_arn=request.cluster.arn,
        container_instance_arn=host_arn,
        service_arn=request.service_arn,
        deployment_id=request.deployment_id,
        group=request.group,
        started_by=request.started_by,
        family=request.task_definition.family,
        task_definition_arn=request.task_definition.arn,
        launch_type=request.launch_type,
        capacity_provider=request.capacity_provider,
        platform_version="1.4.0" if request.launch_type == "FARGATE" else None,
        network_mode=body.get("networkMode", "bridge"),
        network_configuration=None if not request.network_configuration else dict(request.network_configuration),
        cpu=request.overrides.get("cpu") or body.get("cpu") or str(demand.cpu),
        memory=request.overrides.get("memory") or body.get("memory") or str(demand.memory),
        zone=zone,
        demand={**demand_document(demand), **({} if host_arn or not request.asked else {"asked": dict(request.asked)})},
        overrides=_overrides(body, request.overrides),
        containers=_containers(context, request, arn),
        attachments=[interface(context, subnet)] if awsvpc and subnet is not None else [],
        attributes=[{"name": "ecs.cpu-architecture", "value": _architecture(context, request, demand, host_arn)}],
        tags=[dict(tag) for tag in request.tags],
        targets=[],
        ephemeral_storage=storage.get("sizeInGiB"),
        enable_execute_command=request.enable_execute_command,
        client_token=request.client_token,
        request_digest=request.request_digest,
        last_status="PROVISIONING" if awsvpc or request.capacity_provider else "PENDING",
        desired_status="RUNNING",
        health_status="UNKNOWN",
        version=1,
        created_at=context.now,
    )


def _architecture(context: Context, request: LaunchRequest, demand: Demand, host_arn: str | None) -> str:
    """That of the host, on Fargate that of the task definition's platform."""
    node = host_arn and context.emulator.fleets.of(context.session, request.cluster.arn).node(host_arn)
    return (node and node.attributes.get("ecs.cpu-architecture")) or demand.architecture or "x86_64"


def _containers(context: Context, request: LaunchRequest, task_arn: str) -> list[dict[str, Any]]:
    documents = []
    prefix = task_arn.replace(":task/", ":container/")
    for container in containers_with_overrides(request.task_definition.body, request.overrides):
        document = {
            "containerArn": f"{prefix}/{context.emulator.ids.uuid()}",
            "taskArn": task_arn,
            "name": container["name"],
            "image": container["image"],
            "lastStatus": "PENDING",
            "networkInterfaces": [],
            "healthStatus": "UNKNOWN",
            "cpu": str(container["cpu"]),
        }
        for member in ("memory", "memoryReservation"):
            if member in container:
                document[member] = str(container[member])
        documents.append(document)
    return documents


def _overrides(body: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Every container is listed, overridden or not."""
    given = {item["name"]: item for item in overrides.get("containerOverrides", [])}
    names = [container["name"] for container in body["containerDefinitions"]]
    return {
        "inferenceAcceleratorOverrides": [],
        **overrides,
        "containerOverrides": [given.get(name, {"name": name}) for name in names],
    }


def interface(context: Context, subnet: Subnet) -> dict[str, Any]:
    """The task's network interface; its address is added once the task has one."""
    return {
        "id": context.emulator.ids.uuid(),
        "type": "ElasticNetworkInterface",
        "status": "PRECREATED",
        "details": [
            {"name": "subnetId", "value": subnet.id},
            {"name": "networkInterfaceId", "value": context.emulator.ids.ec2("eni")},
        ],
    }


def record_decision(context: Context, request: LaunchRequest, decision: Decision, subject: str) -> None:
    """Keep why, and journal that there is a record."""
    record = {
        "id": context.emulator.ids.uuid(),
        "at": context.now,
        "account": context.account,
        "region": context.region,
        "cluster_arn": request.cluster.arn,
        "subject": subject,
        "scope": request.service_arn,
        "body": decision.to_dict(),
    }
    append(context.session, DecisionRow, record)
    detail = {"decisionId": record["id"], "chosen": decision.chosen}
    context.record(Kind.DECISION, subject, detail, scope=request.service_arn or request.cluster.arn)

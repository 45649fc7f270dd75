"""Availability Zone rebalancing of a service: one task at a time, from the fullest zone to the one that lacks most.

While a task moves, the PRIMARY deployment's body names the zone it goes to (`movingTo`), and one task more is wanted.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from emulator.context import Context
from emulator.ecs import service_events as events
from emulator.ecs.demand import demand_of
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.launch import LaunchRequest, subnets_of, with_zones
from emulator.ecs.placement_rules import constraints_of
from emulator.ecs.service_events import tell
from emulator.ecs.task_states import StopCode, request_stop
from emulator.state.ecs import ClusterRow, DeploymentRow, ServiceRow, TaskDefinitionRow, TaskRow
from scheduler.placement import refusal
from scheduler.reconcile.rebalance import lacking, move_to, to_leave, zone_counts
from scheduler.reconcile.service_view import ServiceView

_MOVING = "movingTo"
_ZONE = "ecs.availability-zone"


def may_rebalance(request: Mapping[str, Any], launch_type: str, configuration: Mapping[str, Any]) -> str | None:
    """Why a service cannot be rebalanced; None where it can. Texts are (unconfirmed)."""
    strategies: Sequence[Mapping[str, Any]] = request.get("placementStrategy", [])
    first = strategies[0] if strategies else {"type": "spread", "field": f"attribute:{_ZONE}"}
    rules = request.get("placementConstraints", [])
    faults = {
        "the DAEMON scheduling strategy": request.get("schedulingStrategy") == "DAEMON",
        "the EXTERNAL launch type": launch_type == "EXTERNAL",
        "a deployment controller other than ECS": request.get("deploymentController", {}).get("type", "ECS") != "ECS",
        "a maximumPercent of 100": configuration["maximumPercent"] <= 100,
        "Classic Load Balancers": any(item.get("loadBalancerName") for item in request.get("loadBalancers", [])),
        f"a placement constraint on {_ZONE}": any(_ZONE in rule.get("expression", "") for rule in rules),
        "a first placement strategy other than spread by Availability Zone": (first.get("type"), first.get("field"))
        != ("spread", f"attribute:{_ZONE}"),
    }
    return next((what for what, there in faults.items() if there), None)


def rebalances(service: ServiceRow) -> bool:
    """Whether the service asks for it, and its deployments replace task after task."""
    body = service.body
    return (body["deploymentConfiguration"]["strategy"], body["availabilityZoneRebalancing"]) == ("ROLLING", "ENABLED")


def lopsided(context: Context, service: ServiceRow) -> bool:
    """Whether a service that was steady has zones that want to be looked at: hosts may have come in another one."""
    if not rebalances(service) or service.launch_type == "FARGATE":
        return False  # the zones of Fargate tasks are those of their subnets, which do not change
    return _uneven(context, service, context.emulator.fleets.of(context.session, service.cluster_arn).zones())


def stays_put(context: Context, service: ServiceRow, primary: DeploymentRow) -> bool:
    """Whether no task of a service that is steady, all of the one deployment, would be moved: known by counts."""
    if not rebalances(service):
        return True
    if service.launch_type == "FARGATE":
        return not _uneven(context, service, _open_zones(context, service, primary))
    return not lopsided(context, service)


def _uneven(context: Context, service: ServiceRow, zones: Collection[str]) -> bool:
    counts = context.emulator.tallies.of(context.session, service.arn).zones()
    return lacking({**dict.fromkeys(zones, 0), **counts}, zones) is not None


def moving_to(primary: DeploymentRow) -> str | None:
    """The zone that a task is being moved to."""
    zone = primary.body.get(_MOVING)
    return None if zone is None else str(zone)


def begin_move(context: Context, service: ServiceRow, primary: DeploymentRow, view: ServiceView) -> bool:
    """Move a task of a steady service, if its zones want it; whether one is to be moved."""
    found = _open_zones(context, service, primary)
    zone = move_to(view, found)
    if zone is None:
        return False
    primary.body = {**primary.body, _MOVING: zone}
    tell(context, service, events.unbalanced(zone_counts(view, found)))
    context.wake("services", service.arn)
    return True


def end_move(context: Context, service: ServiceRow, primary: DeploymentRow, view: ServiceView) -> None:
    """The task more is healthy: one of the fullest zone goes."""
    zone = moving_to(primary)
    primary.body = {name: value for name, value in primary.body.items() if name != _MOVING}
    task = to_leave(view, zone or "", service.desired_count)
    if task is not None:
        row = context.session.get_one(TaskRow, task.arn)
        reason = f"Availability-zone rebalancing initiated by (deployment {primary.id})"
        request_stop(context, row, StopCode.SERVICE_SCHEDULER_INITIATED, reason)
        tell(context, service, events.stopped_to_rebalance(task.arn, task.zone))
        found = _open_zones(context, service, primary)
        left = [item for item in view.tasks if item.arn != task.arn]
        counts = zone_counts(ServiceView(service.desired_count, tuple(left)), found)
        if lacking(counts, found) is None:
            tell(context, service, events.balanced(counts))
    context.wake("services", service.arn)


def _open_zones(context: Context, service: ServiceRow, primary: DeploymentRow) -> set[str]:
    """The zones in which a task of the service could be started now."""
    definition = context.session.get_one(TaskDefinitionRow, primary.task_definition_arn)
    cluster = context.session.get_one(ClusterRow, service.cluster_arn)
    network = primary.body.get("networkConfiguration")
    asked = LaunchRequest(cluster, definition, 1, service.launch_type, "", network_configuration=network)
    try:
        subnets = subnets_of(context, asked)
    except InvalidParameterException:
        return set()
    if service.launch_type == "FARGATE":
        return {subnet.zone for subnet in subnets}
    demand = with_zones(demand_of(definition.body, f"service:{service.name}", {}), subnets)
    documents = [*definition.body["placementConstraints"], *service.body["placementConstraints"]]
    constraints = constraints_of(documents)
    providers = {item["capacityProvider"] for item in service.body.get("capacityProviderStrategy", ())}
    nodes = context.emulator.fleets.of(context.session, service.cluster_arn).nodes()
    found: set[str] = set()
    for node in nodes:
        ours = not providers or node.capacity_provider in providers
        if ours and node.zone and node.zone not in found and refusal(node, demand, constraints) is None:
            found.add(node.zone)
    return found

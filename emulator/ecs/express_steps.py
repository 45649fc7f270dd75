"""What the loop `ingress` does for an Express service beside its route: log group, scaling, deployments, its end."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.deployments import living
from emulator.ecs.express_documents import configurations
from emulator.ecs.express_services import alarm_name, begin_deployment
from emulator.ecs.ingress_routes import is_managed, move, routes_of
from emulator.ecs.names import last_part
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.environment_ports import Place
from emulator.neighbours.ingress_ports import IngressResources, ScalingSpec
from emulator.state.ecs import ServiceRow
from emulator.state.ingress import ExpressServiceRow, IngressBalancerRow

_METRICS = {
    "AVERAGE_CPU": "ECSServiceAverageCPUUtilization",
    "AVERAGE_MEMORY": "ECSServiceAverageMemoryUtilization",
    "REQUEST_COUNT_PER_TARGET": "ALBRequestCountPerTarget",
}
Outside = Callable[[IngressResources], None]


def follow(context: Context, row: ExpressServiceRow) -> None:
    """Bring the rows on: begin what is pending once the route is there, let a drained service's route go."""
    service = context.session.get_one(ServiceRow, row.arn)
    routes = routes_of(context, row.arn)
    ended = service.status != "ACTIVE" or not is_managed(
        service
    )  # by DeleteService; another one may have its name by now
    if ended and row.status == "ACTIVE":
        row.status, row.updated_at = "DRAINING", context.now
    if (
        row.status == "ACTIVE"
        and row.resources.get("pending", True)
        and routes
        and routes[0].status == "ACTIVE"
        and row.resources.get("alarm")
    ):
        begin_deployment(context, row, service)
        row.resources = {**row.resources, "pending": False}
    if row.status == "DRAINING" and (service.status == "INACTIVE" or not is_managed(service)):
        for route in routes:
            move(context, route, "DELETE_IN_PROGRESS")
        if not routes and not row.resources.get("scaling") and not row.resources.get("alarm"):
            row.status, row.updated_at = "INACTIVE", context.now
            context.record(Kind.STATE_CHANGE, row.arn, {"express": row.status}, scope=service.cluster_arn)


def outside(context: Context, row: ExpressServiceRow) -> tuple[dict[str, Any], list[Outside]]:
    """What the neighbours are to do now, and what is to be noted of it afterwards."""
    service = context.session.get_one(ServiceRow, row.arn)
    place = Place(row.account, row.region)
    resource = f"service/{last_part(service.cluster_arn)}/{service.name}"
    before: Mapping[str, Any] = row.resources.get("scaling") or {}
    if row.status == "INACTIVE":
        return {}, []
    if row.status == "DRAINING":
        return _ending(row, place, resource)
    alarm = _alarm(context, row, service)
    if alarm is not None:
        name, balancer, groups = alarm
        return {"alarm": name}, [lambda made: made.ensure_alarm(place, name, balancer, groups)]
    spec = _scaling(context, row, service, resource)
    if spec is None:
        return {}, []
    wanted = {"policy": spec.policy, "minimum": spec.minimum, "maximum": spec.maximum}
    wanted |= {"metric": spec.metric, "target": spec.target, "label": spec.label}
    if wanted == dict(before):
        return {}, []
    steps: list[Outside] = [lambda made: made.ensure_scaling(place, spec)]
    if before and before["policy"] != spec.policy:
        steps.append(lambda made: made.drop_policy(place, resource, before["policy"]))
    return {"scaling": wanted}, steps


def _ending(row: ExpressServiceRow, place: Place, resource: str) -> tuple[dict[str, Any], list[Outside]]:
    scaling, alarm = row.resources.get("scaling"), row.resources.get("alarm")
    steps: list[Outside] = []
    if scaling:
        steps.append(lambda made: made.delete_scaling(place, resource, [scaling["policy"]]))
    if alarm:
        steps.append(lambda made: made.delete_alarm(place, alarm))
    return ({"scaling": None, "alarm": None}, steps) if steps else ({}, [])


def _alarm(context: Context, row: ExpressServiceRow, service: ServiceRow) -> tuple[str, str, list[str]] | None:
    """Name, load balancer and target groups of the alarm that is still to be made; it must be there before deployments."""
    (route,) = routes_of(context, row.arn)
    if row.resources.get("alarm") or "rule" not in route.resources:
        return None
    balancer = context.session.get_one(IngressBalancerRow, route.balancer_id)
    name = alarm_name(last_part(service.cluster_arn), service.name)
    return name, balancer.resources["arn"], [route.resources["target_group"], route.resources["alternate"]]


def _scaling(context: Context, row: ExpressServiceRow, service: ServiceRow, resource: str) -> ScalingSpec | None:
    """How the service is to be scaled; None before its first deployment."""
    deployments = living(context, service)
    if not deployments:
        return None
    asked = configurations(context, row, service)[0].body["scalingTarget"]  # of what is deployed: also on a way back
    metric = _METRICS[asked["autoScalingMetric"]]
    label = None
    if metric == "ALBRequestCountPerTarget":
        group = deployments[0].body["targetGroups"][0]["targetGroupArn"]
        (route,) = routes_of(context, row.arn)
        balancer = context.session.get_one(IngressBalancerRow, route.balancer_id)
        label = f"{balancer.resources['arn'].partition(':loadbalancer/')[2]}/{group.rpartition(':')[2]}"
    return ScalingSpec(
        resource,
        asked["minTaskCount"],
        asked["maxTaskCount"],
        f"{service.name}{metric}",  # "<ServiceName><TargetMetric>", says the developer guide; the form is (unconfirmed)
        metric,
        float(asked["autoScalingTargetValue"]),
        label,
    )


def make_log_group(emulator: Emulator, row_place: Place, group: str) -> None:
    """The log group of the service's container."""
    emulator.neighbours.create_log_stream(row_place.account, row_place.region, group, None, create_group=True)

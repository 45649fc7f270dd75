"""Services behind gateways: a connector names a port, and a route leads there from each compatible gateway of the cluster.

A gateway is compatible when it is in the VPC of the service's subnets, of an access type that the connector admits, and
covers every zone of the service (developer guide: "Connect Amazon ECS services to a gateway"). Texts are (unconfirmed).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.deployments import living
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.express_networks import subnets_for
from emulator.ecs.gateway_associations import end_association, usable_gateways
from emulator.ecs.gateway_rules import access_type, front_subnets
from emulator.ecs.ingress_routes import (
    EXPRESS,
    NoRoomError,
    Wanted,
    load_balancers,
    move,
    new_group_names,
    new_route,
    place_route,
    routes_of,
)
from emulator.neighbours.ingress_ports import IngressSubnet
from emulator.state.ecs import ServiceRow, TaskDefinitionRow
from emulator.state.ingress import GatewayRow, IngressRouteRow

_PENDING = "gatewayPending"
"""In a service's body: its newest settings are deployed once its routes are there."""
_DELAY = 300
_HEALTH = {
    "healthCheckPath": ("health_path", "/"),
    "healthCheckIntervalSeconds": ("interval", 30),
    "healthCheckTimeoutSeconds": ("timeout", 5),
    "healthyThresholdCount": ("healthy", 5),
    "unhealthyThresholdCount": ("unhealthy", 2),
}
"""Member → that of `TargetGroupSpec`, and the default that Elastic Load Balancing has for `ip` targets."""


def begin_or_wait(context: Context, service: ServiceRow) -> None:
    """Begin to deploy a service; one with gateway connectors once the routes that it lacks are there."""
    before = [route for route in routes_of(context, service.arn) if route.owner != EXPRESS]
    connectors = service.body.get("gatewayConnectors", [])
    if service.body.get("resourceManagementType") == "ECS" and not living(context, service):
        return  # the first one of an Express service begins once its load balancer is there, with what is wanted then
    if not connectors and not before:
        rollouts.begin(context, service)
        return
    wanted = _want(context, service, connectors[0], before) if connectors else []
    for route in before:
        route.wanted = {**route.wanted, "leaves": route not in wanted}
    service.body = {**service.body, _PENDING: True}
    follow_connectors(context, service)
    context.wake("ingress", service.arn)


def _want(
    context: Context, service: ServiceRow, connector: Mapping[str, Any], before: Sequence[IngressRouteRow]
) -> list[IngressRouteRow]:
    definition = context.session.get_one(TaskDefinitionRow, service.task_definition_arn)
    container, port = _port(definition, connector["portName"])
    subnets = _subnets(context, service)
    found = []
    for gateway in compatible(context, service, connector, subnets):
        known = next((route for route in before if route.owner == gateway.arn), None)
        ports = [port, known.wanted["port"]] if known is not None else [port]
        wanted: Wanted = {
            "vpc_id": subnets[0].vpc_id,
            "public": access_type(gateway.configuration) == "PUBLIC",
            "container": container,
            "port": port,
            "port_name": connector["portName"],
            "health": _health(connector.get("healthCheck", {})),
            "delay": connector.get("deregistrationDelay", {}).get("timeoutSeconds", _DELAY),
            "groups": known.wanted["groups"] if known is not None else new_group_names(context),
            "changes": ["target_group", "alternate"],
            "ports": list(dict.fromkeys(ports)),
            "security_group": None,
            "service_groups": _groups(service),
            "role": gateway.infrastructure_role_arn,
            "test_header": test_header(gateway),
            "tags": gateway_tags(gateway),
        }
        if known is None:
            found.append(_new(context, service, gateway, subnets, wanted))
        else:
            known.wanted = {**wanted, "leaves": False}
            move(context, known, "UPDATE_IN_PROGRESS" if known.status == "ACTIVE" else known.status)
            found.append(known)
    return found


def _new(
    context: Context, service: ServiceRow, gateway: GatewayRow, subnets: Sequence[IngressSubnet], wanted: Wanted
) -> IngressRouteRow:
    front = front_subnets(context, gateway.configuration)
    try:
        balancer = place_route(context, gateway.arn, subnets, front, gateway.configuration["maxAlbCount"])
    except NoRoomError as error:
        raise InvalidParameterException(f"The gateway {gateway.name} cannot take the service: {error}.") from error
    arn = context.arn("ecs", f"gateway-route/{gateway.name}/{context.emulator.ids.hex32()}")
    return new_route(context, arn, gateway.arn, service, balancer, wanted)


def compatible(
    context: Context, service: ServiceRow, connector: Mapping[str, Any], subnets: Sequence[IngressSubnet]
) -> list[GatewayRow]:
    """The gateways of the service's cluster that suit it.

    Raises:
        InvalidParameterException: none is associated, or none of them suits.

    """
    gateways = usable_gateways(context, service.cluster_arn)
    if not gateways:
        raise InvalidParameterException("No gateway is associated with the cluster of the service.")
    admitted = connector.get("filters", {}).get("accessTypes") or ["PUBLIC", "PRIVATE"]
    zones = {subnet.zone for subnet in subnets}
    found = []
    for gateway in gateways:
        front = front_subnets(context, gateway.configuration)
        alike = front[0].vpc_id == subnets[0].vpc_id and zones <= {subnet.zone for subnet in front}
        if alike and access_type(gateway.configuration) in admitted:
            found.append(gateway)
    if not found:
        raise InvalidParameterException("No gateway of the cluster is compatible with the service.")
    return found


def check_connectors(service_body: Mapping[str, Any], definition: TaskDefinitionRow | None) -> None:
    """Raise InvalidParameterException where a connector's port cannot be had."""
    connectors = service_body.get("gatewayConnectors", [])
    if not connectors:
        return
    if len(connectors) > 1:
        raise InvalidParameterException("A service can have at most one gateway connector.")
    if definition is None or service_body["deploymentController"]["type"] != "ECS":
        raise InvalidParameterException("gatewayConnectors are for services with the ECS deployment controller.")
    if definition.body.get("networkMode") != "awsvpc":
        raise InvalidParameterException("gatewayConnectors need a task definition with the network mode awsvpc.")
    _port(definition, connectors[0]["portName"])
    check = connectors[0].get("healthCheck", {})
    if check.get("matcher", {}).get("grpcCode"):
        raise InvalidParameterException("matcher.grpcCode is not supported: targets of gateways speak HTTP.")


def _port(definition: TaskDefinitionRow, name: str) -> tuple[str, int]:
    for container in definition.body["containerDefinitions"]:
        for mapping in container["portMappings"]:
            if mapping.get("name") == name:
                return container["name"], mapping["containerPort"]
    raise InvalidParameterException(f"The port name {name} is not the name of a port mapping of the task definition.")


def _subnets(context: Context, service: ServiceRow) -> list[IngressSubnet]:
    network = service.body["networkConfiguration"]["awsvpcConfiguration"]
    return subnets_for(context, list(network["subnets"]), fewest_zones=1)


def _groups(service: ServiceRow) -> list[str]:
    return list(service.body["networkConfiguration"]["awsvpcConfiguration"].get("securityGroups", []))


def _health(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: given.get(member, default) for member, (name, default) in _HEALTH.items()}
    return {
        **found,
        "codes": given.get("matcher", {}).get("httpCode", "200"),
        "health_protocol": given.get("healthCheckProtocol"),
        "health_port": given.get("healthCheckPort"),
    }


def test_header(gateway: GatewayRow) -> tuple[str, list[str]] | None:
    """What marks requests as test traffic."""
    header = gateway.configuration.get("testTrafficRules", {}).get("header")
    return (header["name"], list(header["values"])) if header else None


def gateway_tags(gateway: GatewayRow) -> dict[str, str]:
    """What is handed on to everything that is made for the gateway."""
    return {tag["key"]: tag["value"] for tag in gateway.tags} if gateway.propagate_tags == "GATEWAY" else {}


def follow_connectors(context: Context, service: ServiceRow) -> None:
    """Begin what waits for routes once all are there; routes of a service that is gone go."""
    routes = [route for route in routes_of(context, service.arn) if route.owner != EXPRESS]
    if service.status == "INACTIVE":
        for route in routes:
            move(context, route, "DELETE_IN_PROGRESS")
        return
    stay = [route for route in routes if not route.wanted.get("leaves")]
    if service.body.get(_PENDING) and all("rule" in route.resources for route in stay):
        kept = {member: value for member, value in service.body.items() if member != _PENDING}
        managed = {route.resources.get("target_group") for route in routes}
        own = [item for item in service.body.get("loadBalancers", []) if item.get("targetGroupArn") not in managed]
        service.body = {**kept, "loadBalancers": [*own, *load_balancers(stay)]}
        rollouts.begin(context, service)
        service.unhealthy_streak, service.start_not_before, service.steady = 0, None, False
        context.wake("services", service.arn)
    if not service.body.get(_PENDING):
        for route in set(routes) - set(stay):
            if not _serves(context, service, route):
                move(context, route, "DELETE_IN_PROGRESS")


def waits_to_leave(context: Context, service: ServiceRow) -> bool:
    """Whether a route is to go, but tasks are still reached by it."""
    return any(
        route.wanted.get("leaves") and route.status != "DELETE_IN_PROGRESS" for route in routes_of(context, service.arn)
    )


def _serves(context: Context, service: ServiceRow, route: IngressRouteRow) -> bool:
    groups = {route.resources.get("target_group"), route.resources.get("alternate")}
    deployments = living(context, service)
    return any(item["targetGroupArn"] in groups for row in deployments for item in row.body.get("targetGroups", []))


def connections(context: Context, service_arn: str) -> list[IngressRouteRow]:
    """The routes of gateways to a service."""
    return [route for route in routes_of(context, service_arn) if route.owner != EXPRESS]


def route_gone(context: Context, route: IngressRouteRow) -> None:
    """A route has been removed: its cluster's association may be at an end."""
    end_association(context, route.owner, route.cluster_arn)

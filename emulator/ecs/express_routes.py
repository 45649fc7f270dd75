"""The route of an Express service: what it asks for, and how the service is told of it."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.deployments import living
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.express_networks import Network
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
from emulator.ecs.names import last_part
from emulator.state.ecs import ServiceRow, TaskDefinitionRow
from emulator.state.ingress import ExpressServiceRow, IngressRouteRow

_HEALTH = {"interval": 30, "timeout": 5, "healthy": 5, "unhealthy": 2, "codes": "200"}
_DELAY = 300


def want_route(context: Context, row: ExpressServiceRow, service: ServiceRow, network: Network) -> None:
    """Want the way from a shared load balancer to the service.

    Raises:
        InvalidParameterException: the service's subnets do not suit the load balancer of their VPC; text (unconfirmed).

    """
    balancer = _placed(context, network)
    configuration = row.wanted
    wanted: Wanted = {
        "vpc_id": network.vpc_id,
        "public": network.public,
        "container": "Main",
        "port": configuration["primaryContainer"]["containerPort"],
        "port_name": _port_name(context, row.task_definition_arn),
        "health": _health(configuration),
        "delay": _DELAY,
        "groups": new_group_names(context),
        "changes": ["target_group", "alternate"],
        "ports": [configuration["primaryContainer"]["containerPort"]],
        "security_group": _group_name(service, network),
        "service_groups": list(network.security_groups),
        "role": row.infrastructure_role_arn,
        "test_header": None,
        "tags": {tag["key"]: tag["value"] for tag in service.tags},
    }
    arn = f"{service.arn.replace(':service/', ':gateway-route/express/', 1)}"
    new_route(context, arn, EXPRESS, service, balancer, wanted)


def _placed(context: Context, network: Network) -> Any:
    try:
        return place_route(context, EXPRESS, network.subnets, network.subnets, None)
    except NoRoomError as error:
        raise InvalidParameterException(f"The subnets cannot be used: {error}.") from error


def _group_name(service: ServiceRow, network: Network) -> str | None:
    """Of the service's own security group, which is made where it brings none."""
    if network.security_groups:
        return None
    return f"{last_part(service.cluster_arn)}-{service.name}-{network.vpc_id}"[:255]


def _health(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {**_HEALTH, "health_path": configuration["healthCheckPath"]}


def _port_name(context: Context, definition_arn: str) -> str:
    definition = context.session.get_one(TaskDefinitionRow, definition_arn)
    main = next(item for item in definition.body["containerDefinitions"] if item["name"] == "Main")
    return str(main["portMappings"][0]["name"])


def change_network(context: Context, service: ServiceRow, network: Network) -> None:
    """The route of a service whose subnets or security groups change; it stays in its VPC.

    Raises:
        InvalidParameterException: it would leave the VPC, or the zones of its load balancer; texts (unconfirmed).

    """
    (route,) = routes_of(context, service.arn)
    if (network.vpc_id, network.public) != (route.wanted["vpc_id"], route.wanted["public"]):
        raise InvalidParameterException("The subnets must be of the VPC, and of the kind, that the service has.")
    _placed(context, network)
    route.wanted = {
        **route.wanted,
        "security_group": _group_name(service, network),
        "service_groups": list(network.security_groups),
    }


def follow_configuration(context: Context, row: ExpressServiceRow, service: ServiceRow) -> bool:
    """Have the route as the newest configuration asks, which the loop carries out; whether a deployment may begin now."""
    (route,) = routes_of(context, service.arn)
    port = row.wanted["primaryContainer"]["containerPort"]
    route.wanted = {
        **route.wanted,
        "port": port,
        "ports": list(dict.fromkeys([port, route.wanted["port"]])),
        "port_name": _port_name(context, row.task_definition_arn),
        "health": _health(row.wanted),
    }
    grouped = route.wanted["security_group"] is None or "service_security_group" in route.resources
    ready = grouped and "rule" in route.resources
    if route.status == "ACTIVE":
        move(context, route, "UPDATE_IN_PROGRESS")
    return ready


def change_one_group(context: Context, service: ServiceRow) -> None:
    """A revision's health check is its own target group's; the group that serves meanwhile stays as it is."""
    (route,) = routes_of(context, service.arn)
    served = {item["targetGroupArn"] for item in living(context, service)[0].body["targetGroups"]}
    changes = [entry for entry in ("target_group", "alternate") if route.resources[entry] in served]
    route.wanted = {**route.wanted, "changes": changes}


def lead(service: ServiceRow, row: ExpressServiceRow, route: IngressRouteRow) -> None:
    """Have the service behind its route: load balancer and security groups as they have been made."""
    own = route.resources.get("service_security_group") if route.wanted["security_group"] else None
    groups = [*([own] if own else []), *route.wanted["service_groups"]]
    network = service.body["networkConfiguration"]["awsvpcConfiguration"]
    service.body = {
        **service.body,
        "loadBalancers": load_balancers([route]),
        "networkConfiguration": {"awsvpcConfiguration": {**network, "securityGroups": groups}},
    }
    shown = row.wanted["networkConfiguration"]
    row.wanted = {**row.wanted, "networkConfiguration": {**shown, "securityGroups": groups}}

"""`ecsManagedResources` of a service revision: what ECS has made for an Express service, as the rows know it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.context import Context
from emulator.ecs.ingress_routes import routes_of, url_of
from emulator.state.ecs import ServiceRow
from emulator.state.ingress import ExpressServiceRow, IngressBalancerRow, IngressRouteRow


def managed_resources(context: Context, service: ServiceRow) -> dict[str, Any]:
    """The member, or nothing for services that are no Express services."""
    row = context.session.get(ExpressServiceRow, service.arn)
    routes = routes_of(context, service.arn)
    if row is None or row.status == "INACTIVE":
        connections = [_connection(context, route) for route in routes]
        return {"ecsManagedResources": {"gatewayConnections": connections}} if connections else {}
    found: dict[str, Any] = {"ingressPaths": [_path(context, route) for route in routes]}
    own = [route for route in routes if "service_security_group" in route.resources]
    found["serviceSecurityGroups"] = [
        _made(route, _group_arn(context, route.resources["service_security_group"])) for route in own
    ]
    if row.resources.get("log_group"):
        name = row.resources["log_group"]
        arn = context.arn("logs", f"log-group:{name}")
        found["logGroups"] = [{"arn": arn, "logGroupName": name, "status": "ACTIVE", "updatedAt": row.updated_at}]
    if row.resources.get("alarm"):
        arn = context.arn("cloudwatch", f"alarm:{row.resources['alarm']}")
        found["metricAlarms"] = [{"arn": arn, "status": "ACTIVE", "updatedAt": row.updated_at}]
    if row.resources.get("scaling"):
        found["autoScaling"] = _scaling(row.resources["scaling"], row.updated_at)
    return {"ecsManagedResources": found}


def _connection(context: Context, route: IngressRouteRow) -> dict[str, Any]:
    shared, made = context.session.get_one(IngressBalancerRow, route.balancer_id).resources, route.resources
    found: dict[str, Any] = {
        "gatewayArn": route.owner,
        "gatewayRouteArn": route.arn,
        "portName": route.wanted["port_name"],
        "serviceUrl": url_of(context, route),
        "accessType": "PUBLIC" if route.wanted["public"] else "PRIVATE",
        "status": route.status,
    }
    if "rule" not in made:
        return found
    resources = {
        "acmCertificateArn": made["certificate"],
        "loadBalancerArn": shared["arn"],
        "loadBalancerSecurityGroupArns": [_group_arn(context, shared["security_group"])],
        "listenerArn": shared["listener"],
        "listenerRuleArn": made["rule"],
        **({"testListenerRuleArn": made["test_rule"]} if "test_rule" in made else {}),
        "targetGroupArn": made["target_group"],
        "alternateTargetGroupArn": made["alternate"],
    }
    return {**found, "resources": {"hostSharedAlb": [resources]}}


def _scaling(made: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    known = {"status": "ACTIVE", "updatedAt": at}
    policy = {"policyType": "TargetTrackingScaling", "targetValue": made["target"], "metric": made["metric"]}
    bounds = {"minCapacity": made["minimum"], "maxCapacity": made["maximum"]}
    return {"scalableTarget": {**known, **bounds}, "applicationAutoScalingPolicies": [{**known, **policy}]}


def _group_arn(context: Context, group_id: str) -> str:
    return context.arn("ec2", f"security-group/{group_id}")


def _made(route: IngressRouteRow, arn: str) -> dict[str, Any]:
    status = {"CREATE_IN_PROGRESS": "PROVISIONING", "DELETE_IN_PROGRESS": "DEPROVISIONING"}.get(route.status, "ACTIVE")
    return {"arn": arn, "status": status, "updatedAt": route.updated_at}


def _path(context: Context, route: IngressRouteRow) -> dict[str, Any]:
    balancer = context.session.get_one(IngressBalancerRow, route.balancer_id)
    made, shared = route.resources, balancer.resources
    found: dict[str, Any] = {
        "accessType": "PUBLIC" if route.wanted["public"] else "PRIVATE",
        "endpoint": url_of(context, route),
    }
    if "rule" not in made:
        return found
    groups = [_group_arn(context, shared["security_group"])]
    check = {"healthCheckPath": route.wanted["health"]["health_path"], "healthCheckPort": route.wanted["port"]}
    return {
        **found,
        "loadBalancer": {
            **_made(route, shared["arn"]),
            "scheme": "internet-facing" if balancer.public else "internal",
            "subnetIds": balancer.subnets,
            "securityGroupIds": [shared["security_group"]],
        },
        "loadBalancerSecurityGroups": [_made(route, arn) for arn in groups],
        "certificate": {**_made(route, made["certificate"]), "domainName": route.host},
        "listener": _made(route, shared["listener"]),
        "rule": _made(route, made["rule"]),
        "targetGroups": [
            {**_made(route, made[entry]), **check, "port": route.wanted["port"]}
            for entry in ("target_group", "alternate")
        ],
    }

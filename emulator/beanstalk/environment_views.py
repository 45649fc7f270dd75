"""Environments as answers show them."""

from typing import Any

from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.fleet_view import SAMPLE
from emulator.beanstalk.platforms import platform_of_arn
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow


def shown_cname(context: Context, row: EnvironmentRow) -> str | None:
    """The name with the port at which it is answered, where that is not 80."""
    if row.cname is None:
        return None
    balancer = context.emulator.balancer
    port = balancer.standard_port if balancer is not None else context.emulator.port
    return row.cname if port == 80 else f"{row.cname}:{port}"


def describe(context: Context, row: EnvironmentRow) -> dict[str, Any]:
    """EnvironmentDescription."""
    found: dict[str, Any] = {
        "EnvironmentName": row.name,
        "EnvironmentId": row.id,
        "ApplicationName": row.application,
        "VersionLabel": row.version_label or SAMPLE,
        "SolutionStackName": platform_of_arn(row.platform_arn).stack_name,
        "PlatformArn": row.platform_arn,
        "Description": row.description,
        "EndpointURL": row.endpoint_url,
        "CNAME": _cname(context, row),
        "DateCreated": row.created_at,
        "DateUpdated": row.updated_at,
        "Status": row.status,
        "AbortableOperationInProgress": row.abortable,
        "Health": row.health.get("color", "Grey"),
        "HealthStatus": row.health.get("status"),
        "Tier": row.tier,
        "EnvironmentLinks": row.links,
        "EnvironmentArn": arn_of(context, row),
        "OperationsRole": row.operations_role,
    }
    balancer = row.resources.get("balancer")
    if balancer:
        ports = [{"Protocol": "HTTP", "Port": int(port)} for port in row.resources.get("listeners") or {}]
        shown = {"LoadBalancerName": balancer["arn"], "Domain": balancer["dns_name"], "Listeners": ports}
        found["Resources"] = {"LoadBalancer": shown}
    return {name: value for name, value in found.items() if value is not None}


def _cname(context: Context, row: EnvironmentRow) -> str | None:
    """A name that was made up is shown once the environment has been launched."""
    made_up = ".eba-" in (row.cname or "")
    return None if made_up and row.status == Status.LAUNCHING else shown_cname(context, row)


def arn_of(context: Context, row: EnvironmentRow) -> str:
    """The environment's ARN."""
    return context.arn("elasticbeanstalk", f"environment/{row.application}/{row.name}")

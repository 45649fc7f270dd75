"""DescribeEnvironmentHealth and DescribeInstancesHealth: the last judgement, as clients want it."""

from collections.abc import Collection, Mapping
from typing import Any

from emulator.beanstalk.environment_finding import find_environment
from emulator.beanstalk.errors import InvalidRequestException
from emulator.beanstalk.fleet_view import SAMPLE
from emulator.beanstalk.health_documents import instant_of, requests_of
from emulator.beanstalk.health_loop import LOOP
from emulator.beanstalk.instances import living
from emulator.beanstalk.option_values import values_of
from emulator.context import Context
from emulator.pagination import InvalidTokenError, decode_token, encode_token
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow
from scheduler.beanstalk.health_model import HealthStatus
from scheduler.beanstalk.model import Command
from scheduler.beanstalk.request_statistics import WINDOW, Requests

_PAGE = 100
"""Instances in an answer (unconfirmed)."""
_DEPLOYMENTS = {
    Command.RUNNING: "In Progress",
    Command.SUCCEEDED: "Deployed",
    Command.FAILED: "Failed",
    Command.TIMED_OUT: "Failed",
}


def describe_environment_health(context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
    """How well an environment is; without attribute names just its name."""
    row = _enhanced(context, request, "DescribeEnvironmentHealth")
    return {"EnvironmentName": row.name, **_chosen(report(row), request)}


def report(row: EnvironmentRow) -> dict[str, Any]:
    """All that DescribeEnvironmentHealth can tell of an environment."""
    health = row.health
    counts = {name.value: 0 for name in HealthStatus if name is not HealthStatus.SUSPENDED}
    return {
        "HealthStatus": health.get("status", HealthStatus.NO_DATA.value),
        "Status": row.status,
        "Color": health.get("color", "Grey"),
        "Causes": health.get("causes", []),
        "ApplicationMetrics": _metrics(requests_of(health.get("requests"))),
        "InstancesHealth": health.get("instances", counts),
        "RefreshedAt": instant_of(health.get("at")) or row.created_at,
    }


def describe_instances_health(context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
    """How well its instances are, in pages; without attribute names just their ids."""
    row = _enhanced(context, request, "DescribeInstancesHealth")
    try:
        after = decode_token(request.get("NextToken")) or ""
    except InvalidTokenError:
        raise InvalidRequestException("Invalid NextToken.") from None  # (unconfirmed) text
    items = sorted((item for item in living(context, row.id) if item.id > after), key=lambda item: item.id)
    page, rest = items[:_PAGE], items[_PAGE:]
    described = [{"InstanceId": item.id, **_chosen(_instance(context, item), request)} for item in page]
    refreshed = _chosen({"RefreshedAt": instant_of(row.health.get("at")) or row.created_at}, request)
    token = {"NextToken": encode_token(page[-1].id)} if rest else {}
    return {"InstanceHealthList": described, **refreshed, **token}


def _enhanced(context: Context, request: Mapping[str, Any], operation: str) -> EnvironmentRow:
    row = find_environment(context, request)
    if not values_of(row.bundle_settings, row.settings).enhanced:
        raise InvalidRequestException(f"{operation} is not supported.")
    context.wake(LOOP, row.id)
    return row


def _chosen(found: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    names: Collection[str] = request.get("AttributeNames") or ()
    return {name: value for name, value in found.items() if "All" in names or name in names}


def _metrics(requests: Requests) -> dict[str, Any]:
    codes = {f"Status{one}xx": requests.classes.get(one, 0) for one in (2, 3, 4, 5)}
    return {
        "Duration": WINDOW,
        "RequestCount": requests.count,
        "StatusCodes": codes,
        "Latency": requests.quantiles(),
    }


def _instance(context: Context, item: BeanstalkInstanceRow) -> dict[str, Any]:
    host = context.session.get(ContainerInstanceRow, item.host_arn)
    health, cpu = item.health, item.health.get("cpu")
    found: dict[str, Any] = {
        "HealthStatus": health.get("status", HealthStatus.NO_DATA.value),
        "Color": health.get("color", "Grey"),
        "Causes": health.get("causes", []),
        "LaunchedAt": item.launched_at,
        "ApplicationMetrics": _metrics(requests_of(health.get("requests"))),
    }
    if cpu is not None:
        found["System"] = {"CPUUtilization": {"User": round(cpu, 1), "Idle": round(100 - cpu, 1)}}
    if item.deployment:
        deployment = {
            "VersionLabel": item.version_label or SAMPLE,
            "DeploymentId": item.deployment,
            "Status": _DEPLOYMENTS.get(Command(item.command), "In Progress"),
            "DeploymentTime": item.command_ended or item.command_since,
        }
        found["Deployment"] = {name: value for name, value in deployment.items() if value is not None}
    if host is not None:
        found |= {"AvailabilityZone": host.zone, "InstanceType": host.instance_type}
    return found

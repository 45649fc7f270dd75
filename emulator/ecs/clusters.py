"""Clusters. Their counts are queried from the rows at each answer, never kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import func, select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.account_settings import effective_value
from emulator.ecs.cluster_capacity_providers import attachments, check_providers, check_strategy, group_providers
from emulator.ecs.errors import (
    ClusterContainsContainerInstancesException,
    ClusterContainsServicesException,
    ClusterContainsTasksException,
    ClusterNotFoundException,
    InvalidParameterException,
    ResourceInUseException,
)
from emulator.ecs.names import check_name
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateClusterRequestTypeDef,
        DeleteClusterRequestTypeDef,
        DescribeClustersRequestTypeDef,
        ListClustersRequestTypeDef,
        PutClusterCapacityProvidersRequestTypeDef,
        UpdateClusterRequestTypeDef,
        UpdateClusterSettingsRequestTypeDef,
    )

_EVERYTHING = {"ATTACHMENTS", "TAGS", "SETTINGS", "CONFIGURATIONS"}
"""What the answers of changing operations include."""


class ClusterResult(TypedDict):
    """One cluster."""

    cluster: dict[str, Any]


def find_cluster(context: Context, identifier: str | None) -> ClusterRow:
    """The ACTIVE cluster called by name or ARN; `default` where None.

    Raises:
        ClusterNotFoundException: there is none in the caller's account and region.

    """
    row = _find(context, identifier or "default")
    if row is None or row.status != "ACTIVE":
        raise ClusterNotFoundException
    return row


def _find(context: Context, identifier: str) -> ClusterRow | None:
    """By name or ARN; an ARN must be this cluster's own, not merely end like it."""
    arn = identifier if parse_arn(identifier) else context.arn("ecs", f"cluster/{identifier}")
    row = context.session.get(ClusterRow, arn)
    return row if row is not None and (row.account, row.region) == (context.account, context.region) else None


def create_cluster(context: Context, request: "CreateClusterRequestTypeDef") -> ClusterResult:
    """Create a cluster; an ACTIVE one of that name is returned as it is."""
    name = request.get("clusterName", "default")
    check_name(name, "clusterName")
    tags = check_tags(request.get("tags", []))
    providers = check_providers(context, request.get("capacityProviders", []), context.arn("ecs", f"cluster/{name}"))
    strategy = check_strategy(request.get("defaultCapacityProviderStrategy", []), providers)
    settings = _checked_settings([dict(setting) for setting in request.get("settings", [])])
    row = _find(context, name)
    if row is None:
        row = ClusterRow(
            arn=context.arn("ecs", f"cluster/{name}"), account=context.account, region=context.region, name=name
        )
    elif row.status == "ACTIVE":
        return {"cluster": describe_cluster(context, row, _EVERYTHING)}
    row.status = "ACTIVE"
    row.created_at = context.now
    row.configuration = dict(request.get("configuration", {})) or None
    row.settings = settings or [{"name": "containerInsights", "value": effective_value(context, "containerInsights")}]
    row.capacity_providers = providers
    row.default_strategy = [dict(item) for item in strategy]
    row.service_connect_defaults = dict(request.get("serviceConnectDefaults", {})) or None
    row.tags = tags
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    _wake_capacity(context, row, providers)
    return {"cluster": describe_cluster(context, row, _EVERYTHING)}


def _wake_capacity(context: Context, row: ClusterRow, names: Sequence[str]) -> None:
    """Hosts of the groups belong to the providers, or do so no longer; scaling begins or ends."""
    if group_providers(names):
        context.wake("hosts", f"{context.account}/{context.region}")
        context.wake("capacity", row.arn, *(context.arn("ecs", f"capacity-provider/{name}") for name in names))


def ensure_default_cluster(context: Context) -> ClusterRow:
    """The cluster `default`, created as an agent creates it where it is missing."""
    create_cluster(context, {})
    return find_cluster(context, None)


def delete_cluster(context: Context, request: "DeleteClusterRequestTypeDef") -> ClusterResult:
    """Set a cluster INACTIVE; it must be empty."""
    row = find_cluster(context, request["cluster"])
    if _count(context, select(func.count()).where(ServiceRow.cluster_arn == row.arn, ServiceRow.status != "INACTIVE")):
        raise ClusterContainsServicesException
    if _hosts(context, row.arn):
        raise ClusterContainsContainerInstancesException
    if _count(context, select(func.count()).where(TaskRow.cluster_arn == row.arn, TaskRow.last_status != "STOPPED")):
        raise ClusterContainsTasksException
    row.status = "INACTIVE"
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status})
    return {"cluster": describe_cluster(context, row, set())}


class DescribeClustersResult(TypedDict):
    """Clusters, and what is not one."""

    clusters: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_clusters(context: Context, request: "DescribeClustersRequestTypeDef") -> DescribeClustersResult:
    """Describe up to 100 clusters; INACTIVE ones are still described."""
    names = request.get("clusters") or ["default"]
    if len(names) > 100:
        raise InvalidParameterException("Clusters cannot have more than 100 elements.")  # (unconfirmed) text
    include = set(request.get("include", []))
    result: DescribeClustersResult = {"clusters": [], "failures": []}
    for name in names:
        row = _find(context, name)
        if row is None:
            arn = name if parse_arn(name) else context.arn("ecs", f"cluster/{name}")
            result["failures"].append({"arn": arn, "reason": "MISSING"})
        else:
            result["clusters"].append(describe_cluster(context, row, set(include)))
    return result


class ListClustersResult(TypedDict):
    """A page of ARNs."""

    clusterArns: list[str]
    nextToken: NotRequired[str]


def list_clusters(context: Context, request: "ListClustersRequestTypeDef") -> ListClustersResult:
    """A page of the ACTIVE clusters, in the order of their names."""
    size = page_size(request.get("maxResults"))
    arns = context.session.scalars(
        select(ClusterRow.arn)
        .where(
            ClusterRow.account == context.account,
            ClusterRow.region == context.region,
            ClusterRow.status == "ACTIVE",
            ClusterRow.arn > start_after(request.get("nextToken")),
        )
        .order_by(ClusterRow.arn)
        .limit(size + 1)
    ).all()
    shown, more = cut(arns, size)
    return {"clusterArns": shown, **more}  # type: ignore[typeddict-item]  # nextToken or nothing


def update_cluster(context: Context, request: "UpdateClusterRequestTypeDef") -> ClusterResult:
    """Change settings, configuration or the Service Connect default."""
    row = find_cluster(context, request["cluster"])
    if "settings" in request:
        row.settings = _checked_settings([dict(setting) for setting in request["settings"]])
    if "configuration" in request:
        row.configuration = dict(request["configuration"])
    if "serviceConnectDefaults" in request:
        row.service_connect_defaults = dict(request["serviceConnectDefaults"])
    context.record(Kind.STATE_CHANGE, row.arn, {"settings": row.settings})
    return {"cluster": describe_cluster(context, row, _EVERYTHING)}


def update_cluster_settings(context: Context, request: "UpdateClusterSettingsRequestTypeDef") -> ClusterResult:
    """Change settings."""
    return update_cluster(context, {"cluster": request["cluster"], "settings": request["settings"]})


def put_cluster_capacity_providers(
    context: Context, request: "PutClusterCapacityProvidersRequestTypeDef"
) -> ClusterResult:
    """Replace the capacity providers and the default strategy."""
    row = find_cluster(context, request["cluster"])
    providers = check_providers(context, request["capacityProviders"], row.arn)
    strategy = check_strategy(request["defaultCapacityProviderStrategy"], providers)
    removed = [name for name in row.capacity_providers if name not in providers]
    users = select(func.count()).where(
        TaskRow.cluster_arn == row.arn, TaskRow.last_status != "STOPPED", TaskRow.capacity_provider.in_(removed)
    )
    if _count(context, users):
        raise ResourceInUseException("The specified capacity provider is in use and cannot be removed.")
    _wake_capacity(context, row, [*providers, *removed])
    row.capacity_providers, row.default_strategy = providers, [dict(item) for item in strategy]
    context.record(Kind.STATE_CHANGE, row.arn, {"capacityProviders": providers})
    return {"cluster": describe_cluster(context, row, _EVERYTHING)}


def _checked_settings(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for setting in settings:
        if setting.get("name") != "containerInsights":
            raise InvalidParameterException("Setting name should be one of [containerInsights]")  # (unconfirmed) text
        if setting.get("value") not in {"enabled", "disabled", "enhanced"}:
            raise InvalidParameterException("containerInsights should be one of [enabled,disabled,enhanced]")
    return settings


def describe_cluster(context: Context, row: ClusterRow, include: set[str]) -> dict[str, Any]:
    """A cluster as DescribeClusters shows it; counts are queried."""
    tasks = {
        (status, launch): count
        for status, launch, count in context.session.execute(
            select(TaskRow.last_status, TaskRow.launch_type, func.count())
            .where(TaskRow.cluster_arn == row.arn, TaskRow.last_status.in_(["RUNNING", "PENDING", "PROVISIONING"]))
            .group_by(TaskRow.last_status, TaskRow.launch_type)
        )
    }
    services = {
        (status, launch): count
        for status, launch, count in context.session.execute(
            select(ServiceRow.status, ServiceRow.launch_type, func.count())
            .where(ServiceRow.cluster_arn == row.arn, ServiceRow.status != "INACTIVE")
            .group_by(ServiceRow.status, ServiceRow.launch_type)
        )
    }
    document: dict[str, Any] = {
        "clusterArn": row.arn,
        "clusterName": row.name,
        "status": row.status,
        "registeredContainerInstancesCount": _hosts(context, row.arn),
        "runningTasksCount": sum(count for (status, _), count in tasks.items() if status == "RUNNING"),
        "pendingTasksCount": sum(count for (status, _), count in tasks.items() if status != "RUNNING"),
        "activeServicesCount": sum(count for (status, _), count in services.items() if status == "ACTIVE"),
        "statistics": _statistics(tasks, services) if "STATISTICS" in include else [],
        "tags": row.tags if "TAGS" in include else [],
        "settings": row.settings if "SETTINGS" in include else [],
        "capacityProviders": row.capacity_providers,
        "defaultCapacityProviderStrategy": row.default_strategy,
    }
    if "CONFIGURATIONS" in include and row.configuration:
        document["configuration"] = row.configuration
    if group_providers(row.capacity_providers):
        # what AWS attaches in a minute is attached at once
        document["attachmentsStatus"] = "UPDATE_COMPLETE"
        if "ATTACHMENTS" in include:
            document["attachments"] = attachments(context, row)
    if row.service_connect_defaults:
        document["serviceConnectDefaults"] = row.service_connect_defaults
    return document


def _statistics(tasks: dict[tuple[str, str], int], services: dict[tuple[str, str], int]) -> list[dict[str, str]]:
    def pending(launch: str) -> int:
        return tasks.get(("PENDING", launch), 0) + tasks.get(("PROVISIONING", launch), 0)

    values = {
        "runningEC2TasksCount": tasks.get(("RUNNING", "EC2"), 0),
        "RunningFargateTasksCount": tasks.get(("RUNNING", "FARGATE"), 0),
        "pendingEC2TasksCount": pending("EC2"),
        "pendingFargateTasksCount": pending("FARGATE"),
        "activeEC2ServiceCount": services.get(("ACTIVE", "EC2"), 0),
        "activeFargateServiceCount": services.get(("ACTIVE", "FARGATE"), 0),
        "drainingEC2ServiceCount": services.get(("DRAINING", "EC2"), 0),
        "drainingFargateServiceCount": services.get(("DRAINING", "FARGATE"), 0),
    }
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def _hosts(context: Context, cluster_arn: str) -> int:
    return _count(
        context,
        select(func.count()).where(
            ContainerInstanceRow.cluster_arn == cluster_arn, ContainerInstanceRow.status != "INACTIVE"
        ),
    )


def _count(context: Context, statement: Any) -> int:
    return context.session.scalar(statement) or 0

"""Capacity providers: FARGATE and FARGATE_SPOT, which every account has, and those over Auto Scaling groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.capacity_provider_rules import check_provider_name, provider_settings
from emulator.ecs.errors import ClientException, InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.names import last_part
from emulator.ecs.pages import cut, start_after
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.neighbours.capacity_ports import ScalingGroup
from emulator.state.capacity import CapacityProviderRow
from emulator.state.ecs import ClusterRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateCapacityProviderRequestTypeDef,
        DeleteCapacityProviderRequestTypeDef,
        DescribeCapacityProvidersRequestTypeDef,
        UpdateCapacityProviderRequestTypeDef,
    )

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_PAGE = 10
_UNKNOWN = "The specified capacity provider does not exist. Specify a valid name or ARN and try again."  # (unconfirmed)


class CapacityProviderResult(TypedDict):
    """One provider."""

    capacityProvider: dict[str, Any]


class CapacityProvidersResult(TypedDict):
    """Providers, and what is not one."""

    capacityProviders: list[dict[str, Any]]
    failures: list[dict[str, str]]
    nextToken: NotRequired[str]


def create_capacity_provider(
    context: Context, request: "CreateCapacityProviderRequestTypeDef"
) -> CapacityProviderResult:
    """Create a provider over an Auto Scaling group."""
    name = request["name"]
    check_provider_name(name)
    if "managedInstancesProvider" in request:
        raise UnsupportedFeatureException("Not emulated yet: managedInstancesProvider.")
    if "autoScalingGroupProvider" not in request:
        raise InvalidParameterException("Specify an Auto Scaling group provider.")  # (unconfirmed) text
    tags = check_tags(request.get("tags", []))
    earlier = find_provider(context, name)
    if earlier is not None and earlier.status == "ACTIVE":
        raise ClientException(
            "The specified capacity provider already exists. To change the configuration of an existing capacity "
            "provider, update the capacity provider."
        )
    asked = request["autoScalingGroupProvider"]
    group = _group(context, asked["autoScalingGroupArn"])
    for other in providers_of(context):
        if other.group_name == group.name:
            raise ClientException(
                "The specified Auto Scaling group ARN is already being used by another capacity provider. "
                "Specify a unique Auto Scaling group ARN and try again."
            )
    provider = {"autoScalingGroupArn": asked["autoScalingGroupArn"], **provider_settings(None, asked, group)}
    row = earlier or CapacityProviderRow(
        arn=context.arn("ecs", f"capacity-provider/{name}"),
        account=context.account,
        region=context.region,
        name=name,
        policy_id=context.emulator.ids.uuid(),
    )
    row.status, row.update_status, row.update_status_reason = "ACTIVE", None, None
    row.group_name, row.provider, row.scaling, row.created_at, row.tags = group.name, provider, {}, context.now, tags
    context.session.add(row)
    _changed(context, row)
    return {"capacityProvider": describe_provider(row, tags=True)}


def update_capacity_provider(
    context: Context, request: "UpdateCapacityProviderRequestTypeDef"
) -> CapacityProviderResult:
    """Change scaling, termination protection or draining."""
    row = _active(context, request["name"])
    if "managedInstancesProvider" in request:
        raise UnsupportedFeatureException("Not emulated yet: managedInstancesProvider.")
    asked = request.get("autoScalingGroupProvider", {})
    group = _group(context, row.group_name)
    row.provider = {**row.provider, **provider_settings(row.provider, asked, group)}
    row.update_status, row.update_status_reason = "UPDATE_COMPLETE", None
    _changed(context, row)
    return {"capacityProvider": describe_provider(row, tags=True)}


def delete_capacity_provider(
    context: Context, request: "DeleteCapacityProviderRequestTypeDef"
) -> CapacityProviderResult:
    """Want a provider gone; the loop `capacity` deletes it, unless a cluster has it."""
    name = last_part(request["capacityProvider"])
    if name in FARGATE_PROVIDERS:
        raise ClientException("The specified capacity provider cannot be deleted.")  # (unconfirmed) text
    row = _active(context, name)
    row.update_status, row.update_status_reason = "DELETE_IN_PROGRESS", None
    context.record(Kind.STATE_CHANGE, row.arn, {"updateStatus": row.update_status})
    context.wake("capacity", row.arn)
    return {"capacityProvider": describe_provider(row, tags=True)}


def finish_deletion(context: Context, row: CapacityProviderRow) -> None:
    """What DeleteCapacityProvider began."""
    cluster = cluster_of(context, row)
    if cluster is None:
        row.status, row.update_status = "INACTIVE", "DELETE_COMPLETE"
    else:
        row.update_status = "DELETE_FAILED"
        row.update_status_reason = (  # (unconfirmed) text
            f"The capacity provider cannot be deleted because it is associated with cluster: {cluster.name}. "
            "Remove the capacity provider from the cluster and try again."
        )
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status, "updateStatus": row.update_status})


def describe_capacity_providers(
    context: Context, request: "DescribeCapacityProvidersRequestTypeDef"
) -> CapacityProvidersResult:
    """Those named, or a page of all; deleted ones are still described."""
    tags = "TAGS" in request.get("include", [])
    names = request.get("capacityProviders", [])
    if len(names) > 100:
        raise InvalidParameterException("Capacity providers cannot have more than 100 elements.")  # (unconfirmed)
    result: CapacityProvidersResult = {"capacityProviders": [], "failures": []}
    if names:
        for name in names:
            document = _described(context, last_part(name), tags=tags)
            if document is None:
                arn = name if parse_arn(name) else context.arn("ecs", f"capacity-provider/{name}")
                result["failures"].append({"arn": arn, "reason": "MISSING"})
            else:
                result["capacityProviders"].append(document)
        return result
    size = min(request.get("maxResults", _PAGE), _PAGE)
    known = sorted([*FARGATE_PROVIDERS, *(row.name for row in _rows(context))])
    after = start_after(request.get("nextToken"))
    shown, more = cut([name for name in known if name > after][: size + 1], size)
    documents = [_described(context, name, tags=tags) for name in shown]
    result = {"capacityProviders": [found for found in documents if found is not None], "failures": []}
    if more:
        result["nextToken"] = more["nextToken"]
    return result


def _described(context: Context, name: str, *, tags: bool) -> dict[str, Any] | None:
    if name in FARGATE_PROVIDERS:
        arn = context.arn("ecs", f"capacity-provider/{name}")
        return {"capacityProviderArn": arn, "name": name, "status": "ACTIVE", "tags": []}
    row = find_provider(context, name)
    return None if row is None else describe_provider(row, tags=tags)


def describe_provider(row: CapacityProviderRow, *, tags: bool) -> dict[str, Any]:
    """A provider as it is shown."""
    document = {
        "capacityProviderArn": row.arn,
        "name": row.name,
        "status": row.status,
        "autoScalingGroupProvider": row.provider,
        "tags": row.tags if tags else [],
    }
    if row.update_status is not None:
        document["updateStatus"] = row.update_status
    if row.update_status_reason is not None:
        document["updateStatusReason"] = row.update_status_reason
    return document


def find_provider(context: Context, name: str) -> CapacityProviderRow | None:
    """The provider over a group that is called so; deleted ones too."""
    return context.session.get(CapacityProviderRow, context.arn("ecs", f"capacity-provider/{name}"))


def _active(context: Context, identifier: str) -> CapacityProviderRow:
    row = find_provider(context, last_part(identifier))
    if row is None or row.status != "ACTIVE":
        raise ClientException(_UNKNOWN)
    return row


def _rows(context: Context) -> Sequence[CapacityProviderRow]:
    its = CapacityProviderRow.account == context.account, CapacityProviderRow.region == context.region
    return context.session.scalars(select(CapacityProviderRow).where(*its)).all()


def providers_of(context: Context) -> list[CapacityProviderRow]:
    """The ACTIVE providers of the account and region."""
    return [row for row in _rows(context) if row.status == "ACTIVE"]


def cluster_of(context: Context, row: CapacityProviderRow) -> ClusterRow | None:
    """The cluster that has the provider: with managed scaling it is one only."""
    its = ClusterRow.account == row.account, ClusterRow.region == row.region, ClusterRow.status == "ACTIVE"
    found = context.session.scalars(select(ClusterRow).where(*its).order_by(ClusterRow.created_at))
    return next((cluster for cluster in found if row.name in cluster.capacity_providers), None)


def _group(context: Context, identifier: str) -> ScalingGroup:
    """The group with this ARN or name.

    Raises:
        ClientException: there is none.

    """
    name = identifier.rpartition("autoScalingGroupName/")[2]
    groups = context.emulator.groups
    found = None if groups is None else groups.group(context.account, context.region, name)
    if found is None:
        raise ClientException(  # (unconfirmed) text
            "The specified Auto Scaling group ARN is invalid or the Auto Scaling group does not exist. "
            "Specify a valid Auto Scaling group ARN and try again."
        )
    return found


def _changed(context: Context, row: CapacityProviderRow) -> None:
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status, "provider": row.provider})
    context.wake("capacity", row.arn)
    context.wake("hosts", f"{context.account}/{context.region}")

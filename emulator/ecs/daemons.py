"""Daemons: create, update, delete, describe, list. The loop `daemons` carries out what is wanted here."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.daemon_counts import revision_detail
from emulator.ecs.daemon_request_rules import check_daemon_providers, check_request, deployment_configuration, digest_of
from emulator.ecs.daemon_rollouts import begin
from emulator.ecs.daemon_task_definitions import usable_daemon_task_definition
from emulator.ecs.errors import DaemonNotActiveException, DaemonNotFoundException, InvalidParameterException
from emulator.ecs.names import last_part
from emulator.ecs.pages import page_size, start_after
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.daemons import DaemonDeploymentRow, DaemonRevisionRow, DaemonRow, DaemonTaskDefinitionRow
from emulator.state.ecs import ClusterRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        CreateDaemonRequestTypeDef,
        DeleteDaemonRequestTypeDef,
        DescribeDaemonRequestTypeDef,
        ListDaemonsRequestTypeDef,
        UpdateDaemonRequestTypeDef,
    )

_FLAGS: Mapping[str, Any] = {
    "propagateTags": "NONE",
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "critical": True,
}


class CreateDaemonResult(TypedDict):
    """The new daemon and its first deployment."""

    daemonArn: str
    status: str
    createdAt: datetime
    deploymentArn: str


class DaemonChangeResult(CreateDaemonResult):
    """A daemon and the deployment that was begun."""

    updatedAt: datetime


def create_daemon(context: Context, request: "CreateDaemonRequestTypeDef") -> CreateDaemonResult:
    """Want one task on each host of the capacity providers."""
    check_request(request)
    cluster = find_cluster(context, request.get("clusterArn"))
    name, digest, token = request["daemonName"], digest_of(request), request.get("clientToken")
    arn = context.arn("ecs", f"daemon/{cluster.name}/{name}")
    earlier = context.session.get(DaemonRow, arn)
    if earlier is not None:
        if token is not None and (earlier.client_token, earlier.request_digest) == (token, digest):
            return _created(earlier)
        raise InvalidParameterException("A daemon with this name already exists in the cluster.")  # (unconfirmed) text
    definition = usable_daemon_task_definition(context, request["daemonTaskDefinitionArn"])
    providers = check_daemon_providers(context, cluster, request["capacityProviderArns"])
    configuration = deployment_configuration(None, request.get("deploymentConfiguration"))
    daemon = DaemonRow(
        arn=arn,
        account=context.account,
        region=context.region,
        cluster_arn=cluster.arn,
        name=name,
        status="ACTIVE",
        revision_arn="",
        deployment_arn="",
        halted=False,
        failures={},
        client_token=token,
        request_digest=digest,
        created_at=context.now,
        updated_at=context.now,
        tags=check_tags(request.get("tags", [])),
    )
    context.session.add(daemon)
    context.record(Kind.STATE_CHANGE, arn, {"status": daemon.status}, scope=cluster.arn)
    begin(context, daemon, _revision(definition, providers, _FLAGS, request), configuration)
    return _created(daemon)


def update_daemon(context: Context, request: "UpdateDaemonRequestTypeDef") -> DaemonChangeResult:
    """Begin a deployment of another revision; one that goes on is stopped."""
    daemon = _active(context, request["daemonArn"])
    cluster = context.session.get_one(ClusterRow, daemon.cluster_arn)
    definition = usable_daemon_task_definition(context, request["daemonTaskDefinitionArn"])
    providers = check_daemon_providers(context, cluster, request["capacityProviderArns"])
    before = context.session.get_one(DaemonDeploymentRow, daemon.deployment_arn)
    flags = context.session.get_one(DaemonRevisionRow, daemon.revision_arn).body
    configuration = deployment_configuration(before.configuration, request.get("deploymentConfiguration"))
    daemon.updated_at = context.now
    begin(context, daemon, _revision(definition, providers, flags, request), configuration)
    return {**_created(daemon), "updatedAt": daemon.updated_at}


def _revision(
    definition: DaemonTaskDefinitionRow, providers: list[str], flags: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """What a revision keeps; flags that are left out stay as they were (unconfirmed)."""
    containers = definition.body["containerDefinitions"]
    return {
        "daemonTaskDefinitionArn": definition.arn,
        "capacityProviderArns": providers,
        "containerImages": [{"containerName": item["name"], "image": item["image"]} for item in containers],
        **{member: asked.get(member, flags[member]) for member in _FLAGS},
    }


def delete_daemon(context: Context, request: "DeleteDaemonRequestTypeDef") -> DaemonChangeResult:
    """Want the daemon and its tasks gone."""
    daemon = _active(context, request["daemonArn"])
    before = context.session.get_one(DaemonDeploymentRow, daemon.deployment_arn)
    revision = context.session.get_one(DaemonRevisionRow, daemon.revision_arn)
    daemon.status, daemon.updated_at = "DELETE_IN_PROGRESS", context.now
    context.record(Kind.STATE_CHANGE, daemon.arn, {"status": daemon.status}, scope=daemon.cluster_arn)
    begin(context, daemon, revision.body, before.configuration)
    return {**_created(daemon), "updatedAt": daemon.updated_at}


def _created(daemon: DaemonRow) -> CreateDaemonResult:
    return {
        "daemonArn": daemon.arn,
        "status": daemon.status,
        "createdAt": daemon.created_at,
        "deploymentArn": daemon.deployment_arn,
    }


def find_daemon(context: Context, arn: str) -> DaemonRow:
    """The daemon of that ARN.

    Raises:
        DaemonNotFoundException: there is none in this account and region.

    """
    row = context.session.get(DaemonRow, arn)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise DaemonNotFoundException
    return row


def _active(context: Context, arn: str) -> DaemonRow:
    row = find_daemon(context, arn)
    if row.status != "ACTIVE":
        raise DaemonNotActiveException
    return row


def describe_daemon(context: Context, request: "DescribeDaemonRequestTypeDef") -> dict[str, Any]:
    """A daemon with the revisions that have tasks, and the one that is wanted."""
    row = find_daemon(context, request["daemonArn"])
    living = select(TaskRow.deployment_id).where(TaskRow.service_arn == row.arn, TaskRow.last_status != "STOPPED")
    arns = [row.revision_arn, *sorted({arn for arn in context.session.scalars(living) if arn})]
    revisions = [context.session.get_one(DaemonRevisionRow, arn) for arn in dict.fromkeys(arns)]
    return {
        "daemon": {
            "daemonArn": row.arn,
            "clusterArn": row.cluster_arn,
            "status": row.status,
            "currentRevisions": [revision_detail(context, revision) for revision in revisions],
            "deploymentArn": row.deployment_arn,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
        }
    }


class ListDaemonsResult(TypedDict):
    """A page."""

    daemonSummariesList: list[dict[str, Any]]
    nextToken: NotRequired[str]


def list_daemons(context: Context, request: "ListDaemonsRequestTypeDef") -> ListDaemonsResult:
    """A page of a cluster's daemons, by name."""
    cluster = find_cluster(context, request.get("clusterArn"))
    size = page_size(request.get("maxResults"))
    statement = select(DaemonRow).where(
        DaemonRow.cluster_arn == cluster.arn, DaemonRow.arn > start_after(request.get("nextToken"))
    )
    rows = list(context.session.scalars(statement.order_by(DaemonRow.arn)))
    wanted = set(map(last_part, request.get("capacityProviderArns", [])))
    if wanted:
        rows = [row for row in rows if wanted & _providers(context, row)]
    result: ListDaemonsResult = {"daemonSummariesList": [_summary(row) for row in rows[:size]]}
    if len(rows) > size:
        result["nextToken"] = encode_token(rows[size - 1].arn)
    return result


def _providers(context: Context, row: DaemonRow) -> set[str]:
    revision = context.session.get_one(DaemonRevisionRow, row.revision_arn)
    return set(map(last_part, revision.body["capacityProviderArns"]))


def _summary(row: DaemonRow) -> dict[str, Any]:
    return {"daemonArn": row.arn, "status": row.status, "createdAt": row.created_at, "updatedAt": row.updated_at}

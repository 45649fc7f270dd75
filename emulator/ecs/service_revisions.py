"""Service revisions: what a deployment deploys, kept as the service was when the deployment began."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.managed_resources import managed_resources
from emulator.state.ecs import DeploymentRow, ServiceRevisionRow, ServiceRow, TaskDefinitionRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import DescribeServiceRevisionsRequestTypeDef

_MOST_DESCRIBED = 20
SNAPSHOT = (
    "networkConfiguration",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "capacityProviderStrategy",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "gatewayConnectors",
)
"""Members of a service's body that belong to the revision: they come back when it does."""


def revision_arn(service_arn: str, deployment_id: str) -> str:
    """The revision that a deployment deploys; that both share their digits is (unconfirmed)."""
    return f"{service_arn.replace(':service/', ':service-revision/', 1)}/{deployment_id.rpartition('/')[2]}"


def new_revision(context: Context, service: ServiceRow, deployment: DeploymentRow) -> ServiceRevisionRow:
    """Keep the service as it is now."""
    definition = context.session.get_one(TaskDefinitionRow, service.task_definition_arn)
    body = {member: service.body[member] for member in SNAPSHOT if service.body.get(member)}
    row = ServiceRevisionRow(
        arn=revision_arn(service.arn, deployment.id),
        service_arn=service.arn,
        deployment_id=deployment.id,
        body={
            **body,
            "taskDefinition": service.task_definition_arn,
            **({} if body.get("capacityProviderStrategy") else {"launchType": service.launch_type}),
            **_resolved(deployment),
            "containerImages": [
                {"containerName": container["name"], "image": container["image"]}
                for container in definition.body["containerDefinitions"]
            ],
        },
        created_at=context.now,
    )
    context.session.add(row)
    context.session.flush()
    return row


def _resolved(deployment: DeploymentRow) -> dict[str, Any]:
    """Which target groups of the load balancers serve the revision."""
    groups = [
        {name: group[name] for name in ("targetGroupArn", "productionListenerRule") if name in group}
        for group in deployment.body.get("targetGroups", [])
    ]
    return {"resolvedConfiguration": {"loadBalancers": groups}} if groups else {}


def revision_of(context: Context, service: ServiceRow, deployment_id: str) -> ServiceRevisionRow:
    """The revision that a deployment deploys."""
    return context.session.get_one(ServiceRevisionRow, revision_arn(service.arn, deployment_id))


def restore(context: Context, service: ServiceRow, deployment_id: str) -> None:
    """Have the service ask again for what a revision was made of."""
    revision = revision_of(context, service, deployment_id)
    kept = {member: value for member, value in service.body.items() if member not in SNAPSHOT}
    service.body = {**kept, **{member: revision.body[member] for member in SNAPSHOT if member in revision.body}}
    service.task_definition_arn = revision.body["taskDefinition"]


def learn_digests(context: Context, service: ServiceRow, deployment_id: str) -> None:
    """Note which images were really pulled; known once a task of the revision runs."""
    task = context.session.scalars(
        select(TaskRow)
        .where(
            TaskRow.service_arn == service.arn, TaskRow.deployment_id == deployment_id, TaskRow.last_status == "RUNNING"
        )
        .limit(1)
    ).first()
    if task is None:
        return
    digests = {item["name"]: item["imageDigest"] for item in task.containers if item.get("imageDigest")}
    revision = revision_of(context, service, deployment_id)
    images: Sequence[Mapping[str, Any]] = revision.body["containerImages"]
    known = [
        {**image, "imageDigest": digests[image["containerName"]]} if image["containerName"] in digests else {**image}
        for image in images
    ]
    if known != images:
        revision.body = {**revision.body, "containerImages": known}


class DescribeServiceRevisionsResult(TypedDict):
    """Revisions, and what is not one."""

    serviceRevisions: list[dict[str, Any]]
    failures: list[dict[str, str]]


def describe_service_revisions(
    context: Context, request: "DescribeServiceRevisionsRequestTypeDef"
) -> DescribeServiceRevisionsResult:
    """Describe up to 20 revisions."""
    arns = check_arns("serviceRevisionArns", request["serviceRevisionArns"])
    rows = context.session.scalars(select(ServiceRevisionRow).where(ServiceRevisionRow.arn.in_(arns)))
    found = {row.arn: row for row in rows}
    services = {
        row.arn: row
        for row in context.session.scalars(
            select(ServiceRow).where(ServiceRow.arn.in_({row.service_arn for row in found.values()}))
        )
    }
    return {
        "serviceRevisions": [
            _describe(found[arn], services[found[arn].service_arn])
            | managed_resources(context, services[found[arn].service_arn])
            for arn in arns
            if arn in found
        ],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in found],
    }


def check_arns(member: str, arns: Sequence[str]) -> list[str]:
    """What a Describe call names: between one and 20."""
    if not 1 <= len(arns) <= _MOST_DESCRIBED:
        # (unconfirmed) text
        raise InvalidParameterException(f"{member} must have between 1 and {_MOST_DESCRIBED} elements.")
    return list(dict.fromkeys(arns))


def _describe(row: ServiceRevisionRow, service: ServiceRow) -> dict[str, Any]:
    return {
        **row.body,
        "serviceRevisionArn": row.arn,
        "serviceArn": row.service_arn,
        "clusterArn": service.cluster_arn,
        "guardDutyEnabled": False,
        "createdAt": row.created_at,
    }

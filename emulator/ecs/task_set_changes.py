"""What becomes of task sets, whoever asks: an EXTERNAL controller through ECS's operations, or CodeDeploy."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.cluster_capacity_providers import chosen_strategy
from emulator.ecs.service_documents import task_sets_of
from emulator.ecs.service_rules import check_runnable, definition_of, launch_type_of, run_members
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ServiceRow, TaskSetRow

CODE_DEPLOY = "CODE_DEPLOY"


def add_task_set(
    context: Context,
    cluster: ClusterRow,
    service: ServiceRow,
    request: Mapping[str, Any],
    scale: float = 100.0,
    token: str | None = None,
) -> TaskSetRow:
    """A task set as `request` (members of CreateTaskSet's) describes it; ACTIVE, not the primary one.

    Raises:
        AwsError: what it asks for does not go together or does not exist.

    """
    launch_type = launch_type_of(cluster, request)
    definition = definition_of(context, request["taskDefinition"])
    body = run_members(request, launch_type)
    if request.get("loadBalancers"):
        body["loadBalancers"] = [dict(item) for item in request["loadBalancers"]]
    strategy = chosen_strategy(cluster, request)
    compute = {"capacityProviderStrategy": strategy} if strategy else {"launchType": launch_type}
    check_runnable(context, cluster, definition, launch_type, body)
    starter = {"startedBy": request["startedBy"]} if "startedBy" in request else {}
    set_id = f"ecs-svc/{context.emulator.ids.digits19()}"
    row = TaskSetRow(
        id=set_id,
        arn=f"{service.arn.replace(':service/', ':task-set/', 1)}/{set_id}",
        service_arn=service.arn,
        cluster_arn=cluster.arn,
        status="ACTIVE",
        task_definition_arn=definition.arn,
        scale=scale,
        body={**body, "externalId": request.get("externalId", ""), **starter, **compute},
        stability="STABILIZING",
        stability_at=context.now,
        client_token=token,
        created_at=context.now,
        updated_at=context.now,
        tags=check_tags(request.get("tags", [])),
    )
    context.session.add(row)
    context.session.flush()
    changed(context, row, service)
    return row


def add_first_task_set(context: Context, cluster: ClusterRow, service: ServiceRow, request: Mapping[str, Any]) -> None:
    """What a service with the CODE_DEPLOY controller runs until its first deployment: its primary task set."""
    members = ("networkConfiguration", "platformVersion", "loadBalancers", "launchType", "capacityProviderStrategy")
    asked = {member: request[member] for member in members if member in request}
    row = add_task_set(context, cluster, service, {**asked, "taskDefinition": service.task_definition_arn})
    make_primary(context, service, row)


def make_primary(context: Context, service: ServiceRow, row: TaskSetRow) -> None:
    """Make a task set the one that serves production; the service shows its task definition from then on."""
    for other in task_sets_of(context, service.arn):
        if other.status == "PRIMARY" and other is not row:
            other.status, other.updated_at = "ACTIVE", context.now
    row.status = "PRIMARY"
    service.task_definition_arn = row.task_definition_arn
    if service.body["deploymentController"]["type"] == CODE_DEPLOY:
        shown = ("networkConfiguration", "platformVersion", "loadBalancers")
        service.body = {**service.body, **{member: row.body[member] for member in shown if member in row.body}}
    changed(context, row, service)


def drain_task_set(context: Context, service: ServiceRow, row: TaskSetRow) -> None:
    """Have a task set's tasks stopped; it goes with the last of them."""
    row.status = "DRAINING"
    changed(context, row, service)


def changed(context: Context, row: TaskSetRow, service: ServiceRow) -> None:
    """Something is wanted of a task set that was not wanted before."""
    row.updated_at = context.now
    if row.status != "DRAINING":
        row.stability, row.stability_at = "STABILIZING", context.now
    service.steady = False
    detail = {"taskSet": row.id, "status": row.status, "scale": row.scale}
    context.record(Kind.STATE_CHANGE, service.arn, detail, service.cluster_arn)
    context.wake("services", service.arn)

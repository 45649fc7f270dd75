"""The loop `daemons`: one task of each daemon on every host of its capacity providers; deployments go on as judged.

A pass is one transaction: rows are read, the pure `step` of DAEMON services decides where tasks start and stop, `judge`
what becomes of the deployment. Nothing is polled.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.daemon_failures import count_failures, held_until
from emulator.ecs.daemon_hosts import launch_on, lingering
from emulator.ecs.daemon_rollouts import Status, attend, failed, look_again, move, running
from emulator.ecs.daemon_task_definitions import finish_deletion, wake_deletions
from emulator.ecs.launch import LaunchRequest
from emulator.ecs.names import is_daemon_definition, last_part
from emulator.ecs.task_states import StopCode, request_stop
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.daemons import DaemonDeploymentRow, DaemonRevisionRow, DaemonRow, DaemonTaskDefinitionRow
from emulator.state.ecs import ClusterRow, TaskRow
from scheduler.model import Node
from scheduler.reconcile.daemon import DaemonView, step
from scheduler.reconcile.daemon_rollout import fewest_healthy
from scheduler.reconcile.service import Decision, Start, Stop, Why
from scheduler.reconcile.service_view import ServiceTask, ServiceView

_RETRY = timedelta(seconds=30)
"""When a host that had no room is asked again (unconfirmed)."""
_UP = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")


class DaemonsLoop:
    """Keys are ARNs of daemons, and of daemon task definitions that are being deleted."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.loops.add("daemons", self.handle, batch=1)

    def start(self) -> None:
        """Wake what may not be at rest."""
        with self._emulator.store.begin() as session:
            daemons = session.scalars(select(DaemonRow.arn))
            deletions = select(DaemonTaskDefinitionRow.arn).where(
                DaemonTaskDefinitionRow.status == "DELETE_IN_PROGRESS"
            )
            self._emulator.loops.wake("daemons", *daemons, *session.scalars(deletions))

    async def handle(self, arns: list[str]) -> None:
        """One step for each, in a transaction of its own."""
        for arn in arns:
            _, _, _, region, account, _ = arn.split(":", 5)
            with self._emulator.transaction(account, region) as context:
                if is_daemon_definition(arn):
                    finish_deletion(context, arn)
                    continue
                daemon = context.session.get(DaemonRow, arn)
                if daemon is not None:
                    reconcile(context, daemon)


def reconcile(context: Context, daemon: DaemonRow) -> None:
    """One step of one daemon."""
    deployment = running(context, daemon)
    count_failures(context, daemon, deployment)
    revision = context.session.get_one(DaemonRevisionRow, daemon.revision_arn)
    rows = context.session.scalars(
        select(TaskRow).where(TaskRow.service_arn == daemon.arn, TaskRow.last_status != "STOPPED")
    ).all()
    if daemon.status == "DELETE_IN_PROGRESS" and not rows:
        _end(context, daemon, deployment)
        return
    hosts = _hosts(context, daemon, revision)
    found = step(_view(context, daemon, deployment, rows, hosts))
    _carry_out(context, daemon, revision, found, hosts)
    if deployment is not None:
        unhealthy = [stop.task_arn for stop in found.stops if stop.why is Why.UNHEALTHY]
        failed(deployment, sum(row.arn in unhealthy and row.deployment_id == daemon.revision_arn for row in rows))
        if daemon.status == "ACTIVE":
            _note_digests(revision, rows)
            attend(context, daemon, deployment, len(hosts), steady=found.steady)
        elif deployment.status == Status.PENDING:
            move(context, deployment, Status.IN_PROGRESS)
    if found.look_again is not None:
        look_again(context, daemon, context.now + timedelta(seconds=found.look_again))
    if found.more:
        context.wake("daemons", daemon.arn)


def _hosts(context: Context, daemon: DaemonRow, revision: DaemonRevisionRow) -> dict[str, Node]:
    """The hosts that are to have a task: the ACTIVE ones of the revision's providers."""
    if daemon.status != "ACTIVE":
        return {}
    providers = {last_part(arn) for arn in revision.body["capacityProviderArns"]}
    nodes = context.emulator.fleets.of(context.session, daemon.cluster_arn).nodes()
    return {node.id: node for node in nodes if node.status == "ACTIVE" and node.capacity_provider in providers}


def _view(
    context: Context,
    daemon: DaemonRow,
    deployment: DaemonDeploymentRow | None,
    rows: Sequence[TaskRow],
    hosts: dict[str, Node],
) -> DaemonView:
    nodes = list(context.emulator.fleets.of(context.session, daemon.cluster_arn).nodes())
    draining = {node.id for node in nodes if node.status == "DRAINING"}
    held = held_until(context, daemon)
    if held is not None:
        look_again(context, daemon, held)
    going = [row for row in rows if row.desired_status == "STOPPED"]
    tasks = tuple(_task(context, daemon, row, draining) for row in rows if row.desired_status == "RUNNING")
    percent = 100.0 if deployment is None else deployment.configuration["drainPercent"]
    return DaemonView(
        service=ServiceView(
            len(hosts),
            tasks,
            stopping=len(going),
            still_up=sum(row.last_status in _UP for row in going),
            may_start=held is None and not daemon.halted and daemon.status == "ACTIVE",
        ),
        hosts=tuple(hosts),
        lingering=lingering(context, daemon.cluster_arn, nodes) if daemon.status == "ACTIVE" else frozenset(),
        emptying=frozenset(row.container_instance_arn or "" for row in going),
        fewest=fewest_healthy(len(hosts), percent),
    )


def _task(context: Context, daemon: DaemonRow, row: TaskRow, draining: set[str]) -> ServiceTask:
    definition = context.session.get_one(DaemonTaskDefinitionRow, row.task_definition_arn)
    checked = any("healthCheck" in container for container in definition.body["containerDefinitions"])
    runs = row.last_status == "RUNNING" and row.started_at is not None
    return ServiceTask(
        row.arn,
        primary=row.deployment_id == daemon.revision_arn,
        running_for=(context.now - row.started_at).total_seconds() if runs and row.started_at is not None else None,
        health=row.health_status if checked else None,
        zone=row.zone,
        host=row.container_instance_arn or "",
        draining=row.container_instance_arn in draining,
    )


def _carry_out(
    context: Context, daemon: DaemonRow, revision: DaemonRevisionRow, found: Decision, hosts: dict[str, Node]
) -> None:
    if found.reasons and found.actions:
        context.record(Kind.DECISION, daemon.arn, {"reasons": list(found.reasons)}, scope=daemon.cluster_arn)
    for action in found.actions:
        if isinstance(action, Stop):
            row = context.session.get_one(TaskRow, action.task_arn)
            reason = f"Stopped by daemon {daemon.name}: {action.why.value}"  # (unconfirmed) text
            request_stop(context, row, StopCode.SERVICE_SCHEDULER_INITIATED, reason)
        elif isinstance(action, Start):
            _start(context, daemon, revision, [hosts[arn] for arn in action.hosts])


def _start(context: Context, daemon: DaemonRow, revision: DaemonRevisionRow, nodes: Sequence[Node]) -> None:
    by_provider: defaultdict[str | None, list[str]] = defaultdict(list)
    for node in nodes:
        by_provider[node.capacity_provider].append(node.id)
    body = revision.body
    for provider, hosts in by_provider.items():
        request = LaunchRequest(
            cluster=context.session.get_one(ClusterRow, daemon.cluster_arn),
            task_definition=context.session.get_one(DaemonTaskDefinitionRow, body["daemonTaskDefinitionArn"]),
            count=len(hosts),
            launch_type="EC2",
            group=f"daemon:{daemon.name}",  # (unconfirmed)
            started_by=daemon.deployment_arn.rpartition("/")[2],  # (unconfirmed)
            service_arn=daemon.arn,
            deployment_id=revision.arn,
            tags=_tags(daemon, revision),
            enable_execute_command=body["enableExecuteCommand"],
            capacity_provider=provider,
        )
        result = launch_on(context, request, hosts)
        if len(result.tasks) < len(hosts):
            look_again(context, daemon, context.now + _RETRY)


def _tags(daemon: DaemonRow, revision: DaemonRevisionRow) -> list[dict[str, str]]:
    """The daemon's own where they are propagated; ECS's after them (the key `aws:ecs:daemonName` is unconfirmed)."""
    tags = list(daemon.tags) if revision.body["propagateTags"] == "DAEMON" else []
    if revision.body["enableECSManagedTags"]:
        cluster = last_part(daemon.cluster_arn)
        tags += [
            {"key": "aws:ecs:daemonName", "value": daemon.name},
            {"key": "aws:ecs:clusterName", "value": cluster},
        ]
    return tags


def _note_digests(revision: DaemonRevisionRow, rows: Sequence[TaskRow]) -> None:
    """What the revision's images are, once a task has pulled them."""
    images = revision.body["containerImages"]
    task = next((row for row in rows if row.deployment_id == revision.arn and row.last_status == "RUNNING"), None)
    if task is None or all("imageDigest" in image for image in images):
        return
    digests = {item["name"]: item["imageDigest"] for item in task.containers if item.get("imageDigest")}
    known = [
        {**image, "imageDigest": digests[image["containerName"]]} if image["containerName"] in digests else image
        for image in images
    ]
    if known != images:
        revision.body = {**revision.body, "containerImages": known}


def _end(context: Context, daemon: DaemonRow, deployment: DaemonDeploymentRow | None) -> None:
    """The last task has gone, and so does the daemon; its deployments and revisions stay known."""
    if deployment is not None:
        if deployment.status == Status.PENDING:
            move(context, deployment, Status.IN_PROGRESS)
        move(context, deployment, Status.SUCCESSFUL)
    context.record(Kind.STATE_CHANGE, daemon.arn, {"status": "DELETED"}, scope=daemon.cluster_arn)
    context.session.delete(daemon)
    context.session.flush()
    wake_deletions(context)

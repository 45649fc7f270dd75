"""What an agent says of its tasks: SubmitTaskStateChange, SubmitContainerStateChange, SubmitAttachmentStateChanges.

Every host's tasks are carried out by Ashore's own runtime, also those of hosts that came by RegisterContainerInstance: an agent
from elsewhere is never told of a task, because the protocol by which it polls for them is not emulated (DiscoverPollEndpoint
stays an explicit error). Therefore nothing that is said here changes a state. What is true already is acknowledged, as ECS does
with what it has heard before; what is not is refused with what is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.managed_agents import with_agent
from emulator.ecs.names import last_part
from emulator.ecs.tasks import task_arn_of
from emulator.state.ecs import ClusterRow, TaskRow
from scheduler.reconcile.lifecycle import TaskStatus

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        SubmitAttachmentStateChangesRequestTypeDef,
        SubmitContainerStateChangeRequestTypeDef,
        SubmitTaskStateChangeRequestTypeDef,
    )

_CONTAINER_STATUSES = ("PENDING", "RUNNING", "STOPPED")


class Acknowledged(TypedDict):
    """The answer to a report that is true."""

    acknowledgment: str


_ACKNOWLEDGED: Acknowledged = {"acknowledgment": "ACCEPT"}  # (unconfirmed) text


def submit_task_state_change(context: Context, request: "SubmitTaskStateChangeRequestTypeDef") -> Acknowledged:
    """A task's status, and its containers', attachments' and managed agents'."""
    cluster = find_cluster(context, request.get("cluster"))
    row = _task(context, cluster, request.get("task"))
    status = request.get("status")
    if status is not None:
        if status not in list(TaskStatus):
            raise InvalidParameterException(f"status should be one of [{','.join(TaskStatus)}]")  # (unconfirmed) text
        _agree(row, f"its status {status}", row.last_status, holds=_reached(row, TaskStatus(status)))
    for said in request.get("containers", []):
        _check_container(row, said.get("containerName"), said)
    for attachment in request.get("attachments", []):
        _check_attachment([row], attachment)
    for agent in request.get("managedAgents", []):
        _check_agent(row, agent)
    return _ACKNOWLEDGED


def submit_container_state_change(
    context: Context, request: "SubmitContainerStateChangeRequestTypeDef"
) -> Acknowledged:
    """A container's status."""
    cluster = find_cluster(context, request.get("cluster"))
    _check_container(_task(context, cluster, request.get("task")), request.get("containerName"), request)
    return _ACKNOWLEDGED


def submit_attachment_state_changes(
    context: Context, request: "SubmitAttachmentStateChangesRequestTypeDef"
) -> Acknowledged:
    """Statuses of tasks' network interfaces."""
    cluster = find_cluster(context, request.get("cluster"))
    rows = context.session.scalars(
        select(TaskRow).where(TaskRow.cluster_arn == cluster.arn, TaskRow.network_mode == "awsvpc")
    ).all()
    for attachment in request["attachments"]:
        _check_attachment(rows, attachment)
    return _ACKNOWLEDGED


def _task(context: Context, cluster: ClusterRow, name: str | None) -> TaskRow:
    row = context.session.get(TaskRow, task_arn_of(context, cluster, name)) if name else None
    if row is None or row.cluster_arn != cluster.arn:
        raise InvalidParameterException("The referenced task was not found.")
    return row


def _reached(row: TaskRow, status: TaskStatus) -> bool:
    """Whether the task is there, or was on its way: reports may come late."""
    order = list(TaskStatus)
    if order.index(status) > order.index(TaskStatus(row.last_status)):
        return False
    return status is not TaskStatus.RUNNING or row.started_at is not None


def _check_container(row: TaskRow, name: str | None, said: Mapping[str, Any]) -> None:
    found = _container(row, name)
    status, known = said.get("status"), found["lastStatus"]
    if status is not None:
        if status not in _CONTAINER_STATUSES:
            raise InvalidParameterException(
                f"status should be one of [{','.join(_CONTAINER_STATUSES)}]"
            )  # (unconfirmed)
        holds = status in (known, "PENDING") or (status == "RUNNING" and "runtimeId" in found)
        _agree(row, f"container {name} {status}", known, holds=holds)
    for member in ("runtimeId", "exitCode", "imageDigest"):
        if member in said:
            value = said[member]
            _agree(row, f"{member} of container {name} {value}", found.get(member), holds=value == found.get(member))


def _container(row: TaskRow, name: str | None) -> dict[str, Any]:
    found = next((document for document in row.containers if document["name"] == name), None)
    if found is None:
        raise InvalidParameterException(f"The container {name} does not exist in the task.")  # (unconfirmed) text
    return found


def _check_attachment(rows: Sequence[TaskRow], said: Mapping[str, Any]) -> None:
    wanted = last_part(said["attachmentArn"])
    for row, attachment in _attachments(rows):
        if attachment["id"] == wanted:
            known = attachment["status"]
            _agree(row, f"attachment {wanted} {said['status']}", known, holds=said["status"] == known)
            return
    raise InvalidParameterException("The referenced attachment was not found.")  # (unconfirmed) text


def _attachments(rows: Sequence[TaskRow]) -> Iterator[tuple[TaskRow, Mapping[str, Any]]]:
    for row in rows:
        for attachment in row.attachments:
            yield row, attachment


def _check_agent(row: TaskRow, said: Mapping[str, Any]) -> None:
    name = said["containerName"]
    container = _container(row, name)
    known = with_agent(container)["managedAgents"][0]["lastStatus"] if row.enable_execute_command else None
    _agree(
        row, f"{said['managedAgentName']} of container {name} {said['status']}", known, holds=said["status"] == known
    )


def _agree(row: TaskRow, said: str, known: object, *, holds: bool) -> None:
    """Refuse what is not so.

    Raises:
        ClientException: it says what is known.

    """
    if not holds:
        raise ClientException(
            f"Task {row.id} is carried out by Ashore's own runtime, so an agent cannot say {said}: "
            f"known is {'nothing' if known is None else known}."
        )

"""ExecuteCommand, and Session Manager's ResumeSession and TerminateSession, which the CLI's plugin sends to the same endpoint.

A request only opens a session; the process starts when the client has connected (`api/routes/exec_channel.py`).
"""

import secrets
from typing import TYPE_CHECKING, Any

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.errors import ClientException, DoesNotExistException, InvalidParameterException
from emulator.ecs.exec_sessions import TOKEN_LIVES, ExecSession, new_token
from emulator.ecs.tasks import task_arn_of
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, TaskRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import ExecuteCommandRequestTypeDef

_NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command agent "
    "isn't running. Wait and try again or run a new task with execute command enabled and try again."
)
_NO_PROCESS = (
    "The simulated runtime runs no processes, so there is none to execute a command beside. "
    "Start the emulator with `ashore start --runtime docker` and run the task again."
)


def execute_command(context: Context, request: "ExecuteCommandRequestTypeDef") -> dict[str, Any]:
    """Open a session with a container of a task that was started with enableExecuteCommand."""
    cluster = find_cluster(context, request.get("cluster"))
    if not request["interactive"]:
        raise InvalidParameterException("Interactive is the only mode supported currently.")  # (unconfirmed) text
    if not request["command"].strip():
        raise InvalidParameterException("Command cannot be empty.")  # (unconfirmed) text
    row = _task(context, cluster, request["task"])
    container = _container(row, request.get("container"))
    if not row.enable_execute_command:
        raise InvalidParameterException(_NOT_ENABLED)
    if context.emulator.runtime.kind == "simulated":
        raise ClientException(_NO_PROCESS)
    if row.desired_status == "STOPPED" or container["lastStatus"] != "RUNNING":
        raise InvalidParameterException(_NOT_ENABLED)
    token, digest = new_token()
    session = ExecSession(
        id=f"ecs-execute-command-{secrets.token_hex(13)[:25]}",
        account=row.account,
        region=row.region,
        cluster_arn=row.cluster_arn,
        task_arn=row.arn,
        container_name=container["name"],
        command=request["command"],
        token_digest=digest,
        token_until=context.now + TOKEN_LIVES,
    )
    context.after_commit(lambda: context.emulator.exec_sessions.add(session))
    detail = {"execSession": session.id, "container": session.container_name}
    context.record(Kind.STATE_CHANGE, row.arn, detail, row.cluster_arn)
    return {
        "clusterArn": row.cluster_arn,
        "containerArn": container["containerArn"],
        "containerName": container["name"],
        "interactive": True,
        "session": {
            "sessionId": session.id,
            "streamUrl": _stream_url(context, session.id),
            "tokenValue": token,
        },
        "taskArn": row.arn,
    }


def _stream_url(context: Context, session_id: str) -> str:
    return f"ws://localhost:{context.emulator.port}/v1/data-channel/{session_id}?role=publish_subscribe"


def _task(context: Context, cluster: ClusterRow, name: str) -> TaskRow:
    row = context.session.get(TaskRow, task_arn_of(context, cluster, name))
    if row is None or row.cluster_arn != cluster.arn or row.last_status == "STOPPED":
        raise InvalidParameterException("The referenced task was not found.")
    return row


def _container(row: TaskRow, name: str | None) -> dict[str, Any]:
    if name is None:
        if len(row.containers) > 1:
            raise InvalidParameterException(
                "Container name must be specified when the task has more than one container."  # (unconfirmed) text
            )
        return row.containers[0]
    found = next((document for document in row.containers if document["name"] == name), None)
    if found is None:
        raise InvalidParameterException(f"The container {name} does not exist in the task.")  # (unconfirmed) text
    return found


def resume_session(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new token for a session whose connection broke."""
    session = _session(context, request["SessionId"])
    token = context.emulator.exec_sessions.renew(session, context.now)
    return {"SessionId": session.id, "TokenValue": token, "StreamUrl": _stream_url(context, session.id)}


def terminate_session(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """End a session and its process."""
    session = _session(context, request["SessionId"])
    context.after_commit(session.terminate)
    context.after_commit(lambda: context.emulator.exec_sessions.forget(session.id))
    return {"SessionId": session.id}


def _session(context: Context, session_id: str) -> ExecSession:
    session = context.emulator.exec_sessions.find(session_id)
    if session is None or (session.account, session.region) != (context.account, context.region):
        raise DoesNotExistException(f"Session {session_id} does not exist.")  # (unconfirmed) text
    return session


SESSION_MANAGER = {"ResumeSession": resume_session, "TerminateSession": terminate_session}
"""The operations of SSM that the session-manager-plugin calls."""

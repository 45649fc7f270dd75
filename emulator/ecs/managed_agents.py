"""`managedAgents`: whether a container can be attached to by ECS Exec.

No agent is started beside a container: the engine attaches to a running one by itself, so the agent runs exactly as long as the
container does. Where containers are only simulated there is nothing to attach to, and the agent is told STOPPED with the reason.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_NAME = "ExecuteCommandAgent"
_NO_PROCESS = "The simulated runtime runs no processes."


def agent_started(at: datetime, runtime_kind: str) -> dict[str, str]:
    """What is kept with a container that has begun to run."""
    if runtime_kind == "simulated":
        return {"reason": _NO_PROCESS}
    return {"lastStartedAt": at.isoformat()}


def with_agent(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container of a task with enableExecuteCommand, as DescribeTasks shows it."""
    kept = container.get("execAgent")
    agent: dict[str, Any] = {"name": _NAME, "lastStatus": _status(container["lastStatus"], kept)}
    if kept and "lastStartedAt" in kept:
        agent["lastStartedAt"] = datetime.fromisoformat(kept["lastStartedAt"])
    if kept and "reason" in kept:
        agent["reason"] = kept["reason"]
    return {
        **{member: value for member, value in container.items() if member != "execAgent"},
        "managedAgents": [agent],
    }


def _status(container_status: str, kept: Mapping[str, str] | None) -> str:
    if container_status == "STOPPED" or (kept and "reason" in kept):
        return "STOPPED"
    return "RUNNING" if container_status == "RUNNING" else "PENDING"

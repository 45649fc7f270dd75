"""Finds the decision record that answers "why is it there?" and tells it in words."""

from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.errors import AwsError
from emulator.state.ecs import ServiceRow, TaskRow
from emulator.state.journal import DecisionRow
from scheduler.decisions import explain as in_words


def explain(context: Context, target: str, cluster: str) -> dict[str, Any] | None:
    """The newest decision about a task (id or ARN) or a service (name or ARN); None where neither is known."""
    try:
        cluster_arn = find_cluster(context, cluster).arn
    except AwsError:
        return None
    name = target.rpartition("/")[2]
    task = context.session.scalars(
        select(TaskRow).where(TaskRow.cluster_arn == cluster_arn, TaskRow.id == name)
    ).first()
    if task is not None:
        return _document(context, task.arn, DecisionRow.subject == task.arn, _state_of(task))
    service = context.session.scalars(
        select(ServiceRow).where(ServiceRow.cluster_arn == cluster_arn, ServiceRow.name == name)
    ).first()
    if service is None:
        return None
    state = f"Service {service.name} is {service.status}, {service.desired_count} tasks wanted."
    return _document(context, service.arn, DecisionRow.scope == service.arn, state)


def _state_of(task: TaskRow) -> str:
    text = f"Task {task.id} is {task.last_status}"
    if task.stopped_reason:
        text += f" ({task.stop_code}: {task.stopped_reason})"
    reasons = [f"container {c['name']}: {c['reason']}" for c in task.containers if c.get("reason")]
    return ". ".join([text, *reasons]) + "."


def _document(context: Context, arn: str, condition: Any, state: str) -> dict[str, Any]:
    row = context.session.scalars(select(DecisionRow).where(condition).order_by(DecisionRow.at.desc()).limit(1)).first()
    told = "No placement was decided yet." if row is None else in_words(row.body)
    return {
        "arn": arn,
        "decisionId": row and row.id,
        "at": row and row.at.isoformat(),
        "decision": row and row.body,
        "text": f"{state}\n{told}",
    }

"""Finds the decision record that answers "why is it there?" and tells it in words."""

import re
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.environment_explanations import explain_environment
from emulator.beanstalk.environment_finding import by_id, by_name
from emulator.beanstalk.environment_views import arn_of
from emulator.context import Context
from emulator.ecs.clusters import find_cluster
from emulator.ecs.daemon_explanations import explain_daemon
from emulator.ecs.service_explanations import explain_service
from emulator.errors import AwsError
from emulator.state.daemons import DaemonRow
from emulator.state.ecs import ServiceRow, TaskRow
from emulator.state.journal import DecisionRow
from scheduler.decisions import explain as in_words

_ENVIRONMENT = re.compile(r"e-[a-z0-9]{10}$|arn:[^:]*:elasticbeanstalk:")
_IN_CLUSTER = re.compile(r"arn:[^:]*:ecs:[^:]*:[^:]*:(?:task|service|daemon)/(?P<cluster>[^/]+)/")


def explain(context: Context, target: str, cluster: str) -> dict[str, Any] | None:
    """The newest decision about a task (id or ARN) or a service or daemon (name or ARN), or what an environment of Elastic
    Beanstalk does (id, name or ARN), or the newest decision about tasks of a family or group, or of a RunTask call (its
    request id), also where nothing was placed; None where none is known. They are looked for in this order. An ARN says
    itself in which cluster.
    """
    if _ENVIRONMENT.match(target):
        return _of_environment(context, target)
    named = _IN_CLUSTER.match(target)
    return (
        _of_ecs(context, target, named["cluster"] if named else cluster)
        or _of_environment(context, target)
        or _of_group(context, target, cluster)
    )


def _of_group(context: Context, target: str, cluster: str) -> dict[str, Any] | None:
    try:
        cluster_arn = find_cluster(context, cluster).arn
    except AwsError:
        return None
    group = DecisionRow.body["group"].as_string()
    row = context.session.scalars(
        select(DecisionRow)
        .where(
            DecisionRow.cluster_arn == cluster_arn,
            group.in_([target, f"family:{target}"]) | (DecisionRow.subject == f"run-task/{target}"),
        )
        .order_by(DecisionRow.at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return _document(context, row.subject, DecisionRow.id == row.id, f"Decided at {row.at.isoformat()}.")


def _of_environment(context: Context, target: str) -> dict[str, Any] | None:
    name = target.rpartition("/")[2]
    row = by_id(context, name) or by_name(context, name)
    if row is None:
        return None
    text = "\n".join(explain_environment(context, row))
    return {"arn": arn_of(context, row), "decisionId": None, "at": None, "decision": None, "text": text}


def _of_ecs(context: Context, target: str, cluster: str) -> dict[str, Any] | None:
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
        return _of_daemon(context, cluster_arn, name)
    state = "\n".join(explain_service(context, service))
    return _document(context, service.arn, DecisionRow.scope == service.arn, state)


def _of_daemon(context: Context, cluster_arn: str, name: str) -> dict[str, Any] | None:
    daemon = context.session.scalars(
        select(DaemonRow).where(DaemonRow.cluster_arn == cluster_arn, DaemonRow.name == name)
    ).first()
    if daemon is None:
        return None
    return _document(context, daemon.arn, DecisionRow.scope == daemon.arn, "\n".join(explain_daemon(context, daemon)))


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

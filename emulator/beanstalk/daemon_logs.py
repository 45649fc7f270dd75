"""`/var/log/aws-sqsd/default.log` of a worker's instance: what the daemon has really done there, as the journal tells it.

Written from memory of the daemon's own log; that it has these lines, and their form, is (unconfirmed).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.workers import is_worker, queues_of
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.journal import JournalRow
from scheduler.beanstalk.worker_messages import instant

PATH = "var/log/aws-sqsd/default.log"
_OK = 200


def daemon_log(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> str | None:
    """The whole file; None: no daemon runs on an instance of this tier, or it has no queue yet."""
    if not is_worker(row) or not queues_of(row):
        return None
    subject, environment = f"elasticbeanstalk:instance/{item.id}", f"elasticbeanstalk:environment/{row.id}"
    posts = JournalRow.subject == subject, JournalRow.kind == Kind.STATE_CHANGE
    elections = JournalRow.subject == environment, JournalRow.kind == Kind.DECISION
    found = [
        entry
        for conditions in (posts, elections)
        for entry in context.session.scalars(select(JournalRow).where(*conditions))
    ]
    found.sort(key=lambda entry: entry.seq)
    return "".join(f"{line}\n" for entry in found for line in daemon_lines(item.id, entry.at, entry.detail))


def daemon_lines(instance_id: str, at: datetime, detail: Mapping[str, Any]) -> Iterator[str]:
    """What an entry of the journal comes to in the log of an instance."""
    when = instant(at)
    if "message" in detail:
        yield f"{when} {_posted(detail)}"
    for task in detail.get("periodic_tasks", ()):
        due = instant(datetime.fromisoformat(task["at"]))
        yield f"{when} scheduler: job '{task['name']}' that was due at {due} is in the queue"
    if "leader" in detail and instance_id in {detail["leader"], detail["before"]}:
        word = "is leader" if detail["leader"] == instance_id else "is leader no longer"
        yield f"{when} leader-election: {instance_id} {word}"


def _posted(detail: Mapping[str, Any]) -> str:
    """An application stands behind port 80 of its instance, where the daemon has it."""
    status, received = detail["status"], detail["headers"].get("X-Aws-Sqsd-Receive-Count", "")
    if status == _OK:
        return f"message: sent to http://localhost:80{detail['path']} {detail['message']} ({received})"
    what = "socket-err" if status is None else "http-err"
    said = "no answer" if status is None else str(status)
    took = f" - {detail['seconds']:.3f}" if "seconds" in detail else ""
    return f"{what}: {detail['message']} ({received}) {said}{took}"

"""Periodic tasks of worker environments: one instance leads, and what its `cron.yaml` has due goes into the queue.

The leader's row says until when everything is in the queue. It is written after the messages are; a task that is due again
because the server died between the two is found in the queue, and not put there twice.
"""

from collections.abc import Mapping
from datetime import datetime

from emulator.beanstalk.instances import living
from emulator.beanstalk.workers import Worker
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.worker_ports import WorkerQueues
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, PeriodicTasksRow
from scheduler.beanstalk.cron import Expression, due, leader, next_due, parse
from scheduler.beanstalk.model import Command
from scheduler.beanstalk.worker_messages import BODY, task_attributes


class PeriodicTasks:
    """Puts them into queues."""

    def __init__(self, emulator: Emulator, queues: WorkerQueues) -> None:
        self._emulator, self._queues = emulator, queues

    def look(self, worker: Worker) -> datetime | None:
        """Put what is due into the queue and see who leads from now on; when the next task is due.

        A FIFO queue gets none: Elastic Beanstalk has no periodic tasks there.
        """
        if worker.queue.fifo:
            return None
        now = self._emulator.clock.now()
        with self._emulator.transaction(worker.place.account, worker.place.region) as context:
            row = context.session.get(PeriodicTasksRow, worker.id)
            urls, expressions = _tasks(context, worker.id, row.deployment if row is not None else 0)
            falls = due(expressions, row.looked_at, now) if row is not None and row.leader is not None else ()
        for one in falls:
            self._queues.put(worker.queue, BODY, task_attributes(one.name, urls[one.name], one.at))
        with self._emulator.transaction(worker.place.account, worker.place.region) as context:
            row = _elected(context, worker.id, now)
            if falls:
                row.looked_at = now
                detail = {"periodic_tasks": [{"name": one.name, "at": one.at.isoformat()} for one in falls]}
                subject, scope = f"elasticbeanstalk:instance/{row.leader}", f"elasticbeanstalk:environment/{worker.id}"
                context.record(Kind.STATE_CHANGE, subject, detail, scope)
            if row.leader is None:
                return None
            _, expressions = _tasks(context, worker.id, row.deployment)
        return next_due(expressions, now)

    @staticmethod
    def forget(context: Context, environment_id: str) -> None:
        """Nobody leads an environment that has no queue."""
        row = context.session.get(PeriodicTasksRow, environment_id)
        if row is not None:
            context.session.delete(row)


def _elected(context: Context, environment_id: str, now: datetime) -> PeriodicTasksRow:
    """The row with the leader and the deployment that hold from now on."""
    row = context.session.get(PeriodicTasksRow, environment_id)
    if row is None:
        row = PeriodicTasksRow(environment_id=environment_id, leader=None, deployment=0, looked_at=now)
        context.session.add(row)
    items = {item.id: item for item in living(context, environment_id) if _leads(item, row.leader)}
    chosen = leader(row.leader, items)
    item = items.get(chosen or "")
    deployment = item.deployment if item is not None and item.command == Command.SUCCEEDED else row.deployment
    if (chosen, deployment) != (row.leader, row.deployment):
        detail = {"leader": chosen, "before": row.leader, "deployment": deployment}
        context.record(Kind.DECISION, f"elasticbeanstalk:environment/{environment_id}", detail)
        row.leader, row.deployment, row.looked_at = chosen, deployment, now
    return row


def _leads(item: BeanstalkInstanceRow, present: str | None) -> bool:
    """It has the application, or leads already and is being told another deployment."""
    return not item.leaving and (item.command == Command.SUCCEEDED or item.id == present)


def _tasks(context: Context, environment_id: str, number: int) -> tuple[Mapping[str, str], Mapping[str, Expression]]:
    """Name → path, and name → expression, of a deployment's `cron.yaml`."""
    found = context.session.get(DeploymentRow, (environment_id, number))
    tasks = (found.outcome if found is not None else {}).get("periodic", [])
    return {task["name"]: task["url"] for task in tasks}, {task["name"]: parse(task["schedule"]) for task in tasks}

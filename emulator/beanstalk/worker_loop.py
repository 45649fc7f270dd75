"""The loop `workers` (key: environment id): the daemon of the worker tier, for all instances of an environment.

It receives as many messages as its instances have connections free, posts each to one of them beside the loop, and tells the queue
what the answers mean. What is under way is kept in memory only: after a crash a message is visible again when its VisibilityTimeout
has passed, and nothing has been deleted that was not answered 200.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select

from emulator.balancer.ports import Traffic
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.worker_cron import PeriodicTasks
from emulator.beanstalk.worker_posts import hand_over
from emulator.beanstalk.workers import Target, Worker, is_worker, worker_of
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.worker_ports import Queue, Received, WorkerQueues
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.request_statistics import latency_step
from scheduler.beanstalk.worker_messages import Fate, Post, Verdict, hand_out, is_expired, judge, post

_LOG = structlog.get_logger()
LOOP = "workers"


@dataclass(frozen=True, slots=True)
class _Answered:
    """A message that was posted."""

    queue: Queue
    received: Received
    target: Target
    post: Post
    status: int | None
    verdict: Verdict
    seconds: float
    """Until the answer."""


class WorkersLoop:
    """Hands messages over.

    Args:
        emulator: the server.
        queues: where messages come from.

    """

    def __init__(self, emulator: Emulator, queues: WorkerQueues) -> None:
        self._emulator, self.queues = emulator, queues
        self._periodic = PeriodicTasks(emulator, queues)
        self._known: dict[str, Queue] = {}
        """Environments of the tier that have a queue."""
        self.under_way: dict[str, Counter[str]] = {}
        """Environment → instance → requests that are under way."""
        self._answered: dict[str, list[_Answered]] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._planned: dict[str, datetime] = {}
        self.traffic: dict[str, Traffic] = {}
        """Instance → all that its application was posted since the server started."""
        self._loop = emulator.loops.add(LOOP, self.handle)
        emulator.neighbours.watch_queues(self._queues_changed)

    def start(self) -> None:
        """Look at every environment of the tier."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(EnvironmentRow).where(EnvironmentRow.status != Status.TERMINATED))
            ids = [row.id for row in rows if is_worker(row)]
        self._loop.wake(*ids)

    def _queues_changed(self) -> None:
        for key, queue in self._known.items():
            if self.queues.depth(queue):
                self._loop.wake(key)
            else:
                self._plan(key, self.queues.next_visible(queue))

    async def stop(self) -> None:
        """Leave what is under way: it is visible again later."""
        posts = list(self._posts)
        for task in posts:
            task.cancel()
        await asyncio.gather(*posts, return_exceptions=True)

    async def handle(self, keys: list[str]) -> None:
        """Look at each environment."""
        for key in keys:
            self._tell(key)
            worker = self._worker(key)
            if worker is not None:
                following = self._periodic.look(worker)
                self._take(worker)
                self._plan(key, following, self.queues.next_visible(worker.queue))

    def _worker(self, key: str) -> Worker | None:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            place = None if row is None or not is_worker(row) else (row.account, row.region)
        if place is None:
            self._forget(key)
            return None
        with self._emulator.transaction(*place) as context:
            row = context.session.get_one(EnvironmentRow, key)
            found = worker_of(context, row)
            if found is None:
                self._periodic.forget(context, key)
                self._forget(key)
            else:
                self._known[key] = found.queue
            return found

    def _forget(self, key: str) -> None:
        self._known.pop(key, None)
        self._planned.pop(key, None)
        if not any(self.under_way.get(key, {}).values()):
            self.under_way.pop(key, None)

    def _plan(self, key: str, *instants: datetime | None) -> None:
        now = self._emulator.clock.now()
        when = min((at for at in instants if at is not None), default=None)
        planned = self._planned.get(key)
        if when is not None and (planned is None or when < planned or planned <= now):
            self._planned[key] = when
            self._loop.wake_at(key, when)

    # messages

    def _take(self, worker: Worker) -> None:
        """Receive and post while there are messages and connections."""
        busy = self.under_way.setdefault(worker.id, Counter())
        targets = {target.instance_id: target for target in worker.targets}
        while chosen := hand_out({one: busy[one] for one in targets}, worker.settings.connections):
            wanted = 1 if worker.queue.fifo else len(chosen)  # of one group two must not be under way at a time
            found = self.queues.receive(worker.queue, wanted, worker.settings.visibility_timeout)
            for received, instance_id in zip(found, chosen, strict=False):
                self._begin(worker, targets[instance_id], received)
            if len(found) < wanted:
                return

    def _begin(self, worker: Worker, target: Target, received: Received) -> None:
        if is_expired(received.message, worker.settings, self._emulator.clock.now()):
            self.queues.delete(worker.queue, [received.receipt])
            return
        self.under_way[worker.id][target.instance_id] += 1
        task = asyncio.create_task(self._post(worker, target, received), name=f"post {received.message.id}")
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, worker: Worker, target: Target, received: Received) -> None:
        request, status = post(received.message, worker.settings), None
        began = self._emulator.clock.now()
        try:
            status = await hand_over(self._emulator, target, request, worker.settings)
        except Exception:  # noqa: BLE001 - the task's outermost frame: our bug, told as no answer
            _LOG.exception("a message could not be posted", environment=worker.id, message=received.message.id)
        self.under_way[worker.id][target.instance_id] -= 1
        seconds = (self._emulator.clock.now() - began).total_seconds()
        if status is not None:
            self._count(target.instance_id, status, seconds)
        verdict = judge(status, worker.settings)
        answered = _Answered(worker.queue, received, target, request, status, verdict, seconds)
        self._answered.setdefault(worker.id, []).append(answered)
        self._loop.wake(worker.id)

    def _count(self, instance_id: str, status: int, seconds: float) -> None:
        traffic, step = self.traffic.setdefault(instance_id, Traffic()), latency_step(seconds)
        traffic.requests += 1
        traffic.seconds += seconds
        traffic.statuses[status] = traffic.statuses.get(status, 0) + 1
        traffic.latencies[step] = traffic.latencies.get(step, 0) + 1

    def _tell(self, key: str) -> None:
        """Tell the queue, then the journal, what has become of messages."""
        answered = self._answered.pop(key, [])
        if not answered:
            return
        told: dict[tuple[Queue, Verdict], list[str]] = {}
        for one in answered:
            told.setdefault((one.queue, one.verdict), []).append(one.received.receipt)
        for (queue, verdict), receipts in told.items():
            if verdict.fate is Fate.DELETE:
                self.queues.delete(queue, receipts)
            else:
                self.queues.show_again(queue, receipts, verdict.seconds)
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            place = (row.account, row.region) if row is not None else None
        if place is not None:
            with self._emulator.transaction(*place) as context:
                for one in answered:
                    subject = f"elasticbeanstalk:instance/{one.target.instance_id}"
                    context.record(Kind.STATE_CHANGE, subject, self._detail(one), f"elasticbeanstalk:environment/{key}")

    def _detail(self, one: _Answered) -> dict[str, Any]:
        again = f"visible again in {one.verdict.seconds} seconds"
        return {
            "path": one.post.path,
            "status": one.status,
            "seconds": one.seconds,
            "becomes": "deleted" if one.verdict.fate is Fate.DELETE else again,
            "simulated": self._emulator.runtime.kind == "simulated",
            "message": one.received.message.id,
            "queue": one.queue.name,
            "headers": dict(one.post.headers),
        }

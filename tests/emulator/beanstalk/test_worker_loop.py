"""The daemon against any sequence of messages, failures and crashes: nothing is lost, only what was answered 200 is deleted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from emulator.beanstalk.worker_loop import WorkersLoop
from emulator.emulator import Emulator
from emulator.neighbours.environment_ports import Place, QueueSpec
from emulator.neighbours.queues import EnvironmentQueues
from emulator.neighbours.worker_ports import Queue
from emulator.neighbours.worker_queues import MotoWorkerQueues
from emulator.neighbours.world import MotoWorld
from emulator.runtime.scripts import Script
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.journal import JournalRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, START, add_hosts, add_task, control_plane

if TYPE_CHECKING:
    from emulator.runtime.simulated import SimulatedRuntime

PLACE = Place(ACCOUNT, REGION)
QUEUE, DEAD = Queue(PLACE, "jobs"), Queue(PLACE, "dead")
OPTIONS = {"HttpConnections": 2, "MaxRetries": 3, "VisibilityTimeout": 60, "InactivityTimeout": 40}
ID = "e-abcdefghij"


class Watched:
    """Neighbours of which only the queues are asked for."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None

    def watch_queues(self, changed: Callable[[], None]) -> None:
        self.changed = changed


class Dying(MotoWorkerQueues):
    """Queues whose server dies once, after a periodic task has been put and before that is written down."""

    dies = False

    def put(self, queue: Queue, body: str, attributes: dict[str, str]) -> bool:
        put = super().put(queue, body, attributes)
        if self.dies:
            self.dies = False
            raise InterruptedError
        return put


@dataclass
class Scene:
    """A worker with two instances and a task that is due each minute."""

    server: Emulator = field(default_factory=control_plane)
    watched: Watched = field(default_factory=Watched)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.neighbours = cast("Any", self.watched)
        self.world = MotoWorld(self.server.clock, "000000000000", None)
        spec = QueueSpec("jobs", "dead", visibility_timeout=60, retention=345600, max_receives=3)
        EnvironmentQueues(self.world).ensure_queues(PLACE, spec, {})
        self.queues = Dying(self.world)
        hosts = add_hosts(self.server, 2)
        with self.server.transaction(ACCOUNT, REGION) as context:
            context.session.add_all([environment(context.now), deployment(context.now)])
            for number, host in enumerate(hosts):
                bindings = [{"bindIP": "127.0.0.1", "containerPort": 80, "hostPort": 8000, "protocol": "tcp"}]
                task = add_task(
                    context, host, containers=[{"name": "a", "image": "web:1", "networkBindings": bindings}]
                )
                context.session.add(instance(f"i-{number}", host, task.arn, context.now))
        self.loop = WorkersLoop(self.server, self.queues)

    async def begin(self) -> None:
        self.loop.start()
        self.server.loops.start()
        await self.advance(0)

    async def advance(self, seconds: float) -> None:
        await self.server.clock.advance(timedelta(seconds=seconds), self.server.loops.settle)

    async def end(self) -> None:
        await self.server.loops.stop()
        await self.loop.stop()

    async def crash(self) -> None:
        """What is in memory is gone."""
        await self.end()
        self.loop = WorkersLoop(self.server, self.queues)
        await self.begin()

    def answers(self, status: int, after: float) -> None:
        cast("SimulatedRuntime", self.server.runtime).scripts.set("*", Script(answers=status, answers_after=after))

    def send(self) -> None:
        with self.world.lock:
            sqs = self.world.backend("sqs", ACCOUNT, REGION)
            self.sent.append(str(sqs.send_message("jobs", "work").id))
        self.watched.changed()

    def posted(self) -> list[dict[str, Any]]:
        """What became of each post that was answered or not."""
        with self.server.store.begin() as session:
            return [found for found in session.scalars(select(JournalRow.detail)) if "message" in found]

    def dead(self) -> dict[str, str]:
        """Messages in the dead-letter queue: their ids, and of periodic tasks the time they were due."""
        found = self.queues.receive(DEAD, 1000, 0)
        return {one.message.id: one.message.attributes.get(_TIME, ("", ""))[1] for one in found}


_TIME = "beanstalk.sqsd.scheduled_time"


def environment(now: datetime) -> EnvironmentRow:
    options = [
        {"Namespace": "aws:elasticbeanstalk:sqsd", "OptionName": name, "Value": str(value)}
        for name, value in OPTIONS.items()
    ]
    return EnvironmentRow(
        id=ID, account=ACCOUNT, region=REGION, application="shop", name="jobs", group_name=None, description=None,
        tier={"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"}, platform_arn="", status="Ready", abortable=False,
        version_label="v1", cname=None, endpoint_url=None, settings=options, bundle_settings=[], draft=None, links=[],
        operations_role=None, operation=None, deployment=1, next_deployment=2, generation=1,
        resources={"queues": {"WorkerQueue": "jobs", "WorkerDeadLetterQueue": "dead"}}, health={}, last_event_at=None,
        created_at=now, updated_at=now, terminated_at=None, tags=[],
    )  # fmt: skip


def deployment(now: datetime) -> DeploymentRow:
    return DeploymentRow(
        environment_id=ID, number=1, version_label="v1", bucket=None, key=None, platform_arn="", settings=[],
        status="Prepared", failure=None, task_definition_arn=None, port=80, created_at=now,
        outcome={"periodic": [{"name": "each", "url": "/each", "schedule": "* * * * *"}]},
    )  # fmt: skip


def instance(item_id: str, host: str, task: str, now: datetime) -> BeanstalkInstanceRow:
    return BeanstalkInstanceRow(
        id=item_id, environment_id=ID, host_arn=host, fleet="permanent", generation=1, launched_at=now, terminated_at=None,
        leaving=False, replaced=False, deployment=1, command="Succeeded", command_since=now, command_ended=now, output="",
        version_label="v1", task_arn=task, port=8000, healthy_checks=0, failed_checks=0, health={},
    )  # fmt: skip


STEPS = st.one_of(
    st.just(("send",)),
    st.just(("crash",)),
    st.just(("die at a periodic task",)),
    st.tuples(st.just("answers"), st.sampled_from([200, 200, 404, 500]), st.sampled_from([0, 0, 7, 100])),
    st.tuples(st.just("advance"), st.sampled_from([0, 1, 5, 59, 61, 200])),
)


async def play(scene: Scene, steps: list[tuple[Any, ...]]) -> None:
    await scene.begin()
    for name, *given_ in steps:
        match name:
            case "send":
                scene.send()
            case "crash":
                await scene.crash()
            case "die at a periodic task":
                scene.queues.dies = True
            case "answers":
                scene.answers(*given_)
            case _:
                await scene.advance(*given_)
        under_way = [count for counts in scene.loop.under_way.values() for count in counts.values()]
        assert all(count <= OPTIONS["HttpConnections"] for count in under_way)
    scene.answers(200, 0)
    await scene.advance(301)
    await scene.end()


@settings(max_examples=12)
@given(st.lists(STEPS, min_size=2, max_size=12))
def test_nothing_is_lost_and_no_periodic_task_is_doubled(steps: list[tuple[Any, ...]]) -> None:
    scene = Scene()
    with capture_logs():  # of deaths
        asyncio.run(play(scene, steps))
    posted, dead = scene.posted(), scene.dead()
    answered = [one["message"] for one in posted if one["status"] == 200]
    assert len(answered) == len(set(answered)), "what was answered 200 is deleted"
    assert not dead.keys() & set(answered)
    assert set(scene.sent) <= set(answered) | dead.keys()
    assert scene.queues.next_visible(QUEUE) is None
    assert scene.queues.depth(QUEUE) == 0
    due = {one["message"]: at for one in posted if (at := one["headers"].get("X-Aws-Sqsd-Scheduled-At"))}
    due |= {message: f"{at[:10]}T{at[11:19]}Z" for message, at in dead.items() if at}
    minutes = int((scene.server.clock.now() - START).total_seconds()) // 60
    expected = [(START + timedelta(minutes=number + 1)).strftime("%Y-%m-%dT%H:%M:%SZ") for number in range(minutes)]
    assert sorted(due.values()) == expected
    scene.world.close()

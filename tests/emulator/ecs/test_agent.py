"""The agent: what happens to tasks from RunTask to their end, and over restarts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from emulator.ecs.agent import Agent
from emulator.ecs.clusters import ensure_default_cluster
from emulator.ecs.tasks import run_task
from emulator.reset import reset
from emulator.runtime.faults import CannotStopContainerError
from emulator.runtime.ports import LogLine, ObservedContainer, Reconnected
from emulator.runtime.simulated import Restored, Script, SimulatedRuntime
from emulator.runtime.specs import ContainerSpec
from emulator.state.journal import DecisionRow, JournalRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, START, add_hosts
from tests.emulator.playing import Playing, no_credentials, playing

AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
LOGGED = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "eu-west-1"}}


def play(story: Callable[[Playing], Awaitable[None]], **members: Any) -> None:
    """Tell a story on a server of its own."""

    async def told() -> None:
        async with playing(**members) as stage:
            await story(stage)

    asyncio.run(told())


def statuses(stage: Playing, arn: str) -> list[str]:
    """Every `lastStatus` that the journal tells of, in order."""
    with stage.emulator.store.begin() as session:
        rows = session.scalars(select(JournalRow).where(JournalRow.subject == arn).order_by(JournalRow.seq))
        return [row.detail["lastStatus"] for row in rows if "lastStatus" in row.detail]


def test_a_task_runs_until_it_is_stopped() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run(tags=[{"key": "a", "value": "b"}])
        running = stage.task(arn)
        assert (running["lastStatus"], running["startedAt"], running["connectivity"]) == ("RUNNING", START, "CONNECTED")
        assert running["pullStartedAt"] == running["pullStoppedAt"] == START
        await stage.stop(arn, reason="enough")
        stopped = stage.task(arn)
        assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
        assert [(c["lastStatus"], c["exitCode"]) for c in stopped["containers"]] == [("STOPPED", 143)]
        assert (stopped["tags"], stopped["stoppingAt"], stopped["executionStoppedAt"]) == ([], START, START)
        assert statuses(stage, arn) == ["PENDING", "RUNNING", "STOPPING", "STOPPED"]
        assert await stage.runtime.observe() == []

    play(story)


def test_an_awsvpc_task_has_an_interface_for_as_long_as_it_lives() -> None:
    async def story(stage: Playing) -> None:
        stage.define(networkMode="awsvpc")
        arn = await stage.run(networkConfiguration=AWSVPC)
        (attachment,) = stage.task(arn)["attachments"]
        details = {item["name"]: item["value"] for item in attachment["details"]}
        assert attachment["status"] == "ATTACHED"
        assert details["privateIPv4Address"].startswith("10.0.")
        (container,) = stage.task(arn)["containers"]
        assert container["networkInterfaces"][0]["privateIpv4Address"] == details["privateIPv4Address"]
        assert container["networkBindings"] == []
        await stage.stop(arn)
        assert stage.task(arn)["attachments"][0]["status"] == "DELETED"
        assert statuses(stage, arn) == ["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING", "STOPPED"]

    play(story)


def test_an_essential_exit_stops_the_task_and_the_others_keep_their_own_code() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"name": "main", "image": "main"}, {"name": "side", "image": "side"})
        arn = await stage.run()
        await stage.advance(9)
        assert stage.task(arn)["lastStatus"] == "RUNNING"
        await stage.advance(1)
        stopped = stage.task(arn)
        assert stopped["stopCode"] == "EssentialContainerExited"
        assert stopped["stoppedReason"] == "Essential container in task exited"
        assert [c["exitCode"] for c in stopped["containers"]] == [0, 143]

    play(story, scripts={"main": Script(runs_for=10)})


def test_another_containers_exit_does_not_stop_the_task() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"name": "main"}, {"name": "side", "image": "side", "essential": False})
        arn = await stage.run()
        await stage.advance(10)
        task = stage.task(arn)
        assert task["lastStatus"] == "RUNNING"
        assert [(c["lastStatus"], c.get("exitCode")) for c in task["containers"]] == [("RUNNING", None), ("STOPPED", 3)]

    play(story, scripts={"side": Script(runs_for=10, exit_code=3)})


def test_too_much_memory_is_told_by_the_container() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"image": "greedy"})
        arn = await stage.run()
        await stage.advance(1)
        (container,) = stage.task(arn)["containers"]
        assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"
        assert container["exitCode"] == 137

    play(story, scripts={"greedy": Script(runs_for=1, exit_code=137, out_of_memory=True)})


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(pull_error="no such image"), "CannotPullContainerError: no such image"),
        (Script(start_error="no such program"), "CannotStartContainerError: no such program"),
    ],
)
def test_a_failure_to_start_is_told_by_the_container_on_ec2(script: Script, reason: str) -> None:
    async def story(stage: Playing) -> None:
        stage.define({"name": "good"}, {"name": "bad", "image": "bad"})
        arn = await stage.run()
        task = stage.task(arn)
        assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
        assert task["stoppedReason"] == "Task failed to start"
        good, bad = task["containers"]
        assert (bad["reason"], "exitCode" in bad, good["exitCode"]) == (reason, False, 143)
        assert "pullStartedAt" in task

    play(story, scripts={"bad": script})


def test_a_failure_to_start_is_told_by_the_task_on_fargate() -> None:
    async def story(stage: Playing) -> None:
        members = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        stage.define({"image": "bad"}, **members)
        arn = await stage.run(launchType="FARGATE", networkConfiguration=AWSVPC)
        assert stage.task(arn)["stoppedReason"] == "CannotPullContainerError: gone"

    play(story, hosts=0, scripts={"bad": Script(pull_error="gone")})


def test_a_long_pull_is_seen_while_it_lasts() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"image": "large"})
        arn = await stage.run()
        assert (stage.task(arn)["lastStatus"], stage.task(arn)["pullStartedAt"]) == ("PENDING", START)
        assert "pullStoppedAt" not in stage.task(arn)
        await stage.advance(30)
        task = stage.task(arn)
        assert (task["lastStatus"], (task["pullStoppedAt"] - START).seconds) == ("RUNNING", 30)

    play(story, scripts={"large": Script(pull=30)})


def test_many_slow_pulls_do_not_wait_for_each_other() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"image": "large"})
        arns = [await stage.run() for _ in range(20)]
        await stage.advance(30)
        assert {stage.task(arn)["lastStatus"] for arn in arns} == {"RUNNING"}

    play(story, scripts={"large": Script(pull=30)})


def test_a_task_stopped_while_it_pulls_leaves_nothing() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"image": "large"})
        arn = await stage.run()
        await stage.stop(arn)
        assert stage.task(arn)["lastStatus"] == "PENDING"
        await stage.advance(30)
        assert stage.task(arn)["lastStatus"] == "STOPPED"
        assert await stage.runtime.observe() == []

    play(story, scripts={"large": Script(pull=30)})


def test_health_of_containers_becomes_the_tasks() -> None:
    async def story(stage: Playing) -> None:
        check = {"command": ["CMD", "true"]}
        stage.define({"image": "late", "healthCheck": check}, {"name": "plain"})
        arn = await stage.run()
        assert (stage.task(arn)["lastStatus"], stage.task(arn)["healthStatus"]) == ("RUNNING", "UNKNOWN")
        version = stage.task(arn)["version"]
        await stage.advance(5)
        assert (stage.task(arn)["healthStatus"], stage.task(arn)["version"]) == ("HEALTHY", version + 1)

    play(story, scripts={"late": Script(health_after=5)})


def test_dependencies_and_links_are_started_first() -> None:
    async def story(stage: Playing) -> None:
        wanted = [{"containerName": "init", "condition": "SUCCESS"}]
        stage.define(
            {"name": "web", "links": ["db:database"]},
            {"name": "db", "dependsOn": wanted},
            {"name": "init", "image": "init", "essential": False},
        )
        arn = await stage.run()
        assert [c["lastStatus"] for c in stage.task(arn)["containers"]] == ["PENDING", "PENDING", "RUNNING"]
        await stage.advance(5)
        assert [c["lastStatus"] for c in stage.task(arn)["containers"]] == ["RUNNING", "RUNNING", "STOPPED"]
        assert stage.task(arn)["lastStatus"] == "RUNNING"

    play(story, scripts={"init": Script(runs_for=5)})


def test_a_container_whose_dependency_failed_says_so() -> None:
    async def story(stage: Playing) -> None:
        wanted = [{"containerName": "init", "condition": "SUCCESS"}]
        stage.define({"name": "web", "dependsOn": wanted}, {"name": "init", "image": "init", "essential": False})
        task = stage.task(await stage.run())
        assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
        assert task["stoppedReason"] == "Task failed to start"
        web, init = task["containers"]
        assert web["reason"].startswith("CannotStartContainerError: dependency graph: ")
        assert web["exitCode"] == 143
        assert (init["exitCode"], "reason" in init) == (3, False)

    play(story, scripts={"init": Script(runs_for=0, exit_code=3)})


HEALTH = {"command": ["CMD", "true"]}


def waits(name: str, condition: str, **members: Any) -> dict[str, Any]:
    """A container that waits for `first`."""
    return {"name": name, "dependsOn": [{"containerName": "first", "condition": condition}], **members}


def test_a_dependency_has_its_start_timeout_to_become_healthy() -> None:
    async def story(stage: Playing) -> None:
        first = {"name": "first", "image": "first", "healthCheck": HEALTH, "startTimeout": 30}
        stage.define(first, waits("web", "HEALTHY"))
        arn = await stage.run()
        await stage.advance(29)
        assert [c["lastStatus"] for c in stage.task(arn)["containers"]] == ["RUNNING", "PENDING"]
        assert "startedAt" not in stage.task(arn)["containers"][0]
        await stage.advance(1)
        task = stage.task(arn)
        assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
        assert task["containers"][1]["reason"] == (
            "CannotStartContainerError: dependency graph: "
            "container ordering dependency [first] for target [web] has timed out."
        )
        assert [c["exitCode"] for c in task["containers"]] == [143, 143]
        stage.runtime.script("first", Script(health_after=29))
        arn = await stage.run()
        await stage.advance(60)
        assert [c["lastStatus"] for c in stage.task(arn)["containers"]] == ["RUNNING", "RUNNING"]

    play(story, scripts={"first": Script(health_after=40)})


def test_the_start_timeout_counts_from_the_start_of_the_dependency() -> None:
    async def story(stage: Playing) -> None:
        stage.define(
            {"name": "first", "image": "first", "essential": False, "startTimeout": 10}, waits("web", "COMPLETE")
        )
        arn = await stage.run()
        await stage.advance(69)
        assert stage.task(arn)["lastStatus"] == "PENDING"
        await stage.advance(1)
        assert stage.task(arn)["stopCode"] == "TaskFailedToStart"

    play(story, scripts={"first": Script(pull=60)})


def test_other_containers_that_never_start_leave_the_task_alone() -> None:
    async def story(stage: Playing) -> None:
        stage.define(
            {"name": "web"},
            {"name": "first", "image": "first", "essential": False, "startTimeout": 5},
            waits("late", "SUCCESS", essential=False),
            {"name": "last", "essential": False, "dependsOn": [{"containerName": "late", "condition": "START"}]},
            {"name": "bad", "image": "bad", "essential": False},
        )
        arn = await stage.run()
        assert stage.task(arn)["lastStatus"] == "PENDING"
        await stage.advance(5)
        task = stage.task(arn)
        assert (task["lastStatus"], task["desiredStatus"]) == ("RUNNING", "RUNNING")
        shown = {c["name"]: (c["lastStatus"], c.get("exitCode")) for c in task["containers"]}
        assert shown == {
            "web": ("RUNNING", None),
            "first": ("RUNNING", None),
            "late": ("STOPPED", 143),
            "last": ("STOPPED", 143),
            "bad": ("STOPPED", None),
        }
        reasons = {c["name"]: c.get("reason", "") for c in task["containers"]}
        assert reasons["last"].endswith("[late] for target [last] because dependency will never start")
        assert reasons["bad"] == "CannotPullContainerError: gone"
        await stage.stop(arn)
        assert stage.task(arn)["lastStatus"] == "STOPPED"
        assert {c["name"]: c.get("reason", "") for c in stage.task(arn)["containers"]} == reasons

    play(story, scripts={"bad": Script(pull_error="gone")})


def test_what_cannot_be_stopped_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run()
        stops = 0
        stop = stage.runtime.stop

        async def stubborn(task_arn: str, container_name: str, timeout: float) -> None:  # noqa: ASYNC109 - the port's
            nonlocal stops
            stops += 1
            if stops < 3:
                raise CannotStopContainerError("the engine is busy")
            await stop(task_arn, container_name, timeout)

        monkeypatch.setattr(stage.runtime, "stop", stubborn)
        await stage.stop(arn)
        assert (stops, stage.task(arn)["lastStatus"]) == (1, "STOPPING")
        assert stage.task(arn)["containers"][0]["reason"] == "CannotStopContainerError: the engine is busy"
        await stage.advance(20)
        assert (stops, stage.task(arn)["lastStatus"]) == (3, "STOPPED")

    play(story)


def test_one_bad_task_does_not_keep_its_neighbours_from_running() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        await stage.emulator.loops.stop()
        arns = [stage.do(run_task, taskDefinition="web")["tasks"][0]["taskArn"] for _ in range(3)]
        row = stage.row(arns[1])
        assert row is not None
        with stage.emulator.store.begin() as session:
            session.add(row)
            row.task_definition_arn = "gone"
        stage.emulator.loops.start()
        await stage.settle()
        assert [stage.task(arn)["lastStatus"] for arn in arns] == ["RUNNING", "PENDING", "RUNNING"]

    play(story)


def test_stopped_tasks_are_forgotten_after_an_hour_with_their_decisions() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn, other = await stage.run(), await stage.run()
        await stage.stop(arn)
        await stage.advance(3599)
        assert stage.row(arn) is not None
        await stage.advance(1)
        assert stage.row(arn) is None
        with stage.emulator.store.begin() as session:
            assert session.scalars(select(DecisionRow.subject)).all() == [other]

    play(story)


def test_a_missing_log_group_fails_the_task() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"logConfiguration": LOGGED})
        failed = await stage.run()
        (container,) = stage.task(failed)["containers"]
        assert container["reason"].startswith("ResourceInitializationError: failed to validate logger args: ")
        assert stage.task(failed)["stopCode"] == "TaskFailedToStart"
        stage.neighbours.groups.add("g")
        assert stage.task(await stage.run())["lastStatus"] == "RUNNING"

    play(story)


def test_what_a_container_wrote_is_shipped_before_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Playing) -> None:
        async def spoken(*_: object) -> Any:
            yield LogLine(START, "hello")

        monkeypatch.setattr(stage.runtime, "logs", spoken)
        stage.neighbours.groups.add("g")
        stage.define({"logConfiguration": LOGGED})
        arn = await stage.run()
        runtime_id = stage.task(arn)["containers"][0]["runtimeId"]
        await stage.stop(arn)
        # without a prefix the stream is called as the engine calls the container
        (((_, stream), events),) = stage.neighbours.streams.items()
        assert (stream, [event.message for event in events]) == (runtime_id, ["hello"])

    play(story)


@dataclass(frozen=True)
class Found:
    """What the next server finds of a container that the last one ran."""

    running: bool
    exit_code: int | None = None


async def restarted(stage: Playing, arn: str, found: Found | None) -> SimulatedRuntime:
    """Begin again with a fresh runtime in which the task's container was found so, and an orphan beside it."""
    await stage.emulator.loops.stop()
    (document,) = stage.task(arn)["containers"]
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    runtime = SimulatedRuntime(stage.emulator.clock)
    known = [] if found is None else [(arn, document["name"], found)]
    runtime.restore(
        Restored(
            task,
            (
                (
                    ObservedContainer(
                        task_arn=task,
                        container_name=name,
                        runtime_id=document["runtimeId"],
                        running=how.running,
                        exit_code=how.exit_code,
                        out_of_memory=False,
                        health="UNKNOWN",
                        started_at=ended,
                        finished_at=None if how.running else ended,
                    ),
                    ContainerSpec(name, document["image"]),
                ),
            ),
        )
        for task, name, how in [*known, ("arn:aws:ecs:eu-west-1:111122223333:task/default/gone", "app", Found(True))]
    )
    stage.emulator.runtime = runtime
    agent = Agent(stage.emulator, no_credentials)
    await agent.start()
    stage.emulator.loops.start()
    await stage.settle()
    return runtime


def test_after_a_restart_what_runs_goes_on_and_orphans_are_removed() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run()
        before = stage.task(arn)
        runtime = await restarted(stage, arn, Found(running=True))
        assert stage.task(arn) == before
        assert [container.task_arn for container in await runtime.observe()] == [arn]
        await stage.stop(arn)
        assert stage.task(arn)["lastStatus"] == "STOPPED"

    play(story)


def test_after_a_restart_what_died_has_its_true_exit_code() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run()
        await restarted(stage, arn, Found(running=False, exit_code=42))
        task = stage.task(arn)
        assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 42)

    play(story)


def test_after_a_restart_what_is_gone_is_told_as_lost() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run()
        await restarted(stage, arn, None)
        (container,) = stage.task(arn)["containers"]
        assert (stage.task(arn)["lastStatus"], "exitCode" in container) == ("STOPPED", False)
        assert container["reason"].startswith("CannotDescribeContainerError: ")

    play(story)


def test_reset_leaves_no_container_even_where_one_was_being_started() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"image": "large"}, {"name": "quick"})
        await stage.run()
        assert len(await stage.runtime.observe()) == 1
        stage.emulator.loops.forget()
        stage.emulator.store.clear()
        await stage.agent.remove_all()
        await stage.advance(60)
        assert await stage.runtime.observe() == []

    play(story, scripts={"large": Script(pull=30)})


def test_a_reset_removes_a_task_that_has_only_its_network_yet() -> None:
    async def story(stage: Playing) -> None:
        stage.define(networkMode="awsvpc")
        await stage.run(networkConfiguration=AWSVPC)
        assert (len(await stage.runtime.held()), await stage.runtime.observe()) == (1, [])
        reset(stage.emulator)
        await stage.agent.remove_all()
        assert not await stage.runtime.held()

    play(story, scripts={"*": Script(pull=600)})


def test_tasks_that_begin_after_a_reset_are_not_removed_by_it() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        await stage.run()
        reset(stage.emulator)
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            ensure_default_cluster(context)
        add_hosts(stage.emulator, 1)
        stage.define()
        arn = await stage.run()
        await stage.agent.remove_all()
        assert set(await stage.runtime.held()) == {arn}

    play(story)


def test_containers_that_vanished_while_the_runtime_was_out_of_reach_are_lost() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        goes, stays = await stage.run(), await stage.run()
        await stage.runtime.remove(goes)
        stage.agent._happened(Reconnected())
        await stage.settle()
        assert stage.task(stays)["lastStatus"] == "RUNNING"
        assert stage.task(goes)["lastStatus"] == "STOPPED"
        assert stage.task(goes)["containers"][0]["reason"].startswith("CannotDescribeContainerError: ")

    play(story)


def test_what_is_not_emulated_fails_a_fargate_task_and_says_so() -> None:
    async def story(stage: Playing) -> None:
        fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        files = [{"type": "s3", "value": "arn:aws:s3:::bucket/settings.env"}]
        stage.define({"environmentFiles": files}, executionRoleArn="arn:aws:iam::111122223333:role/e", **fargate)
        task = stage.task(await stage.run(launchType="FARGATE", networkConfiguration=AWSVPC))
        assert task["stopCode"] == "TaskFailedToStart"
        assert task["stoppedReason"].endswith("not emulated: ecs.capability.env-files.s3")
        stage.define({"portMappings": [{"containerPortRange": "80-90"}]}, **fargate)
        task = stage.task(await stage.run(launchType="FARGATE", networkConfiguration=AWSVPC))
        assert task["stoppedReason"].endswith("not emulated: ecs.capability.network.container-port-range")

    play(story)

"""Reports of agents: they can be true, but they cannot make anything true."""

import asyncio
import contextlib
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ecs.agent_reports import (
    submit_attachment_state_changes,
    submit_container_state_change,
    submit_task_state_change,
)
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.errors import AwsError
from emulator.runtime.simulated import Script
from scheduler.reconcile.lifecycle import TaskStatus
from tests.emulator.playing import SUBNETS, Playing, playing


def say(server: Playing, operation: Any, **request: Any) -> Any:
    return server.do(cast("Any", operation), **request)["acknowledgment"]


def test_what_is_true_is_acknowledged_and_what_is_not_is_refused_with_what_is_known() -> None:
    async def play() -> None:
        async with playing() as server:
            server.define({"name": "app"})
            arn = await server.run()
            runtime_id = server.task(arn)["containers"][0]["runtimeId"]
            running = {"containerName": "app", "status": "RUNNING", "runtimeId": runtime_id}
            assert say(server, submit_task_state_change, task=arn, status="RUNNING", containers=[running])
            assert say(server, submit_container_state_change, task=arn, **running)
            stopped = {"containerName": "app", "status": "STOPPED", "exitCode": 0}
            for operation, request, message in (
                (submit_task_state_change, {"status": "STOPPED"}, "cannot say its status STOPPED: known is RUNNING"),
                (submit_task_state_change, {"containers": [stopped]}, "container app STOPPED: known is RUNNING"),
                (submit_container_state_change, {**running, "runtimeId": "x"}, "runtimeId of container app x"),
                (
                    submit_task_state_change,
                    {
                        "managedAgents": [
                            {"containerName": "app", "managedAgentName": "ExecuteCommandAgent", "status": "RUNNING"}
                        ]
                    },
                    "known is nothing",
                ),
            ):
                with pytest.raises(ClientException, match=message):
                    say(server, operation, task=arn, **request)
            await server.stop(arn)
            await server.advance(60)
            exit_code = server.task(arn)["containers"][0]["exitCode"]
            assert say(server, submit_task_state_change, task=arn, status="STOPPED")
            assert say(server, submit_task_state_change, task=arn, status="RUNNING")  # late
            assert say(server, submit_container_state_change, task=arn, **{**stopped, "exitCode": exit_code})

    asyncio.run(play())


def test_a_task_that_never_ran_was_not_running() -> None:
    async def play() -> None:
        async with playing(scripts={"*": Script(pull_error="no such image")}) as server:
            server.define()
            arn = await server.run()
            await server.advance(60)
            assert server.task(arn)["lastStatus"] == "STOPPED"
            with pytest.raises(ClientException, match="RUNNING"):
                say(server, submit_task_state_change, task=arn, status="RUNNING")

    asyncio.run(play())


def test_attachments() -> None:
    async def play() -> None:
        async with playing() as server:
            server.define(networkMode="awsvpc")
            place = {"awsvpcConfiguration": {"subnets": [SUBNETS[0]]}}
            arn = await server.run(networkConfiguration=place)
            (attachment,) = server.task(arn)["attachments"]
            told = {"attachmentArn": f"arn:aws:ecs:r:a:attachment/{attachment['id']}", "status": "ATTACHED"}
            assert say(server, submit_attachment_state_changes, attachments=[told])
            assert say(server, submit_task_state_change, task=arn, attachments=[told])
            with pytest.raises(ClientException, match="known is ATTACHED"):
                say(server, submit_attachment_state_changes, attachments=[{**told, "status": "DETACHED"}])
            with pytest.raises(InvalidParameterException, match="attachment was not found"):
                say(server, submit_attachment_state_changes, attachments=[{**told, "attachmentArn": "x/y"}])

    asyncio.run(play())


def test_refusals() -> None:
    async def play() -> None:
        async with playing() as server:
            server.define()
            arn = await server.run()
            for request, message in (
                ({}, "The referenced task was not found."),
                ({"task": "0" * 32}, "The referenced task was not found."),
                ({"task": arn, "status": "HAPPY"}, "status should be one of"),
                ({"task": arn, "containers": [{"containerName": "db"}]}, "The container db does not exist"),
                ({"task": arn, "containers": [{"containerName": "app", "status": "HAPPY"}]}, "status should be one of"),
            ):
                with pytest.raises(InvalidParameterException, match=message):
                    say(server, submit_task_state_change, **request)

    asyncio.run(play())


statuses = st.sampled_from([*TaskStatus])


@settings(max_examples=25)
@given(statuses, st.none() | st.sampled_from(["PENDING", "RUNNING", "STOPPED"]), st.integers(0, 255))
def test_no_report_changes_a_task(status: TaskStatus, container: str | None, exit_code: int) -> None:
    async def play() -> None:
        async with playing(hosts=1) as server:
            server.define({"name": "app"})
            arn = await server.run()
            before = server.task(arn)
            said = [] if container is None else [{"containerName": "app", "status": container, "exitCode": exit_code}]
            with contextlib.suppress(AwsError):
                say(server, submit_task_state_change, task=arn, status=status.value, containers=said, reason="why")
            await server.settle()
            assert server.task(arn) == before

    asyncio.run(play())

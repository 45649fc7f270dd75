import asyncio
from typing import Any, Literal, cast

import pytest
from sqlalchemy import select

from emulator.ecs.errors import ClientException, DoesNotExistException, InvalidParameterException
from emulator.ecs.exec_sessions import TOKEN_LIVES
from emulator.ecs.execute_command import execute_command, resume_session, terminate_session
from emulator.runtime.simulated import SimulatedRuntime
from emulator.state.journal import JournalRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.playing import Playing, playing

NOT_ENABLED = "execute command was not enabled when the task was run or the execute command agent isn't running"


class WithProcesses(SimulatedRuntime):
    """Stands for an engine: what these operations ask is only whether the runtime has processes."""

    kind: Literal["docker"] = "docker"  # type: ignore[assignment]  # the other one


def an_engine(server: Playing) -> None:
    server.runtime.__class__ = WithProcesses


def execute(server: Playing, **request: Any) -> dict[str, Any]:
    asked = {"command": "sh", "interactive": True, **request}
    return server.do(cast("Any", execute_command), **asked)


def test_a_session_and_its_token() -> None:
    async def play() -> None:
        async with playing() as server:
            an_engine(server)
            server.define()
            arn = await server.run(enableExecuteCommand=True)
            (agent,) = server.task(arn)["containers"][0]["managedAgents"]
            assert (agent["name"], agent["lastStatus"]) == ("ExecuteCommandAgent", "RUNNING")
            assert agent["lastStartedAt"] <= server.emulator.clock.now()
            answer = execute(server, task=arn)
            assert (answer["taskArn"], answer["interactive"]) == (arn, True)
            session = answer["session"]
            assert session["streamUrl"].startswith(f"ws://localhost:{server.emulator.port}/v1/data-channel/")
            sessions, now = server.emulator.exec_sessions, server.emulator.clock.now()
            assert sessions.claim(session["sessionId"], "another", now) is None
            claimed = sessions.claim(session["sessionId"], session["tokenValue"], now)
            assert claimed is not None
            assert session["tokenValue"] not in repr(claimed)
            assert sessions.claim(session["sessionId"], session["tokenValue"], now) is None  # used
            again = server.do(cast("Any", resume_session), SessionId=session["sessionId"])
            assert sessions.claim(session["sessionId"], again["TokenValue"], now + TOKEN_LIVES) is None  # too late
            assert sessions.claim(session["sessionId"], again["TokenValue"], now) is claimed
            server.do(cast("Any", terminate_session), SessionId=session["sessionId"])
            with pytest.raises(DoesNotExistException):
                server.do(cast("Any", resume_session), SessionId=session["sessionId"])
            server.emulator.journal.flush()
            with server.emulator.store.begin() as kept:
                details = [str(detail) for detail in kept.scalars(select(JournalRow.detail))]
            assert [text for text in details if session["sessionId"] in text]
            assert not [text for text in details if session["tokenValue"] in text]
            await server.stop(arn)
            await server.advance(40)
            assert server.task(arn)["containers"][0]["managedAgents"][0]["lastStatus"] == "STOPPED"

    asyncio.run(play())


def test_refusals() -> None:
    async def play() -> None:
        async with playing() as server:
            an_engine(server)
            server.define({"name": "app"}, {"name": "side"})
            arn = await server.run(enableExecuteCommand=True)
            without = await server.run()
            assert "managedAgents" not in server.task(without)["containers"][0]
            for request, message in (
                ({"task": arn, "container": "app", "interactive": False}, "Interactive is the only mode"),
                ({"task": arn, "container": "app", "command": " "}, "Command cannot be empty."),
                ({"task": "0" * 32, "container": "app"}, "The referenced task was not found."),
                ({"task": arn}, "Container name must be specified"),
                ({"task": arn, "container": "db"}, "The container db does not exist in the task."),
                ({"task": without, "container": "app"}, NOT_ENABLED),
            ):
                with pytest.raises(InvalidParameterException, match=message):
                    execute(server, **request)
            await server.stop(arn)
            with pytest.raises(InvalidParameterException):
                execute(server, task=arn, container="app")

    asyncio.run(play())


def test_the_simulated_runtime_says_that_it_has_no_processes() -> None:
    async def play() -> None:
        async with playing() as server:
            server.define()
            arn = await server.run(enableExecuteCommand=True)
            assert server.task(arn)["containers"][0]["managedAgents"] == [
                {
                    "name": "ExecuteCommandAgent",
                    "lastStatus": "STOPPED",
                    "reason": "The simulated runtime runs no processes.",
                }
            ]
            with pytest.raises(ClientException, match="ashore start --runtime docker"):
                execute(server, task=arn)

    asyncio.run(play())


def test_another_account_s_session_is_not_there() -> None:
    async def play() -> None:
        async with playing() as server:
            an_engine(server)
            server.define()
            session = execute(server, task=await server.run(enableExecuteCommand=True))["session"]
            for account, region in (("111111111111", REGION), (ACCOUNT, "us-east-1")):
                with server.emulator.transaction(account, region) as context, pytest.raises(DoesNotExistException):
                    terminate_session(context, {"SessionId": session["sessionId"]})

    asyncio.run(play())

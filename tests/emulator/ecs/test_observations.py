"""What is observed of containers, in whichever order it is told."""

import pytest

from emulator.context import Context
from emulator.ecs.observations import Started, apply
from emulator.runtime.ports import ContainerExited, PortBinding, StartedContainer
from emulator.state.ecs import TaskRow
from tests.emulator.ecs.control_plane import START
from tests.emulator.ecs.test_agent import play
from tests.emulator.playing import Playing

ID = "0123456789abcdef"


@pytest.mark.parametrize("end_is_told_first", [False, True])
def test_a_container_that_ended_at_once_has_ended_and_has_its_ports(*, end_is_told_first: bool) -> None:
    async def story(stage: Playing) -> None:
        stage.define({"name": "main"}, {"name": "side", "essential": False})
        arn = await stage.run()
        started = Started("side", StartedContainer(ID, (PortBinding("127.10.0.2", 80, 32768, "tcp"),), START))
        exited = ContainerExited(arn, "side", ID, 3, out_of_memory=False, finished_at=START)
        told = (exited, started) if end_is_told_first else (started, exited)

        def observe(context: Context, _: object) -> None:
            row = context.session.get_one(TaskRow, arn)
            row.containers = [
                {"name": "side", "lastStatus": "PENDING"} if document["name"] == "side" else document
                for document in row.containers
            ]
            for observation in told:
                apply(context, row, observation)

        stage.do(observe)
        (side,) = [document for document in stage.task(arn)["containers"] if document["name"] == "side"]
        assert (side["lastStatus"], side["exitCode"], side["runtimeId"]) == ("STOPPED", 3, ID)
        assert [binding["hostPort"] for binding in side["networkBindings"]] == [32768]

    play(story)

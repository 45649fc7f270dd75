"""What every runtime does alike: the contract of `emulator.runtime.ports`."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from emulator.runtime.builds import BuildSpec
from emulator.runtime.faults import CannotBuildImageError, CannotPullContainerError, CannotStartContainerError
from emulator.runtime.ports import ContainerExited
from emulator.runtime.specs import ContainerSpec, PortMapping
from tests.emulator.runtime.conftest import NewStage
from tests.emulator.runtime.stages import task


def test_an_exit_is_told_once_with_its_code(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            of, container = task(), stage.container("failing")
            started = await stage.start(of, container)
            exited = await stage.witness.exit_of("failing")
            assert (exited.task_arn, exited.runtime_id) == (of.arn, started.runtime_id)
            assert (exited.exit_code, exited.out_of_memory) == (3, False)
            (observed,) = await stage.runtime.observe()
            assert (observed.running, observed.exit_code) == (False, 3)
            assert observed.finished_at is not None
            await stage.runtime.stop(of.arn, "failing", 5)
            await stage.runtime.remove(of.arn)
            assert [type(event) for event in stage.witness.events] == [ContainerExited]

    asyncio.run(play())


def test_stop_asks_politely(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            of, container = task(), stage.container("polite")
            await stage.start(of, container)
            await stage.ready(of, container)
            (observed,) = await stage.runtime.observe()
            assert (observed.running, observed.exit_code, observed.finished_at) == (True, None, None)
            await stage.runtime.stop(of.arn, "polite", 20)
            assert (await stage.witness.exit_of("polite")).exit_code == 143

    asyncio.run(play())


def test_stop_kills_what_does_not_listen(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            of, container = task(), stage.container("deaf")
            await stage.start(of, container)
            await stage.ready(of, container)
            await stage.runtime.stop(of.arn, "deaf", 0.2)
            exited = await stage.witness.exit_of("deaf")
            assert (exited.exit_code, exited.out_of_memory) == (137, False)

    asyncio.run(play())


@pytest.mark.parametrize(("behaviour", "health"), [("healthy", "HEALTHY"), ("sick", "UNHEALTHY")])
def test_health_is_told(new_stage: NewStage, behaviour: str, health: str) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            await stage.start(task(), stage.container(behaviour))
            assert (await stage.witness.health_of(behaviour)).health == health
            (observed,) = await stage.runtime.observe()
            assert observed.health == health

    asyncio.run(play())


def test_too_much_memory(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            await stage.start(task(), stage.container("greedy"))
            exited = await stage.witness.exit_of("greedy")
            assert (exited.exit_code, exited.out_of_memory) == (137, True)

    asyncio.run(play())


def test_an_image_that_cannot_be_had(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            with pytest.raises(CannotPullContainerError) as caught:
                await stage.runtime.pull(stage.container("absent").image, None)
            assert caught.value.reason.startswith("CannotPullContainerError: Error response from daemon: ")

    asyncio.run(play())


def test_a_process_that_cannot_be_started(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            of, container = task(), stage.container("broken")
            for _ in range(2):
                with pytest.raises(CannotStartContainerError, match=r"executable file not found in \$PATH"):
                    await stage.start(of, container)
            assert all(observed.started_at is None for observed in await stage.runtime.observe())
            await stage.runtime.remove(of.arn)
            # an event that came late would come before this one
            await stage.start(task(), stage.container("failing"))
            await stage.witness.exit_of("failing")
            assert len(stage.witness.events) == 1

    asyncio.run(play())


def test_every_command_may_be_given_again(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            of = task()
            container = replace(stage.container("polite"), ports=(PortMapping(80, 8080), PortMapping(81, 0)))
            first = await stage.start(of, container)
            again = await stage.start(of, container)
            assert (again.runtime_id, set(again.bindings)) == (first.runtime_id, set(first.bindings))
            await stage.ready(of, container)
            await asyncio.gather(*(stage.runtime.stop(of.arn, "polite", 20) for _ in range(2)))
            await stage.runtime.stop(of.arn, "polite", 20)
            for _ in range(2):
                await stage.runtime.remove(of.arn)
            await stage.runtime.stop(of.arn, "polite", 20)
            assert await stage.runtime.observe() == []
            assert len(stage.witness.events) == 1

    asyncio.run(play())


def test_ports_as_they_came_out(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            container = replace(stage.container("polite"), ports=(PortMapping(80, 8081), PortMapping(81, 0)))
            started = await stage.start(task(), container)
            ports = {binding.container_port: binding.host_port for binding in started.bindings}
            assert ports[80] == 8081
            assert ports[81] >= 32768
            (observed,) = await stage.runtime.observe()
            assert set(observed.bindings) == set(started.bindings)

    asyncio.run(play())


def test_a_task_of_its_own_address(new_stage: NewStage) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            tasks = [task(network_mode="awsvpc", host_address=None, vpc_cidr="10.213.0.0/24") for _ in range(2)]
            networks = [await stage.runtime.provision(of) for of in tasks]
            assert len({network.private_ip for network in networks}) == 2
            assert all(network.mac_address.startswith("02:") for network in networks)
            await stage.start(tasks[0], stage.container("polite"))
            (observed,) = await stage.runtime.observe()
            assert observed.container_name == "polite"
            assert set(await stage.runtime.held()) == {of.arn for of in tasks}
            for of in tasks:
                await stage.runtime.remove(of.arn)
            assert set(await stage.runtime.held()) == set()

    asyncio.run(play())


def test_an_image_is_built_run_and_removed_by_its_labels(new_stage: NewStage, tmp_path: Path) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            deployment = {"ashore.environment": uuid4().hex, "ashore.deployment": "1"}
            text = stage.dockerfile("COPY message /message", "EXPOSE 8080 53/udp 80", 'CMD ["sleep", "300"]')
            (tmp_path / "Dockerfile").write_text(text)
            (tmp_path / "message").write_text("hello")
            build = BuildSpec(f"ashore-test/app-{uuid4().hex}:1", tmp_path, "Dockerfile", deployment)
            lines: list[str] = []
            built = await stage.runtime.build(build, {}, lines.append)
            assert (built.id.startswith("sha256:"), built.exposed_ports) == (True, (80, 8080))
            assert lines[0].startswith("Step 1")
            of = task()
            await stage.start(of, ContainerSpec("app", build.tag))
            assert not await stage.runtime.remove_images(deployment)
            await stage.runtime.stop(of.arn, "app", 0)
            await stage.runtime.remove(of.arn)
            assert await stage.runtime.remove_images({"ashore.environment": "another"})
            assert await stage.runtime.remove_images(deployment)
            assert await stage.runtime.remove_images(deployment)

    asyncio.run(play())


def test_a_build_that_fails(new_stage: NewStage, tmp_path: Path) -> None:
    async def play() -> None:
        async with new_stage() as stage:
            lines: list[str] = []
            text = stage.dockerfile('RUN ["sh", "-c", "echo about to fail; exit 3"]').encode()
            build = BuildSpec("ashore-test/wrong:1", tmp_path, "made", {}, files={"made": (text, 0o644)})
            with pytest.raises(CannotBuildImageError, match="returned a non-zero code: 3") as caught:
                await stage.runtime.build(build, {}, lines.append)
            assert "about to fail" in caught.value.lines
            assert "about to fail" in lines
            with pytest.raises(CannotBuildImageError, match="Cannot locate specified Dockerfile: Dockerfile"):
                await stage.runtime.build(replace(build, dockerfile="Dockerfile"), {}, lines.append)

    asyncio.run(play())

"""What only an engine can show: real ports, addresses, files, and containers that outlive the runtime."""

import asyncio
import http.client
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from uuid import uuid4

import docker
import pytest

from emulator.runtime.docker import DockerRuntime
from emulator.runtime.docker_copies import COPY
from emulator.runtime.faults import CannotCreateContainerError, CannotStartContainerError, ContainerNetworkingError
from emulator.runtime.ports import LogLine, StartedContainer
from emulator.runtime.specs import ContainerSpec, Mount, PortMapping, TaskSpec, Ulimit
from tests.emulator.runtime.stages import Stage, docker_stage, task

pytestmark = pytest.mark.docker

# the server listens by the time that it goes to the background
_WEB = ("sh", "-c", "echo $WHO > /index.html; httpd -p ${PORT:-80} -h /; echo ready; exec sleep 300")


async def served(address: str, port: int) -> str:
    """The page at that address."""

    def fetch() -> str:
        connection = http.client.HTTPConnection(address, port, timeout=10)
        try:
            connection.request("GET", "/index.html")
            return connection.getresponse().read().decode().strip()
        finally:
            connection.close()

    return await asyncio.to_thread(fetch)


async def web(stage: Stage, of: TaskSpec, who: str, port: PortMapping | None = None) -> StartedContainer:
    """A web server that says who it is."""
    environment = {"WHO": who} | ({"PORT": str(port.container_port)} if port else {})
    container = replace(stage.container("polite"), command=_WEB, environment=environment, name=who)
    started = await stage.start(of, replace(container, ports=(port,) if port else ()))
    await stage.ready(of, container)
    return started


async def told(stage: Stage, of: TaskSpec, container: ContainerSpec) -> list[str]:
    """All that the container writes."""
    await stage.start(of, container)
    return [line.message async for line in stage.runtime.logs(of.arn, container.name, None)]


def test_two_hosts_serve_the_same_port(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            addresses = ["127.10.77.2", "127.10.77.3"]
            for address in addresses:
                started = await web(stage, task(host_address=address), f"at-{address}", PortMapping(80, 80))
                assert [(found.bind_ip, found.host_port) for found in started.bindings] == [(address, 80)]
            assert [await served(address, 80) for address in addresses] == [f"at-{address}" for address in addresses]

    asyncio.run(play())


def test_dynamic_ports_are_served(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            ports = [
                (await web(stage, task(host_address=None), who, PortMapping(80, 0))).bindings[0].host_port
                for who in ("one", "two")
            ]
            assert [await served("127.0.0.1", port) for port in ports] == ["one", "two"]

    asyncio.run(play())


def test_a_host_port_that_is_taken(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            await web(stage, task(), "first", PortMapping(80, 8082))
            with pytest.raises(CannotStartContainerError, match=r"Bind for 127\.10\.77\.2:8082 failed"):
                await web(stage, task(), "second", PortMapping(80, 8082))

    asyncio.run(play())


def test_containers_of_an_awsvpc_task_share_localhost_and_an_address(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of = task(
                network_mode="awsvpc", vpc_id="vpc-1", vpc_cidr="10.214.0.0/24", private_ip="10.214.0.77",
                system_controls=(("net.core.somaxconn", "77"),),
            )  # fmt: skip
            network = await stage.runtime.provision(of)
            assert await stage.runtime.provision(of) == network
            assert network.private_ip == "10.214.0.77"
            started = await web(stage, of, "web", PortMapping(80, 80))
            assert started.bindings == ()
            assert await served(network.private_ip, 80) == "web"
            look = "wget -q -O - http://localhost/index.html; cat /proc/sys/net/core/somaxconn"
            controls = (("net.core.somaxconn", "77"),)
            curious = replace(
                stage.container("polite"), name="curious", command=("sh", "-c", look), system_controls=controls
            )
            assert await told(stage, of, curious) == ["web", "77"]
            taken = await stage.runtime.provision(replace(of, arn=task().arn))
            assert taken.private_ip != network.private_ip

    asyncio.run(play())


def networks(stage: Stage) -> int:
    """How many networks of the stage's server there are."""
    assert isinstance(stage.runtime, DockerRuntime)
    client = docker.from_env()
    try:
        return len(client.networks.list(filters={"label": f"ashore.server={stage.runtime._server_id}"}))
    finally:
        client.close()


def test_a_subnet_that_is_full_and_a_namespace_that_cannot_be_made(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            members = {"network_mode": "awsvpc", "vpc_id": "vpc-1", "vpc_cidr": "10.216.0.0/16"}
            small = [task(**members, subnet_cidr="10.216.9.0/29") for _ in range(4)]
            found = await asyncio.gather(*(stage.runtime.provision(of) for of in small[:3]))
            assert {network.private_ip for network in found} == {f"10.216.9.{last}" for last in (4, 5, 6)}
            with pytest.raises(ContainerNetworkingError, match="no free address in"):
                await stage.runtime.provision(small[3])
            for of in small:
                await stage.runtime.remove(of.arn)
            broken = task(**members, system_controls=(("net.no.such", "1"),))
            with pytest.raises(ContainerNetworkingError):
                await stage.runtime.provision(broken)
            assert networks(stage) == 0
            await stage.runtime.remove(broken.arn)
            assert not await stage.runtime.held()

    asyncio.run(play())


def test_a_vpc_whose_range_is_taken_gets_another_and_networks_go_with_their_last_task(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage, docker_stage(busybox) as other:
            cidr = "10.215.0.0/24"
            of = [task(network_mode="awsvpc", vpc_id="vpc-1", vpc_cidr=cidr, private_ip="10.215.0.9") for _ in range(3)]
            assert (await stage.runtime.provision(of[0])).private_ip == "10.215.0.9"
            assert ip_address((await stage.runtime.provision(of[1])).private_ip) in ip_network(cidr)
            assert ip_address((await other.runtime.provision(of[2])).private_ip) not in ip_network(cidr)
            await stage.runtime.remove(of[0].arn)
            assert networks(stage) == 1
            await stage.runtime.remove(of[1].arn)
            assert (networks(stage), networks(other)) == (0, 1)

    asyncio.run(play())


def test_containers_outlive_the_runtime_and_their_ends_are_found(busybox: str) -> None:
    async def play() -> None:
        server_id = f"test{uuid4().hex}"
        goes_on, ends = task(), task()
        async with docker_stage(busybox, server_id, keep=True) as before:
            running = await before.start(goes_on, before.container("polite"))
            waits = replace(before.container("failing"), command=("sh", "-c", "sleep 0.3; exit 7"))
            await before.start(ends, waits)
        async with docker_stage(busybox, server_id) as after:
            exited = next((found for found in await after.runtime.observe() if found.exit_code is not None), None)
            code = exited.exit_code if exited else (await after.witness.exit_of("failing")).exit_code
            assert code == 7
            found = {observed.task_arn: observed for observed in await after.runtime.observe()}
            assert (found[goes_on.arn].running, found[goes_on.arn].runtime_id) == (True, running.runtime_id)
            assert (found[ends.arn].running, found[ends.arn].exit_code) == (False, 7)

    asyncio.run(play())


def test_events_that_were_cut_are_caught_up_with(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            assert isinstance(stage.runtime, DockerRuntime)
            follower = stage.runtime._follower
            assert follower is not None
            assert follower._stream is not None
            follower._stream.close()
            await stage.start(task(), stage.container("failing"))
            assert (await stage.witness.exit_of("failing")).exit_code == 3
            await stage.start(task(), replace(stage.container("failing"), name="later"))
            await stage.witness.exit_of("later")
            assert sorted(type(event).__name__ for event in stage.witness.events) == [
                "ContainerExited",
                "ContainerExited",
                "Reconnected",
            ]

    asyncio.run(play())


def test_servers_never_touch_each_others_containers(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as mine, docker_stage(busybox) as other:
            of = task()
            await mine.start(of, mine.container("polite"))
            await mine.ready(of, mine.container("polite"))
            await other.runtime.stop(of.arn, "polite", 0)
            await other.runtime.remove(of.arn)
            assert isinstance(other.runtime, DockerRuntime)
            await other.runtime.cleanup()
            assert await other.runtime.observe() == []
            assert [observed.running for observed in await mine.runtime.observe()] == [True]
            assert other.witness.events == []

    asyncio.run(play())


def test_a_copy_that_a_kill_has_broken_off_leaves_no_container(busybox: str, tmp_path: Path) -> None:
    async def play() -> None:
        server_id, engine = f"test{uuid4().hex}", docker.APIClient()

        def copies() -> list[str]:
            found = engine.containers(all=True, filters={"label": f"{COPY}={server_id}"})
            return [listed["Id"] for listed in found]

        async with docker_stage(busybox, server_id) as stage:
            assert await stage.runtime.copy_out(busybox, "/bin", tmp_path / "bin")
            assert copies() == []
            engine.create_container(busybox, ["true"], labels={COPY: server_id})
            engine.create_container(busybox, ["true"], labels={COPY: "another"}, name=f"another-{server_id}")
            assert len(copies()) == 1
            assert await stage.runtime.observe() == []
            await stage.runtime.tidy()
            assert copies() == []
            engine.remove_container(f"another-{server_id}")
        engine.close()

    asyncio.run(play())


def test_a_container_is_as_its_task_says(busybox: str) -> None:
    script = (
        "echo $GREETING; pwd; id -u; hostname; ulimit -n;"
        "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes;"
        "touch /no 2>/dev/null || echo ro; grep -c friend /etc/hosts; cat /proc/sys/kernel/msgmax;"
        "df -k /dev/shm | tail -n 1 | awk '{print $2}'"
    )

    async def play() -> None:
        async with docker_stage(busybox) as stage:
            container = ContainerSpec(
                "all", busybox, ("-c", script), ("sh",), {"GREETING": "a=b c"}, cpu=512, memory=64,
                memory_reservation=32, user="1234", working_directory="/bin", ulimits=(Ulimit("nofile", 777, 888),),
                extra_hosts=(("friend", "10.1.2.3"),), hostname="named", read_only_root=True, init_process=True,
                system_controls=(("kernel.msgmax", "9999"),), shared_memory_mib=5,
            )  # fmt: skip
            said = await told(stage, task(cpu_limit=131072), container)
            expected = ["a=b c", "/bin", "1234", "named", "777", str(64 << 20), "ro", "1", "9999", str(5 << 10)]
            assert said == expected

    asyncio.run(play())


def test_volumes_are_the_tasks_own_and_go_with_it(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            mounts = (Mount("data", "/data"),)
            of = task()
            writer = ContainerSpec("writer", busybox, ("sh", "-c", "echo kept > /data/f"), mounts=mounts)
            reader = ContainerSpec("reader", busybox, ("cat", "/data/f"), mounts=mounts)
            heir = ContainerSpec(
                "heir", busybox, ("sh", "-c", "cat /data/f; touch /data/g || echo ro"), volumes_from=(("writer", True),)
            )
            assert await told(stage, of, writer) == []
            assert await told(stage, of, reader) == ["kept"]
            assert "kept" in await told(stage, of, heir)  # what it says of the read-only volume may come first
            stranger = replace(reader, name="stranger", command=("ls", "/data"))
            assert await told(stage, task(), stranger) == []
            await stage.runtime.remove(of.arn)
            assert await told(stage, of, stranger) == []

    asyncio.run(play())


def test_links_reach_the_other_container(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of = task()
            await web(stage, of, "backend")
            fetch = ("wget", "-q", "-O", "-", "http://api/index.html")
            front = ContainerSpec("front", busybox, fetch, links=("backend:api",))
            assert await told(stage, of, front) == ["backend"]

    asyncio.run(play())


@pytest.mark.parametrize("mode", ["host", "none"])
def test_other_network_modes(busybox: str, mode: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of = task(network_mode=mode)
            ports = (PortMapping(8083, 8083),) if mode == "host" else ()
            container = replace(stage.container("polite"), ports=ports)
            started = await stage.start(of, container)
            assert [binding.host_port for binding in started.bindings] == [port.host_port for port in ports]
            (observed,) = await stage.runtime.observe()
            assert observed.bindings == started.bindings
            look = ContainerSpec("look", busybox, ("sh", "-c", "ls /sys/class/net | grep -c -v '^lo$'; true"))
            (others,) = await told(stage, of, look)
            assert (int(others) > 0) == (mode == "host")

    asyncio.run(play())


def test_what_the_engine_refuses_to_create(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            with pytest.raises(CannotCreateContainerError, match="Error response from daemon: Minimum memory limit"):
                await stage.start(task(), replace(stage.container("polite"), memory=1))

    asyncio.run(play())


def test_logs_in_pieces_and_from_an_instant_on(busybox: str) -> None:
    script = "echo one; head -c 40000 /dev/zero | tr '\\0' x; echo; echo; sleep 0.1; echo last >&2; printf end"

    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of = task()
            container = replace(stage.container("polite"), command=("sh", "-c", script))
            assert await told(stage, of, container) == ["one", "x" * 40000, "", "last", "end"]
            lines = [line async for line in stage.runtime.logs(of.arn, "polite", None)]
            assert sorted(lines, key=lambda line: line.at) == lines
            rest: list[LogLine] = [line async for line in stage.runtime.logs(of.arn, "polite", lines[3].at)]
            assert [line.message for line in rest] == ["last", "end"]
            teletype = replace(container, name="tty", pseudo_terminal=True, command=("sh", "-c", "echo a; echo b"))
            assert await told(stage, of, teletype) == ["a", "b"]

    asyncio.run(play())


def test_a_follower_of_logs_may_leave(busybox: str) -> None:
    async def play() -> None:
        async with docker_stage(busybox) as stage:
            of = task()
            chatty = replace(stage.container("polite"), command=("yes",))
            await stage.start(of, chatty)
            seen = 0
            lines = stage.runtime.logs(of.arn, "polite", None)
            async for _ in lines:
                seen += 1
                if seen == 20_000:
                    break
            await lines.aclose()  # type: ignore[attr-defined]  # the port promises an iterator; this one is a generator
            quiet = replace(stage.container("deaf"), name="quiet")
            await stage.start(of, quiet)

            async def follow() -> None:
                async for _ in stage.runtime.logs(of.arn, "quiet", None):
                    said.set()

            said = asyncio.Event()
            following = asyncio.create_task(follow())
            await said.wait()
            following.cancel()
            with pytest.raises(asyncio.CancelledError):
                await following

    asyncio.run(play())

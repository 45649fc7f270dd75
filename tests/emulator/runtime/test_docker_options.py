"""What the engine is asked for, where no container can show it."""

from dataclasses import replace

from emulator.runtime.docker_options import container_name, create_document
from emulator.runtime.specs import ContainerSpec, HealthCheck, Mount, PortMapping
from tests.emulator.runtime.stages import task

_APP = ContainerSpec("my-app_1", "app:1")


def test_names_are_the_agents_and_always_the_same() -> None:
    of = task()
    name = container_name(of, "my-app_1")
    assert name.startswith("ecs-conformance-1-myapp1-")
    assert name == container_name(of, "my-app_1")
    assert len({name, container_name(of, "myapp1"), container_name(task(), "my-app_1")}) == 3


def test_labels_cannot_be_forged_by_the_task() -> None:
    forged = replace(_APP, docker_labels={"ashore.server": "other", "mine": "1"})
    labels = create_document("server", task(service_arn="arn:s"), forged, "sha256:1")["Labels"]
    assert (labels["ashore.server"], labels["mine"], labels["ashore.service"]) == ("server", "1", "arn:s")
    assert "ashore.host" not in labels


def test_the_images_own_health_check_is_ignored() -> None:
    assert create_document("server", task(), _APP, "sha256:1")["Healthcheck"] == {"Test": ["NONE"]}
    checked = replace(_APP, health_check=HealthCheck(("CMD", "true"), 5, 2.5, 4, 10))
    assert create_document("server", task(), checked, "sha256:1")["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 5_000_000_000,
        "Timeout": 2_500_000_000,
        "Retries": 4,
        "StartPeriod": 10_000_000_000,
    }


def test_limits() -> None:
    host = create_document("server", task(cpu_limit=512, memory_limit=100), _APP, "sha256:1")["HostConfig"]
    assert (host["CpuShares"], host["CpuQuota"], host["Memory"]) == (2, 50_000, 100 << 20)
    assert host["MemorySwap"] == host["Memory"]
    own = replace(_APP, cpu=256, memory=10, memory_reservation=5)
    host = create_document("server", task(), own, "sha256:1")["HostConfig"]
    assert (host["CpuShares"], host["Memory"], host["MemoryReservation"]) == (256, 10 << 20, 5 << 20)
    assert "CpuQuota" not in host


def test_swap_is_beyond_memory_and_only_where_it_is_asked_for() -> None:
    own = replace(_APP, memory=10, swappiness=30)
    assert "MemorySwappiness" not in create_document("server", task(), own, "sha256:1")["HostConfig"]
    host = create_document("server", task(), replace(own, swap_mib=5), "sha256:1")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["MemorySwappiness"]) == (10 << 20, 15 << 20, 30)


def test_namespaces_of_processes_and_shared_memory() -> None:
    shared = task(pid_mode="host", ipc_mode="none")
    host = create_document("server", shared, _APP, "sha256:1")["HostConfig"]
    assert (host["PidMode"], host["IpcMode"]) == ("host", "none")
    together = task(network_mode="awsvpc", pid_mode="task", ipc_mode="task")
    host = create_document("server", together, _APP, "sha256:1")["HostConfig"]
    assert host["PidMode"] == host["IpcMode"] == host["NetworkMode"]
    assert "PidMode" not in create_document("server", task(), _APP, "sha256:1")["HostConfig"]


def test_one_container_port_may_be_published_twice() -> None:
    ports = (PortMapping(53, 53, "udp"), PortMapping(80, 8080), PortMapping(80, 0))
    host = create_document("server", task(), replace(_APP, ports=ports), "sha256:1")["HostConfig"]
    assert host["PortBindings"] == {
        "53/udp": [{"HostIp": "127.10.77.2", "HostPort": "53"}],
        "80/tcp": [{"HostIp": "127.10.77.2", "HostPort": "8080"}, {"HostIp": "127.10.77.2", "HostPort": ""}],
    }


def test_kinds_of_mounts() -> None:
    mounts = (Mount("/srv", "/a", True, "bind"), Mount("all", "/b", kind="shared-volume"), Mount("own", "/c"))
    host = create_document("server", task(), replace(_APP, mounts=mounts), "sha256:1")["HostConfig"]
    assert host["Binds"] == ["/srv:/a:ro"]
    shared, own = host["Mounts"]
    assert (shared["Source"], shared["VolumeOptions"]["Labels"]) == ("all", {"ashore.server": "server"})
    assert own["Source"].endswith("-own")
    assert len(own["VolumeOptions"]["Labels"]) == 2

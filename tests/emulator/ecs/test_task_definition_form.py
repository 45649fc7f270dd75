"""What ECS fills in and computes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ecs.errors import ClientException
from emulator.ecs.task_definition_form import compatibilities, normalise
from tests.emulator.ecs.control_plane import container, definition, fargate_definition


def test_defaults_are_filled_in_and_nothing_else() -> None:
    assert normalise(definition()) == {
        "family": "web",
        "volumes": [],
        "placementConstraints": [],
        "containerDefinitions": [
            {
                "name": "app", "image": "busybox", "memory": 64, "cpu": 0, "essential": True, "portMappings": [],
                "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": [],
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "given_", "shown"),
    [
        (None, {"containerPort": 80}, {"containerPort": 80, "hostPort": 0, "protocol": "tcp"}),
        ("bridge", {"containerPort": 80, "hostPort": 8080}, {"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}),
        ("host", {"containerPort": 80}, {"containerPort": 80, "hostPort": 80, "protocol": "tcp"}),
        ("awsvpc", {"containerPort": 53, "protocol": "udp"}, {"containerPort": 53, "hostPort": 53, "protocol": "udp"}),
        ("awsvpc", {"containerPortRange": "80-90"}, {"containerPortRange": "80-90", "protocol": "tcp"}),
    ],
)
def test_ports_are_filled_in_by_network_mode(mode: str | None, given_: Any, shown: Any) -> None:
    members = {"networkMode": mode} if mode else {}
    request = definition(containerDefinitions=[container(portMappings=[given_])], **members)
    assert normalise(request)["containerDefinitions"][0]["portMappings"] == [shown]


def test_a_health_check_gets_its_defaults_and_no_start_period() -> None:
    request = definition(containerDefinitions=[container(healthCheck={"command": ["CMD", "true"], "retries": 5})])
    check = normalise(request)["containerDefinitions"][0]["healthCheck"]
    assert check == {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 5}


@pytest.mark.parametrize(
    ("cpu", "memory", "shown"),
    [
        ("256", "512", ("256", "512")),
        ("1 vCPU", "2 GB", ("1024", "2048")),
        (".25 vcpu", "0.5GB", ("256", "512")),
        ("2vCPU", "4gb", ("2048", "4096")),
    ],
)
def test_task_sizes_are_shown_in_units(cpu: str, memory: str, shown: tuple[str, str]) -> None:
    body = normalise(definition(cpu=cpu, memory=memory))
    assert (body["cpu"], body["memory"]) == shown


@pytest.mark.parametrize("cpu", ["much", "1 GB", "-256", "0", "1e3", "inf vCPU", "0.0001 vCPU", "²"])
def test_other_sizes_are_refused(cpu: str) -> None:
    with pytest.raises(ClientException, match=r"Invalid 'cpu' setting for task\. For more"):
        normalise(definition(cpu=cpu))


@given(st.text(min_size=1, max_size=12))
def test_a_size_is_either_a_whole_number_or_refused(memory: str) -> None:
    try:
        body = normalise(definition(memory=memory))
    except ClientException:
        return
    assert int(body["memory"]) > 0


def test_compatibilities_are_computed() -> None:
    assert compatibilities(normalise(definition()), 4566) == ["EXTERNAL", "EC2"]
    assert compatibilities(normalise(fargate_definition()), 4566) == ["EC2", "FARGATE", "MANAGED_INSTANCES"]
    assert compatibilities(normalise(definition(networkMode="awsvpc")), 4566) == ["EC2", "MANAGED_INSTANCES"]

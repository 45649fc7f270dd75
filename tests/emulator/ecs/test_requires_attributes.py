"""What a task definition needs of a host."""

from typing import Any

import pytest

from emulator.ecs.requires_attributes import ALL_CAPABILITIES, is_ecr_image, requires_attributes
from emulator.ecs.task_definition_form import normalise
from tests.emulator.ecs.control_plane import container, definition

ROLE = "arn:aws:iam::111122223333:role/r"
LOGS = {"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1", "awslogs-group": "web"}}


def needs(request: Any) -> set[str]:
    names = {item["name"] for item in requires_attributes(normalise(request), 4566)}
    return {name.removeprefix("com.amazonaws.").removeprefix("ecs.capability.") for name in names}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (definition(taskRoleArn=ROLE), {"task-iam-role"}),
        (definition(taskRoleArn=ROLE, networkMode="host"), {"task-iam-role-network-host"}),
        (definition(networkMode="awsvpc"), {"task-eni"}),
        (definition(cpu="256"), {"task-cpu-mem-limit"}),
        (definition(pidMode="task"), {"pid-ipc-namespace-sharing"}),
        (definition(containerDefinitions=[container(privileged=True)]), {"privileged-container"}),
        (definition(containerDefinitions=[container(stopTimeout=5)]), {"container-ordering"}),
        (definition(containerDefinitions=[container(image="localhost:4566/a")]), {"ecr-auth"}),
        (
            definition(containerDefinitions=[container(image="localhost:4566/a")], executionRoleArn=ROLE),
            {"ecr-auth", "execution-role-ecr-pull"},
        ),
        (
            definition(containerDefinitions=[container(logConfiguration=LOGS)], executionRoleArn=ROLE),
            {"logging-driver.awslogs", "execution-role-awslogs", "docker-remote-api.1.18", "docker-remote-api.1.19"},
        ),
        (
            definition(containerDefinitions=[container(repositoryCredentials={"credentialsParameter": "registry"})]),
            {"private-registry-authentication.secretsmanager"},
        ),
        (
            definition(containerDefinitions=[container(healthCheck={"command": ["CMD", "true"]})]),
            {"container-health-check", "docker-remote-api.1.24"},
        ),
    ],
)
def test_a_feature_needs_its_capability_and_a_host_has_it(request_: Any, expected: set[str]) -> None:
    assert needs(request_) == {"docker-remote-api.1.17", *expected}
    assert {item["name"] for item in requires_attributes(normalise(request_), 4566)} <= set(ALL_CAPABILITIES)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            definition(containerDefinitions=[container(environmentFiles=[{"type": "s3", "value": "arn:x/y.env"}])]),
            "env-files.s3",
        ),
        (definition(volumes=[{"name": "x", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]), "efs"),
        (definition(volumes=[{"name": "x", "dockerVolumeConfiguration": {"driver": "rex"}}]), "docker-plugin.rex"),
    ],
)
def test_what_is_not_emulated_is_a_capability_that_no_host_has(request_: Any, expected: str) -> None:
    assert f"ecs.capability.{expected}" not in ALL_CAPABILITIES
    assert expected in needs(request_)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:1", True),
        ("localhost:4566/team/app", True),
        ("localhost:5000/team/app", False),
        ("public.ecr.aws/nginx/nginx", False),
        ("busybox", False),
    ],
)
def test_images_of_ecr_are_known_by_their_registry(image: str, expected: bool) -> None:
    assert is_ecr_image(image, 4566) is expected

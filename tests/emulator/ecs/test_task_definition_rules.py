"""What RegisterTaskDefinition refuses, in ECS's words."""

import re
from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.task_definitions import register_task_definition
from emulator.errors import AwsError
from tests.emulator.ecs.control_plane import container, definition, fargate_definition


def two(first: dict[str, Any], second: dict[str, Any] | None = None) -> Any:
    return definition(containerDefinitions=[container(**first), container(**{"name": "side", **(second or {})})])


def one(mode: str | None = None, **members: Any) -> Any:
    return definition(containerDefinitions=[container(**members)], **({"networkMode": mode} if mode else {}))


def after(name: str, condition: str) -> list[dict[str, str]]:
    return [{"containerName": name, "condition": condition}]


NONE = {"logDriver": "awslogs", "options": {}}
LOGS = {"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1", "awslogs-group": "web"}}
_OPTIONS = {"awslogs-region": "eu-west-1", "awslogs-group": "web", "awslogs-stream-prefix": "web"}
PREFIXED = {"logDriver": "awslogs", "options": _OPTIONS}

REFUSED: list[tuple[Any, str]] = [
    (definition(family="a b"), "Family contains invalid characters."),
    (definition(containerDefinitions=[]), "Container list cannot be empty."),
    (one(name=""), "Container.name should not be null or empty."),
    (one(image=""), "Container.image should not be null or empty."),
    (one(image="a b"), "Container.image contains invalid characters."),
    (
        one(systemControls=[{"namespace": "net.core.somaxconn"}]),
        "System controls of container 'app' need a namespace and a value.",
    ),
    (two({"name": "side"}), "Container names must be unique within a Task Definition."),
    (two({"essential": False}, {"essential": False}), "At least one container must be marked essential."),
    (
        one(memory=0),
        "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ),
    (
        one(memoryReservation=65),
        "Invalid setting for container 'app'. The value of 'memoryReservation' must not be greater than 'memory'.",
    ),
    (
        definition(cpu="256", containerDefinitions=[container(cpu=512)]),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ),
    (definition(memory="32"), "The 'memory' setting for container is greater than for the task"),
    (one("awsvpc", links=["side"]), "Links are not supported when networkMode=awsvpc."),
    (one("host", links=["side"]), "Links are not supported when networkMode=host."),
    (one("awsvpc", hostname="a"), "hostname is not supported on container when networkMode=awsvpc."),
    (one(portMappings=[{}]), "Invalid 'containerPort' setting for container 'app'."),
    (one(portMappings=[{"containerPort": 70000}]), "Invalid 'containerPort' setting for container 'app'."),
    (
        one("awsvpc", portMappings=[{"containerPort": 80, "hostPort": 8080}]),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ),
    (one("none", portMappings=[{"containerPort": 80}]), "Port mappings are not supported when networkMode=none."),
    (one(portMappings=[{"containerPort": 80, "name": "-a"}]), "Invalid port mapping name '-a'."),
    (one(portMappings=[{"containerPort": 80, "appProtocol": "http"}]), "appProtocol requires a name"),
    (one(portMappings=[{"containerPortRange": "9-1"}]), "Invalid 'containerPortRange' setting for container 'app'."),
    (one(mountPoints=[{"sourceVolume": "x", "containerPath": "/x"}]), "Unknown volume 'x'."),
    (definition(volumes=[{"name": "x"}, {"name": "x"}]), "Volume names must be unique"),
    (
        definition(
            volumes=[{"name": "x", "host": {"sourcePath": "/"}, "efsVolumeConfiguration": {"fileSystemId": "f"}}]
        ),
        "Volume 'x' has more than one configuration.",
    ),
    (one(healthCheck={"command": ["true"]}), "Health check command must begin with CMD or CMD-SHELL."),
    (one(healthCheck={"command": ["CMD", "true"], "interval": 1}), "Health check interval must be between 5 and 300."),
    (one(logConfiguration=NONE), "Log driver awslogs requires options: awslogs-region, awslogs-group"),
    (one(restartPolicy={"enabled": True, "restartAttemptPeriod": 5}), "restartPolicy.restartAttemptPeriod"),
    (one(ulimits=[{"name": "nofile", "softLimit": 9, "hardLimit": 1}]), "The softLimit of ulimit 'nofile'"),
    (one(resourceRequirements=[{"type": "GPU", "value": "x"}]), "The value of a GPU resource requirement"),
    (one(environment=[{"value": "a"}]), "Environment variables of container 'app' need a name."),
    (one(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::b/a.txt"}]), "environmentFiles.value must be"),
    (
        one(secrets=[{"name": "A", "valueFrom": "a"}]),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ),
    (
        two({"dependsOn": after("side", "SUCCESS")}),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    (two({"dependsOn": after("side", "HEALTHY")}), "Container 'side' needs a healthCheck"),
    (two({"dependsOn": after("none", "START")}), "Invalid dependency of container 'app': 'none'."),
    (two({"dependsOn": after("side", "START")}, {"dependsOn": after("app", "START")}), "must not contain a cycle"),
    (two({"links": ["side"]}, {"links": ["app:a"]}), "Container links should not have a cycle"),
    (two({"links": ["none"]}), "Unknown container 'none' in links of 'app'."),
    (two({"volumesFrom": [{"sourceContainer": "none"}]}), "Unknown container 'none' in volumesFrom of 'app'."),
    (one(logConfiguration={"logDriver": "awsfirelens"}), "Log driver awsfirelens requires a container"),
    (one(command=["x" * 70000]), "Max allowed length is '65536' bytes."),
    (definition(networkMode="awsvpc", requiresCompatibilities=["EXTERNAL"]), "EXTERNAL does not support"),
    (definition(placementConstraints=[{"type": "distinctInstance"}]), "should be memberOf"),
]

FARGATE: list[tuple[Any, str]] = [
    (fargate_definition(networkMode="bridge"), "Fargate only supports network mode ‘awsvpc’."),  # noqa: RUF001 - AWS's quotes
    (fargate_definition(cpu=None), "Fargate requires that 'cpu' be defined at the task level."),
    (fargate_definition(memory=None), "Fargate requires that 'memory' be defined at the task level."),
    (fargate_definition(memory="4096"), "No Fargate configuration exists for given values."),
    (
        fargate_definition(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
        "No Fargate configuration exists for given values.",
    ),
    (
        fargate_definition({"image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app"}),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    (
        fargate_definition({"image": "localhost:4566/app"}),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    ),
    (
        fargate_definition({"logConfiguration": LOGS}),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ),
    (
        fargate_definition({"logConfiguration": LOGS}, executionRoleArn="arn:aws:iam::1:role/r"),
        "Log driver awslogs requires options: awslogs-stream-prefix",
    ),
    (fargate_definition(ipcMode="task"), "Tasks using the Fargate launch type do not support ipcMode."),
    (
        fargate_definition(pidMode="host"),
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
    ),
    (fargate_definition({"privileged": True}), "privileged"),
    (fargate_definition({"logConfiguration": {"logDriver": "syslog"}}), "log driver syslog"),
    (fargate_definition({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}), "SYS_PTRACE"),
    (fargate_definition({"ulimits": [{"name": "core", "softLimit": 1, "hardLimit": 1}]}), "nofile"),
    (fargate_definition({"stopTimeout": 121}), "Invalid 'stopTimeout' setting"),
    (fargate_definition(volumes=[{"name": "x", "host": {"sourcePath": "/x"}}]), "host.sourcePath"),
    (fargate_definition(volumes=[{"name": "x", "dockerVolumeConfiguration": {"scope": "task"}}]), "dockerVolume"),
    (fargate_definition(ephemeralStorage={"sizeInGiB": 20}), "between 21 and 200"),
    (fargate_definition(placementConstraints=[{"type": "memberOf", "expression": "attribute:a == b"}]), "placement"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "message"), [*REFUSED, *FARGATE], ids=lambda value: value if isinstance(value, str) else ""
)
def test_it_is_refused(context: Context, request_: Any, message: str) -> None:
    with pytest.raises(ClientException, match=re.escape(message)):
        register_task_definition(context, request_)


@pytest.mark.parametrize("request_", [request for request, _ in FARGATE])
def test_without_asking_for_fargate_it_is_accepted_and_fargate_is_not_among_the_compatibilities(
    context: Context, request_: Any
) -> None:
    request: Any = {**request_, "requiresCompatibilities": ["EC2"]}
    result = register_task_definition(context, request)
    assert "FARGATE" not in result["taskDefinition"]["compatibilities"]


def test_a_blank_family_and_a_bad_expression_are_invalid_parameters(context: Context) -> None:
    for request in (
        definition(family=""),
        definition(placementConstraints=[{"type": "memberOf", "expression": "attribute:a =="}]),
    ):
        with pytest.raises(InvalidParameterException):
            register_task_definition(context, request)


@pytest.mark.parametrize(
    "request_",
    [
        one("host", portMappings=[{"containerPort": 80}]),
        one("none"),
        one(memory=None, memoryReservation=32),
        definition(memory="128", containerDefinitions=[{"name": "app", "image": "busybox"}]),
        two({"dependsOn": after("side", "SUCCESS")}, {"essential": False}),
        two({"dependsOn": after("side", "HEALTHY")}, {"healthCheck": {"command": ["CMD-SHELL", "true"]}}),
        two({"links": ["side:db"], "volumesFrom": [{"sourceContainer": "side"}]}),
        definition(volumes=[{"name": "x", "host": {}}, {"name": "y"}]),
        one(environmentFiles=[{"type": "s3", "value": "arn:aws:s3:::bucket/app.env"}]),
        fargate_definition({"logConfiguration": PREFIXED}, executionRoleArn="arn:aws:iam::1:role/r"),
        fargate_definition(cpu="1 vCPU", memory="3 GB", pidMode="task"),
        fargate_definition(cpu="16384", memory="122880"),
    ],
)
def test_it_is_accepted(context: Context, request_: Any) -> None:
    assert register_task_definition(context, request_)["taskDefinition"]["status"] == "ACTIVE"


def test_a_refused_definition_leaves_no_revision(context: Context) -> None:
    with pytest.raises(AwsError):
        register_task_definition(context, one(image=""))
    assert register_task_definition(context, definition())["taskDefinition"]["revision"] == 1

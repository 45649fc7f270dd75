"""What an Express service may ask for, and ECS's defaults, as the model's documentation and the developer guide say them.

Texts that are not quoted anywhere are (unconfirmed).
"""

import re
from collections.abc import Mapping
from typing import Any

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.service_rules import definition_of
from emulator.state.ecs import TaskDefinitionRow

MAIN = "Main"
"""The name of the container that gets the traffic."""
_METRICS = ("AVERAGE_CPU", "AVERAGE_MEMORY", "REQUEST_COUNT_PER_TARGET")
_ARCHITECTURES = ("X86_64", "ARM64")
_OF_DEFINITION = ("primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory", "cpuArchitecture")
_PATH = re.compile(r"/[\x21-\x7e]{0,1023}")
_MOST_TARGET = 65536
_SCALING = {"minTaskCount": 1, "maxTaskCount": 20, "autoScalingMetric": "AVERAGE_CPU", "autoScalingTargetValue": 60}
_DEFAULTS: Mapping[str, Any] = {"healthCheckPath": "/ping", "cpu": "256", "memory": "512"}


def new_configuration(context: Context, request: Mapping[str, Any], log_group: str) -> dict[str, Any]:
    """The configuration that a Create call asks for, with defaults."""
    own = "taskDefinitionArn" in request
    if not own:
        for member in ("executionRoleArn", "primaryContainer"):
            if not request.get(member):
                raise InvalidParameterException(f"{member} must be specified when taskDefinitionArn is not specified.")
    base = {"healthCheckPath": _DEFAULTS["healthCheckPath"]} if own else {**_DEFAULTS, "cpuArchitecture": "X86_64"}
    return _configuration(context, {**base, "scalingTarget": dict(_SCALING)}, request, log_group)


def changed_configuration(
    context: Context, before: Mapping[str, Any], request: Mapping[str, Any], log_group: str
) -> dict[str, Any]:
    """`before` with what an Update call gives; what it does not give stays."""
    return _configuration(context, before, request, log_group)


def _configuration(
    context: Context, before: Mapping[str, Any], request: Mapping[str, Any], log_group: str
) -> dict[str, Any]:
    _check_exclusive(request)
    if "taskDefinitionArn" in request:
        kept = {member: value for member, value in before.items() if member not in _OF_DEFINITION}
        own = read_definition(definition_of(context, request["taskDefinitionArn"]))
        made = {**kept, **own, "ownDefinition": True}
    else:
        made = _described(before, {member: request[member] for member in _OF_DEFINITION if member in request})
    if "primaryContainer" in request:
        made["primaryContainer"] = _container(request["primaryContainer"], log_group)
    if "healthCheckPath" in request:
        made["healthCheckPath"] = _path(request["healthCheckPath"])
    for member in ("executionRoleArn", "taskRoleArn"):
        if member in request:
            check_role(member, request[member])
    if made.get("cpuArchitecture", "X86_64") not in _ARCHITECTURES:
        raise InvalidParameterException(f"cpuArchitecture should be one of [{','.join(_ARCHITECTURES)}]")
    made["scalingTarget"] = _scaling({**before["scalingTarget"], **request.get("scalingTarget", {})})
    return made


def _described(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of which ECS makes the task definition."""
    if not given or not before.get("ownDefinition"):
        return {**before, **given}
    for member in ("primaryContainer", "executionRoleArn"):
        if member not in given:
            raise InvalidParameterException(
                f"{member} must be specified when the service no longer uses its own task definition."
            )
    kept = {member: value for member, value in before.items() if member not in {*_OF_DEFINITION, "ownDefinition"}}
    return {**_DEFAULTS, "cpuArchitecture": "X86_64", **kept, **given}


def _check_exclusive(request: Mapping[str, Any]) -> None:
    beside = [member for member in _OF_DEFINITION if member in request]
    if "taskDefinitionArn" in request and beside:
        raise InvalidParameterException(f"{', '.join(beside)} cannot be specified together with taskDefinitionArn.")


def check_role(member: str, text: str) -> None:
    """Raise InvalidParameterException unless `text` is a role's ARN; whether there is such a role is not asked."""
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
        raise InvalidParameterException(f"{member} must be the ARN of an IAM role. Got: {text}")


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise InvalidParameterException("healthCheckPath must start with a forward slash.")
    return text


def _container(given: Mapping[str, Any], log_group: str) -> dict[str, Any]:
    port = given.get("containerPort", 80)
    if not 1 <= port <= 65535:
        raise InvalidParameterException("containerPort must be between 1 and 65535.")
    logs = given.get("awsLogsConfiguration") or {"logGroup": log_group, "logStreamPrefix": "ecs"}
    return {**given, "containerPort": port, "awsLogsConfiguration": dict(logs)}


def _scaling(asked: Mapping[str, Any]) -> dict[str, Any]:
    least, most = asked["minTaskCount"], asked["maxTaskCount"]
    if not 1 <= least <= most:
        raise InvalidParameterException("minTaskCount must be at least 1 and not greater than maxTaskCount.")
    if asked["autoScalingMetric"] not in _METRICS:
        raise InvalidParameterException(f"autoScalingMetric should be one of [{','.join(_METRICS)}]")
    top = _MOST_TARGET if asked["autoScalingMetric"] == "REQUEST_COUNT_PER_TARGET" else 100
    if not 1 <= asked["autoScalingTargetValue"] <= top:
        raise InvalidParameterException(f"autoScalingTargetValue must be between 1 and {top}.")
    return dict(asked)


def read_definition(definition: TaskDefinitionRow) -> dict[str, Any]:
    """What a configuration shows of a user's own task definition.

    Raises:
        InvalidParameterException: it is none for Express services.

    """
    body = definition.body
    main = next((item for item in body["containerDefinitions"] if item["name"] == MAIN), None)
    if main is None:
        raise InvalidParameterException(f"The task definition must have a container named {MAIN}.")
    ports = [item for item in main["portMappings"] if item.get("protocol", "tcp") == "tcp"]
    if len(main["portMappings"]) != 1 or len(ports) != 1 or not ports[0].get("name"):
        raise InvalidParameterException(
            f"The container {MAIN} must have a single TCP port mapping with a container port and a port name."
        )
    if "FARGATE" not in body.get("compatibilities", []):
        raise InvalidParameterException("The task definition must be compatible with FARGATE.")
    options = main.get("logConfiguration", {}).get("options", {})
    logs = {"logGroup": options.get("awslogs-group", ""), "logStreamPrefix": options.get("awslogs-stream-prefix", "")}
    container = {
        "image": main["image"],
        "containerPort": ports[0]["containerPort"],
        **({"awsLogsConfiguration": logs} if logs["logGroup"] else {}),
        **{
            name: main[name]
            for name in ("command", "environment", "secrets", "repositoryCredentials")
            if main.get(name)
        },
    }
    architecture = body.get("runtimePlatform", {}).get("cpuArchitecture")
    return {
        **{name: body[name] for name in ("executionRoleArn", "taskRoleArn", "cpu", "memory") if name in body},
        **({"cpuArchitecture": architecture} if architecture else {}),
        "primaryContainer": container,
        "taskDefinitionArn": definition.arn,
    }

"""What requests of each service need: every operation of the models has an answer, whatever its request says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.coverage import OPERATIONS
from api.wire.model import service_model
from api.wire.shapes import Shape
from emulator.context import Context
from emulator.iam.requests import checks_of
from emulator.iam.services import ecs as ecs_table
from emulator.iam.services import elasticbeanstalk as beanstalk_table
from emulator.iam.statements import UNTOLD
from tests.emulator.ecr.emulators import ACCOUNT, REGION, ecr_emulator

SERVICES = ("ecs", "ecr", "ecr-public", "elasticbeanstalk", "codedeploy")
TEXTS = ("web", f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web", "a/b:c", "")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    server = ecr_emulator(Path(tmp_path_factory.mktemp("services")))
    with server.transaction(ACCOUNT, REGION) as found:
        yield found
    server.store.close()


def value(shape: Shape, text: str) -> Any:
    """A value of the shape in which every string is `text`."""
    match shape.type:
        case "structure":
            return {name: value(member.shape, text) for name, member in shape.members.items()}
        case "list":
            assert shape.item is not None
            return [value(shape.item, text)]
        case "map":
            return {}
        case "boolean":
            return True
        case "string":
            return text
        case _:
            return 1


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_needs_something(context: Context, service: str) -> None:
    model = service_model(service)
    for operation in OPERATIONS[service]:
        shape = model.operations[operation].input
        for text in TEXTS:
            request = value(shape, text) if shape is not None else {}
            for given in (request, {}):
                found = list(checks_of(context, service, operation, given))
                if operation == "UpdateTagsForResource" and not given:
                    continue  # it is refused as a request
                assert found, operation
                own = [check for check in found if check.action not in {"iam:PassRole", "sts:GetServiceBearerToken"}]
                assert own, operation
                assert {check.action.partition(":")[0] for check in own} == {service}
                assert all(
                    check.resource in {"*", UNTOLD} or check.resource.startswith(("arn:", text)) for check in found
                )
                assert all(key == key.lower() for check in found for key in check.keys)


def test_the_tables_name_operations_and_members_of_the_model() -> None:
    model = service_model("ecs")
    for operation, named in ecs_table._RESOURCES.items():
        shape = model.operations[operation].input
        assert shape is not None
        assert {one.member for one in named} <= shape.members.keys(), operation
    assert beanstalk_table._KINDS.keys() <= service_model("elasticbeanstalk").operations.keys()


@pytest.mark.parametrize(
    ("service", "operation", "request_", "expected"),
    [
        ("ecs", "ListClusters", {}, [("ecs:ListClusters", "*")]),
        ("ecs", "DescribeClusters", {}, [("ecs:DescribeClusters", "ecs:cluster/default")]),
        ("ecs", "StopTask", {"cluster": "c", "task": "0a"}, [("ecs:StopTask", "ecs:task/c/0a")]),
        ("ecs", "RunTask", {"taskDefinition": "web"}, [("ecs:RunTask", "ecs:task-definition/web:*")]),
        ("ecs", "RunTask", {"taskDefinition": "web:3"}, [("ecs:RunTask", "ecs:task-definition/web:3")]),
        (
            "ecs",
            "ExecuteCommand",
            {"cluster": "c", "task": "0a"},
            [("ecs:ExecuteCommand", "ecs:cluster/c"), ("ecs:ExecuteCommand", "ecs:task/c/0a")],
        ),
        ("ecs", "CreateTaskSet", {"cluster": "c", "service": "s"}, [("ecs:CreateTaskSet", "ecs:task-set/c/s/*")]),
        (
            "ecs",
            "RunTask",
            {"taskDefinition": "w:1", "overrides": {"taskRoleArn": "arn:aws:iam::1:role/r"}},
            [("ecs:RunTask", "ecs:task-definition/w:1"), ("iam:PassRole", "arn:aws:iam::1:role/r")],
        ),
        ("ecr", "CreateRepository", {"repositoryName": "a"}, [("ecr:CreateRepository", "ecr:repository/a")]),
        ("ecr", "DescribeRepositories", {}, [("ecr:DescribeRepositories", "ecr:repository/*")]),
        ("ecr", "GetAuthorizationToken", {}, [("ecr:GetAuthorizationToken", "*")]),
        (
            "elasticbeanstalk",
            "CreateEnvironment",
            {"ApplicationName": "shop", "EnvironmentName": "prod"},
            [("elasticbeanstalk:CreateEnvironment", "elasticbeanstalk:environment/shop/prod")],
        ),
        ("elasticbeanstalk", "CreateStorageLocation", {}, [("elasticbeanstalk:CreateStorageLocation", "*")]),
        (
            "elasticbeanstalk",
            "SwapEnvironmentCNAMEs",
            {"SourceEnvironmentName": "a", "DestinationEnvironmentName": "b"},
            [
                ("elasticbeanstalk:SwapEnvironmentCNAMEs", "elasticbeanstalk:environment/*/a"),
                ("elasticbeanstalk:SwapEnvironmentCNAMEs", "elasticbeanstalk:environment/*/b"),
            ],
        ),
    ],
)
def test_resources(
    context: Context, service: str, operation: str, request_: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    def whole(resource: str) -> str:
        short = resource != "*" and not resource.startswith("arn:")
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource.partition(':')[2]}" if short else resource

    found = [(check.action, check.resource) for check in checks_of(context, service, operation, request_)]
    assert found == [(action, whole(resource)) for action, resource in expected]


def test_condition_keys(context: Context) -> None:
    request: dict[str, Any] = {
        "cluster": "c",
        "serviceName": "s",
        "taskDefinition": "web:1",
        "enableExecuteCommand": True,
        "tags": [{"key": "Team", "value": "a"}],
        "capacityProviderStrategy": [{"capacityProvider": "spot"}],
    }
    (check,) = checks_of(context, "ecs", "CreateService", request)
    prefix = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    assert check.keys == {
        "aws:requesttag/team": ["a"],
        "aws:tagkeys": ["Team"],
        "ecs:cluster": [f"{prefix}:cluster/c"],
        "ecs:task-definition": [f"{prefix}:task-definition/web:1"],
        "ecs:enable-execute-command": ["true"],
        "ecs:capacity-provider": [f"{prefix}:capacity-provider/spot"],
    }
    (created,) = checks_of(
        context, "elasticbeanstalk", "CreateApplicationVersion", {"ApplicationName": "shop", "VersionLabel": "v1"}
    )
    application = f"arn:aws:elasticbeanstalk:{REGION}:{ACCOUNT}:application/shop"
    assert created.keys["elasticbeanstalk:inapplication"] == [application]

"""What AWS JSON 1.1 answers to requests that do not fit."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
import pytest

from api.wire.messages import HttpRequest, WireError, not_emulated
from api.wire.protocols import protocol_of
from api.wire.results import ResultError
from emulator.errors import AwsError
from tests.api.wire.shapes import received

REPOSITORY_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
PREFIX = {
    "ecs": "AmazonEC2ContainerServiceV20141113",
    "ecr": "AmazonEC2ContainerRegistry_V20150921",
    "ecr-public": "SpencerFrontendService",
}


def request(service: str, operation: str, document: Any) -> HttpRequest:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return HttpRequest("POST", "/", "", {"x-amz-target": f"{PREFIX[service]}.{operation}"}, body)


def refusal(service: str, operation: str, document: Any) -> tuple[str, str]:
    with pytest.raises(WireError) as caught:
        protocol_of(service).parse(request(service, operation, document))
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"taskDefinition": 3}, "NUMBER_VALUE can not be converted to a String"),
        ({"taskDefinition": True}, "TRUE_VALUE can not be converted to a String"),
        ({"taskDefinition": {"a": 1}}, "Start of structure or map found where not expected."),
        ({"taskDefinition": ["a"]}, "Start of list found where not expected"),
        ({"taskDefinition": "web", "count": "2"}, "STRING_VALUE can not be converted to an Integer"),
        ({"taskDefinition": "web", "count": True}, "TRUE_VALUE can not be converted to an Integer"),
        ({"taskDefinition": "web", "count": 1.5}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"taskDefinition": "web", "count": 2**31}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"taskDefinition": "web", "enableECSManagedTags": "true"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"taskDefinition": "web", "tags": "a"}, "Expected list or null"),
        ({"taskDefinition": "web", "tags": ["a"]}, "Expected null"),
        ({"taskDefinition": "web", "overrides": "a"}, "Expected null"),
        (
            {"taskDefinition": "web", "overrides": {"containerOverrides": [{"command": [None]}]}},
            "NULL_VALUE can not be converted to a String",
        ),
        ([], "Start of list found where not expected"),
        ("text", "Expected null"),
    ],
)
def test_wrong_types(document: Any, message: str) -> None:
    assert refusal("ecs", "RunTask", document) == ("SerializationException", message)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'"\\ud800"', b"NaN", b"[" * 5000])
def test_what_is_not_json(body: bytes) -> None:
    code, message = refusal("ecs", "RunTask", body)
    assert (code, message.split(":")[0]) == ("SerializationException", "The request body is not JSON")


@pytest.mark.parametrize("target", ["", "RunTask", "Other.RunTasks", f"{PREFIX['ecs']}.", f"{PREFIX['ecs']}.runTask"])
def test_unknown_operations(target: str) -> None:
    with pytest.raises(WireError) as caught:
        protocol_of("ecr").parse(HttpRequest("POST", "/", "", {"x-amz-target": target}, b"{}"))
    assert caught.value.code == "UnknownOperationException"


@pytest.mark.parametrize(
    ("operation", "document", "expected"),
    [
        ("RunTask", {}, ("InvalidParameterException", "Task Definition can not be blank.")),
        ("RunTask", b"", ("InvalidParameterException", "Task Definition can not be blank.")),
        ("RunTask", {"taskDefinition": None}, ("InvalidParameterException", "Task Definition can not be blank.")),
        ("DescribeTasks", {"cluster": "a"}, ("InvalidParameterException", "Tasks cannot be empty.")),
        ("DescribeContainerInstances", {}, ("ClientException", "Container Instances cannot be empty.")),
        (
            "CreateService",
            {"serviceName": "a", "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True}}},
            ("InvalidParameterException", "Rollback can not be blank."),
        ),
    ],
)
def test_ecs_misses_a_required_member(operation: str, document: Any, expected: tuple[str, str]) -> None:
    assert refusal("ecs", operation, document) == expected


@pytest.mark.parametrize(
    ("operation", "document", "expected"),
    [
        (
            "RegisterTaskDefinition",
            {"family": "a", "containerDefinitions": [], "pidMode": "moon"},
            ("ClientException", "pid mode should be one of [host,task]"),
        ),
        (
            "RegisterTaskDefinition",
            {"family": "a", "containerDefinitions": [], "requiresCompatibilities": ["EC2", "MOON"]},
            (
                "ClientException",
                "requires compatibilities should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
            ),
        ),
        (
            "ListTasks",
            {"desiredStatus": "GONE"},
            ("InvalidParameterException", "desired status should be one of [RUNNING,PENDING,STOPPED]"),
        ),
    ],
)
def test_ecs_refuses_what_an_enumeration_does_not_hold(
    operation: str, document: Any, expected: tuple[str, str]
) -> None:
    assert refusal("ecs", operation, document) == expected


def test_ecs_checks_ranges_and_the_enumerations_that_it_words_itself_in_its_operations() -> None:
    document = {"taskDefinition": "web", "launchType": "MOON", "count": -5, "tags": [{"key": "x" * 999}]}
    assert protocol_of("ecs").parse(request("ecs", "RunTask", document)).params == document


@pytest.mark.parametrize(
    ("operation", "document", "parameter", "reason"),
    [
        ("CreateRepository", {}, "repositoryName", "Member must not be null"),
        ("CreateRepository", {"repositoryName": "a"}, "repositoryName", "must have length greater than or equal to 2"),
        (
            "CreateRepository",
            {"repositoryName": "UPPER"},
            "repositoryName",
            f"must satisfy regular expression '{REPOSITORY_NAME}'",
        ),
        (
            "DescribeRepositories",
            {"maxResults": 1001},
            "maxResults",
            "Member must have value less than or equal to 1000",
        ),
        (
            "BatchGetImage",
            {"repositoryName": "web", "imageIds": []},
            "imageIds",
            "Member must have length greater than or equal to 1",
        ),
        (
            "GetAuthorizationToken",
            {"registryIds": ["12345678901"]},
            "registryIds",
            "Member must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]{12}]",
        ),
        (
            "CreateRepository",
            {"repositoryName": "web", "encryptionConfiguration": {"encryptionType": "ROT13"}},
            "encryptionConfiguration.encryptionType",
            "Member must satisfy enum value set: [AES256, KMS, KMS_DSSE]",
        ),
        ("TagResource", {"resourceArn": "a", "tags": [{"Key": "a"}]}, "tags.1.member.Value", "Member must not be null"),
    ],
)
def test_ecr_tells_parameter_and_constraint(operation: str, document: Any, parameter: str, reason: str) -> None:
    message = f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{reason}'"
    assert refusal("ecr", operation, document) == ("InvalidParameterException", message)


def test_ecr_words_its_tag_mutability_itself() -> None:
    document = {"repositoryName": "web", "imageTagMutability": "SOMETIMES"}
    assert protocol_of("ecr").parse(request("ecr", "CreateRepository", document)).params == document


def test_unknown_members_and_nulls_are_ignored() -> None:
    document = {"maxResults": 5.0, "surprise": {"a": 1}, "nextToken": None}
    assert protocol_of("ecs").parse(request("ecs", "ListClusters", document)).params == {"maxResults": 5}


def test_a_blob_and_a_timestamp_that_are_none() -> None:
    part = {"repositoryName": "web", "uploadId": "0" * 8, "partFirstByte": 0, "partLastByte": 1, "layerPartBlob": "*"}
    assert refusal("ecr", "UploadLayerPart", part)[0] == "SerializationException"
    change = {"task": "a", "status": "STOPPED", "pullStartedAt": 1e300}
    assert refusal("ecs", "SubmitTaskStateChange", change)[0] == "SerializationException"


def test_a_union_has_exactly_one_member() -> None:
    gateway = {"name": "a", "infrastructureRoleArn": "b", "configuration": {}}
    assert refusal("ecs", "CreateGateway", gateway)[0] == "SerializationException"


class Status(StrEnum):
    ACTIVE = "ACTIVE"


def answered(document: dict[str, Any]) -> Any:
    return orjson.loads(protocol_of("ecs").answer("CreateCluster", {"cluster": document}, "id").body)["cluster"]


def test_results_leave_none_out_and_keep_empty_lists() -> None:
    result: dict[str, object] = {"clusterName": None, "status": Status.ACTIVE, "tags": [], "runningTasksCount": 0}
    assert answered(result) == {"status": "ACTIVE", "tags": [], "runningTasksCount": 0}


def test_instants_are_epoch_seconds_with_milliseconds() -> None:
    for instant in (datetime(2024, 11, 12, 16, 40, 53, 123456, UTC), 1731429653.1234):
        body = protocol_of("ecs").answer("RunTask", {"tasks": [{"createdAt": instant}]}, "id").body
        assert body == b'{"tasks":[{"createdAt":1731429653.123}]}'


@pytest.mark.parametrize(
    "document",
    [
        {"surprise": 1},
        {"clusterName": 3},
        {"runningTasksCount": "3"},
        {"runningTasksCount": True},
        {"tags": "a"},
        {"tags": [{"key": "a", "extra": "b"}]},
        {"configuration": [1]},
    ],
)
def test_results_that_do_not_fit_are_our_bug(document: dict[str, Any]) -> None:
    with pytest.raises(ResultError):
        answered(document)


def test_an_instant_without_a_zone_is_our_bug() -> None:
    naive = datetime(2024, 11, 12, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ResultError):
        protocol_of("ecs").answer("RunTask", {"tasks": [{"createdAt": naive}]}, "id")


class ConflictException(AwsError):
    pass


class AccessDenied(AwsError):
    pass


def test_an_error_carries_its_members_and_no_others() -> None:
    response = protocol_of("ecs").refuse(ConflictException("no", {"resourceIds": ["a"]}), "an-id")
    assert orjson.loads(response.body) == {"__type": "ConflictException", "message": "no", "resourceIds": ["a"]}
    assert response.headers == {
        "Content-Type": "application/x-amz-json-1.1",
        "x-amzn-RequestId": "an-id",
        "x-amzn-ErrorType": "ConflictException",
    }
    with pytest.raises(ResultError):
        protocol_of("ecs").refuse(ConflictException("no", {"resources": ["a"]}), "an-id")


@pytest.mark.parametrize(("service", "status"), [("ecs", 400), ("eks", 403), ("elasticbeanstalk", 403)])
def test_errors_that_no_model_lists(service: str, status: int) -> None:
    assert protocol_of(service).refuse(AccessDenied("no"), "id").status == status


@pytest.mark.parametrize("service", ["ecs", "eks", "elasticbeanstalk"])
def test_what_is_not_emulated_answers_501(service: str) -> None:
    response = protocol_of(service).refuse(not_emulated(service, "Fly"), "id")
    read = received(service, response, None)
    assert response.status == 501
    assert read["Error"]["Code"] == "NotImplementedException"
    assert read["Error"]["Message"] == f"{service}:Fly is not emulated yet; `ashore coverage {service}` lists what is."


def test_an_answer_that_is_told_the_time_says_it() -> None:
    now = datetime(2026, 11, 24, 2, 44, 29, tzinfo=UTC)
    for service, operation in [
        ("ecs", "ListClusters"),
        ("eks", "ListClusters"),
        ("elasticbeanstalk", "DescribeEvents"),
    ]:
        protocol = protocol_of(service)
        for response in (protocol.answer(operation, {}, "id", now), protocol.refuse(AccessDenied("no"), "id", now)):
            assert response.headers["Date"] == "Tue, 24 Nov 2026 02:44:29 GMT"

"""Creation templates, signing configuration, pull-time exclusions."""

from typing import Any

import pytest

from emulator.context import Context
from emulator.ecr.creation_templates import ensure_repository
from emulator.ecr.errors import (
    ExclusionAlreadyExistsException,
    ExclusionNotFoundException,
    InvalidParameterException,
    RepositoryNotFoundException,
    SigningConfigurationNotFoundException,
    TemplateAlreadyExistsException,
    TemplateNotFoundException,
    ValidationException,
)
from emulator.ecr.operations import OPERATIONS
from tests.emulator.ecr.emulators import ACCOUNT, add_image

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}]}'
LIFECYCLE = (
    '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", '
    '"countNumber": 9}, "action": {"type": "expire"}}]}'
)
PROFILE = f"arn:aws:signer:eu-west-1:{ACCOUNT}:/signing-profiles/release"


def do(context: Context, operation: str, **request: Any) -> Any:
    result = OPERATIONS[operation](context, request)
    context.session.flush()
    return result


def template(context: Context, prefix: str, *applied: str, **members: Any) -> Any:
    return do(context, "CreateRepositoryCreationTemplate", prefix=prefix, appliedFor=list(applied), **members)


def test_a_template_is_kept_changed_listed_and_deleted(context: Context) -> None:
    made = template(context, "prod", "CREATE_ON_PUSH", description="x")["repositoryCreationTemplate"]
    assert (made["imageTagMutability"], made["encryptionConfiguration"]) == ("MUTABLE", {"encryptionType": "AES256"})
    with pytest.raises(TemplateAlreadyExistsException):
        template(context, "prod", "REPLICATION")
    changed = do(context, "UpdateRepositoryCreationTemplate", prefix="prod", imageTagMutability="IMMUTABLE")
    assert changed["repositoryCreationTemplate"]["description"] == "x"
    template(context, "test", "REPLICATION")
    page = do(context, "DescribeRepositoryCreationTemplates", maxResults=1)
    assert [item["prefix"] for item in page["repositoryCreationTemplates"]] == ["prod"]
    page = do(context, "DescribeRepositoryCreationTemplates", nextToken=page["nextToken"])
    assert [item["prefix"] for item in page["repositoryCreationTemplates"]] == ["test"]
    none = do(context, "DescribeRepositoryCreationTemplates", prefixes=["absent"])
    assert none["repositoryCreationTemplates"] == []
    do(context, "DeleteRepositoryCreationTemplate", prefix="prod")
    with pytest.raises(TemplateNotFoundException):
        do(context, "DeleteRepositoryCreationTemplate", prefix="prod")


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"repositoryPolicy": "{}"}, InvalidParameterException),
        ({"lifecyclePolicy": "{}"}, InvalidParameterException),
        ({"encryptionConfiguration": {"encryptionType": "KMS"}}, ValidationException),
        ({"resourceTags": [{"Key": "a", "Value": "b"}]}, ValidationException),
        ({"appliedFor": []}, ValidationException),
    ],
)
def test_bad_templates(context: Context, members: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        do(context, "CreateRepositoryCreationTemplate", **{"prefix": "a", "appliedFor": ["REPLICATION"], **members})


def test_the_longest_prefix_of_whole_segments_wins(context: Context) -> None:
    template(context, "ROOT", "CREATE_ON_PUSH", "REPLICATION")
    template(context, "prod", "CREATE_ON_PUSH", imageTagMutability="IMMUTABLE")
    template(
        context,
        "prod/team",
        "CREATE_ON_PUSH",
        repositoryPolicy=POLICY,
        lifecyclePolicy=LIFECYCLE,
        resourceTags=[{"Key": "a", "Value": "b"}],
        customRoleArn=f"arn:aws:iam::{ACCOUNT}:role/x",
    )
    made = ensure_repository(context, "prod/team/app", "CREATE_ON_PUSH")
    assert made.tag_mutability == "MUTABLE"
    assert made.tags == [{"Key": "a", "Value": "b"}]
    assert do(context, "GetLifecyclePolicy", repositoryName=made.name)["lifecyclePolicyText"] == LIFECYCLE
    assert "ecr:*" in do(context, "GetRepositoryPolicy", repositoryName=made.name)["policyText"]
    assert ensure_repository(context, "prod/app", "CREATE_ON_PUSH").tag_mutability == "IMMUTABLE"
    assert ensure_repository(context, "production/app", "CREATE_ON_PUSH").tag_mutability == "MUTABLE"
    assert ensure_repository(context, "prod/other", "REPLICATION").tag_mutability == "MUTABLE"


def test_a_push_makes_no_repository_without_a_template(context: Context) -> None:
    with pytest.raises(RepositoryNotFoundException):
        ensure_repository(context, "prod/app", "CREATE_ON_PUSH")


def test_signing_is_configured_and_honestly_fails(context: Context) -> None:
    with pytest.raises(SigningConfigurationNotFoundException):
        do(context, "GetSigningConfiguration")
    filters = [{"filter": "team/*", "filterType": "WILDCARD_MATCH"}]
    configuration = {"rules": [{"signingProfileArn": PROFILE, "repositoryFilters": filters}]}
    do(context, "PutSigningConfiguration", signingConfiguration=configuration)
    assert do(context, "GetSigningConfiguration")["signingConfiguration"] == configuration
    do(context, "PutImage", repositoryName="team/app", imageManifest=add_image(context, "team/app"), imageTag="v1")
    status = do(context, "DescribeImageSigningStatus", repositoryName="team/app", imageId={"imageTag": "v1"})
    (shown,) = status["signingStatuses"]
    assert (shown["signingProfileArn"], shown["status"]) == (PROFILE, "FAILED")
    assert "not emulated" in shown["failureReason"]
    do(context, "DeleteSigningConfiguration")
    with pytest.raises(SigningConfigurationNotFoundException):
        do(context, "DeleteSigningConfiguration")


def test_pull_time_exclusions(context: Context) -> None:
    roles = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in "ba"]
    for role in roles:
        assert do(context, "RegisterPullTimeUpdateExclusion", principalArn=role)["principalArn"] == role
    with pytest.raises(ExclusionAlreadyExistsException):
        do(context, "RegisterPullTimeUpdateExclusion", principalArn=roles[0])
    page = do(context, "ListPullTimeUpdateExclusions", maxResults=1)
    assert page["pullTimeUpdateExclusions"] == roles[1:]
    rest = do(context, "ListPullTimeUpdateExclusions", nextToken=page["nextToken"])
    assert rest == {"pullTimeUpdateExclusions": roles[:1]}
    do(context, "DeregisterPullTimeUpdateExclusion", principalArn=roles[0])
    with pytest.raises(ExclusionNotFoundException):
        do(context, "DeregisterPullTimeUpdateExclusion", principalArn=roles[0])

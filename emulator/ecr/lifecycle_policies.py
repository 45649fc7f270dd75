"""The lifecycle policies of repositories: put, shown, deleted. When they act is decided in `lifecycle_loop`."""

from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, TypedDict

from emulator.context import Context
from emulator.ecr.errors import InvalidParameterException, LifecyclePolicyNotFoundException, invalid
from emulator.ecr.lifecycle.document import LifecyclePolicyError, parse_lifecycle_policy
from emulator.ecr.lifecycle_schedule import LOOP, SETTLING
from emulator.ecr.repositories import find_repository
from emulator.journal import Kind
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import LifecyclePolicyRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DeleteLifecyclePolicyRequestTypeDef,
        GetLifecyclePolicyRequestTypeDef,
        PutLifecyclePolicyRequestTypeDef,
    )


class PutLifecyclePolicyResult(TypedDict):
    """The policy, verbatim."""

    registryId: str
    repositoryName: str
    lifecyclePolicyText: str


class LifecyclePolicyResult(PutLifecyclePolicyResult):
    """The policy and when it was last applied."""

    lastEvaluatedAt: NotRequired[datetime]


def put_lifecycle_policy(context: Context, request: "PutLifecyclePolicyRequestTypeDef") -> PutLifecyclePolicyResult:
    """PutLifecyclePolicy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    text = request["lifecyclePolicyText"]
    check_lifecycle_policy(text)
    give_lifecycle_policy(context, repository, text)
    context.record(Kind.STATE_CHANGE, repository.arn, {"lifecyclePolicy": "PUT"})
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "lifecyclePolicyText": text,
    }


def get_lifecycle_policy(context: Context, request: "GetLifecyclePolicyRequestTypeDef") -> LifecyclePolicyResult:
    """GetLifecyclePolicy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    return _result(repository, lifecycle_policy_of(context, repository))


def delete_lifecycle_policy(context: Context, request: "DeleteLifecyclePolicyRequestTypeDef") -> LifecyclePolicyResult:
    """DeleteLifecyclePolicy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    row = lifecycle_policy_of(context, repository)
    context.session.delete(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, repository.arn, {"lifecyclePolicy": "DELETED"})
    return _result(repository, row)


def lifecycle_policy_of(context: Context, repository: RepositoryRow) -> LifecyclePolicyRow:
    """The repository's policy.

    Raises:
        LifecyclePolicyNotFoundException: it has none.

    """
    row = context.session.get(LifecyclePolicyRow, repository.arn)
    if row is None:
        raise LifecyclePolicyNotFoundException(repository.name, repository.account)
    return row


def give_lifecycle_policy(context: Context, repository: RepositoryRow, text: str) -> None:
    """Let the repository have a policy that has been checked."""
    row = context.session.get(LifecyclePolicyRow, repository.arn)
    if row is None:
        row = LifecyclePolicyRow(repository_arn=repository.arn, text=text, evaluated_at=None, evaluate_at=context.now)
        context.session.add(row)
    row.text, row.evaluate_at = text, context.now + SETTLING
    context.wake(LOOP, repository.arn)


def check_lifecycle_policy(text: str) -> None:
    """Refuse what is no policy, in AWS's words."""
    try:
        parse_lifecycle_policy(text)
    except LifecyclePolicyError as error:
        raise refused_policy(error) from error


def refused_policy(error: LifecyclePolicyError) -> InvalidParameterException:
    """AWS's sentence around the validator's."""
    return invalid("LifecyclePolicyText", f"Lifecycle policy validation failure: {error}")


def _result(repository: RepositoryRow, row: LifecyclePolicyRow) -> LifecyclePolicyResult:
    result: LifecyclePolicyResult = {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "lifecyclePolicyText": row.text,
    }
    if row.evaluated_at is not None:
        result["lastEvaluatedAt"] = row.evaluated_at
    return result

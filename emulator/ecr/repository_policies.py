"""The policies of repositories: set, shown, deleted. What they allow is decided in `access`."""

from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.access import access_of
from emulator.ecr.errors import RepositoryPolicyNotFoundException, invalid
from emulator.ecr.repositories import find_repository
from emulator.iam.documents import MalformedPolicyError, parse_policy, printed
from emulator.journal import Kind
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import PolicyRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DeleteRepositoryPolicyRequestTypeDef,
        GetRepositoryPolicyRequestTypeDef,
        SetRepositoryPolicyRequestTypeDef,
    )


MOST_TEXT = 10_240
"""Characters of a policy of ECR's."""
_REFUSED = "Invalid repository policy provided"


class RepositoryPolicyResult(TypedDict):
    """A repository's policy."""

    registryId: str
    repositoryName: str
    policyText: str


def set_repository_policy(context: Context, request: "SetRepositoryPolicyRequestTypeDef") -> RepositoryPolicyResult:
    """SetRepositoryPolicy. One that would keep its setter from setting another needs `force`."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    text = checked_policy(request["policyText"])
    again = access_of(context, repository, "ecr:SetRepositoryPolicy", text)
    if not again.allowed and not request.get("force", False):
        raise invalid("PolicyText", f"The policy would lock its author out: {again.reason}")  # (unconfirmed wording)
    context.session.merge(PolicyRow(subject=repository.arn, text=text))
    context.record(Kind.STATE_CHANGE, repository.arn, {"policy": "SET"})
    return _result(repository, text)


def get_repository_policy(context: Context, request: "GetRepositoryPolicyRequestTypeDef") -> RepositoryPolicyResult:
    """GetRepositoryPolicy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    return _result(repository, _row(context, repository).text)


def delete_repository_policy(
    context: Context, request: "DeleteRepositoryPolicyRequestTypeDef"
) -> RepositoryPolicyResult:
    """DeleteRepositoryPolicy."""
    repository = find_repository(context, request["repositoryName"], request.get("registryId"))
    row = _row(context, repository)
    context.session.delete(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, repository.arn, {"policy": "DELETED"})
    return _result(repository, row.text)


def checked_policy(text: str) -> str:
    """A repository's policy as it is kept and given back.

    Raises:
        InvalidParameterException: it is none, or names resources: the repository is the only one (reference: ecr.md §9).

    """
    try:
        policy = parse_policy(text, principals=True, resources=False, most=MOST_TEXT)
    except MalformedPolicyError as error:
        raise invalid("PolicyText", _REFUSED) from error
    if any(statement.resources is not None for statement in policy.statements):
        raise invalid("PolicyText", _REFUSED)
    return printed(text)


def _row(context: Context, repository: RepositoryRow) -> PolicyRow:
    row = context.session.get(PolicyRow, repository.arn)
    if row is None:
        raise RepositoryPolicyNotFoundException(repository.name, repository.account)
    return row


def _result(repository: RepositoryRow, text: str) -> RepositoryPolicyResult:
    return {"registryId": repository.account, "repositoryName": repository.name, "policyText": text}

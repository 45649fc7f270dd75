"""Whether a caller may do something in a repository: its policy and its registry's, read and judged (`emulator.iam`).

Who calls in is an ARN, with its own permissions where IAM is on. A server without IAM trusts the callers of the account that
owns a repository, so that only a Deny stops them, and lets those of other accounts in where a policy names them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecr.policy_texts import policy_texts
from emulator.ecr.registry_settings import setting_of
from emulator.errors import AwsError
from emulator.iam.checks import Check, resource_tags
from emulator.iam.decisions import Decision
from emulator.iam.documents import Policy, parse_policy
from emulator.iam.enforcement import Hanging, access_for, judged
from emulator.state.ecr import RepositoryRow

V1_ACTIONS = frozenset({"ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage"})
"""What a registry's policy can grant under REGISTRY_POLICY_SCOPE V1; under V2 any action of ECR's."""

T = TypeVar("T")


class AccessDeniedException(AwsError):
    """A policy forbids the call, or none allows it."""


def registry_arn(account: str, region: str) -> str:
    """What the policy of a registry is filed under."""
    return make_arn("ecr", region, account, "repository/")


def require_access(context: Context, repository: RepositoryRow, action: str) -> None:
    """Let the caller go on only where policies let it do `action` (such as `ecr:PutImage`) in `repository`.

    Raises:
        AccessDeniedException: they do not; with AWS's sentence.

    """
    decision = access_of(context, repository, action, told=True)
    if not decision.allowed:
        raise AccessDeniedException(decision.reason)


def access_of(
    context: Context, repository: RepositoryRow, action: str, policy_text: str | None = None, *, told: bool = False
) -> Decision:
    """Whether the caller may do `action` in `repository`, and why.

    Args:
        context: the caller's transaction.
        repository: whose policy is asked, and its registry's.
        action: such as `ecr:PutImage`.
        policy_text: judge by this instead of the repository's policy (before it is set).
        told: whether a refusal is one that the caller feels, and is journaled.

    """
    account, region = repository.account, repository.region
    texts = policy_texts(context, repository.arn, registry_arn(account, region))
    text = policy_text if policy_text is not None else texts.get(repository.arn)
    policies = [parse_policy(text, principals=True, resources=False, name=_named(repository))] if text else []
    policies += _speaking(context, account, region, action, texts)
    access = access_for(context, Check(action, repository.arn, _tags(repository)))
    return judged(context, access, Hanging(account, policies), told=told)


def _named(repository: RepositoryRow) -> str:
    return f"the policy of repository {repository.name}"


def registry_access_of(context: Context, account: str, region: str, action: str, name: str) -> Decision:
    """Whether the caller may do `action` on the repository `name` of a registry, which need not have it yet."""
    policies = registry_policies(context, account, region, action)
    arn = make_arn("ecr", region, account, f"repository/{name}")
    return judged(context, access_for(context, Check(action, arn)), Hanging(account, policies))


def registry_policies(context: Context, account: str, region: str, action: str) -> list[Policy]:
    """The registry's policy, where it may speak of `action`."""
    return _speaking(context, account, region, action, policy_texts(context, registry_arn(account, region)))


def _speaking(context: Context, account: str, region: str, action: str, texts: Mapping[str, str]) -> list[Policy]:
    text = texts.get(registry_arn(account, region))
    if not text or (action not in V1_ACTIONS and setting_of(context, account, region, "REGISTRY_POLICY_SCOPE") != "V2"):
        return []
    return [parse_policy(text, principals=True, resources=True, name="the registry's policy")]


def guarded(operation: str, function: Callable[[Context, Any], T]) -> Callable[[Context, Any], T]:
    """`function`, reached only by callers whom the policies of the repository that the request names let in."""

    @wraps(function)
    def guard(context: Context, request: Any) -> T:
        names = names_of(request)
        account = request.get("registryId") or context.account
        if account != context.account and not names:
            context = _elsewhere(context, account, operation)
        for name in names if operation != "CreateRepository" else ():
            row = context.session.get(RepositoryRow, make_arn("ecr", context.region, account, f"repository/{name}"))
            if row is not None and not _rescues(context, row, operation):
                require_access(context, row, f"ecr:{operation}")
        return function(context, request)

    return guard


def names_of(request: Mapping[str, Any]) -> Sequence[str]:
    """The repositories that a request names, by their names or by an ARN."""
    if "repositoryName" in request:
        return [request["repositoryName"]]
    _, repository, name = str(request.get("resourceArn", "")).partition(":repository/")
    return [name] if repository else request.get("repositoryNames") or ()


def _elsewhere(context: Context, account: str, operation: str) -> Context:
    """The same transaction, acting in another account's registry, where its policy lets the caller."""
    decision = registry_access_of(context, account, context.region, f"ecr:{operation}", "*")
    if not decision.allowed:
        raise AccessDeniedException(decision.reason)
    return replace(context, account=account)


def judges_itself(context: Context, arn: str) -> bool:
    """Whether what is asked of `arn` is judged here: it is a repository that exists."""
    return ":repository/" in arn and context.session.get(RepositoryRow, arn) is not None


def _tags(repository: RepositoryRow) -> dict[str, list[str]]:
    return resource_tags("ecr", repository.tags)


def _rescues(context: Context, row: RepositoryRow, operation: str) -> bool:
    """The owner's root can always take a policy away that locks everybody out (unconfirmed)."""
    root = context.principal.endswith(":root") and row.account == context.account
    return root and operation in {"DeleteRepositoryPolicy", "DeleteRepository"}

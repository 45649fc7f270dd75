"""Whether a caller may do something in a repository: its policy and its registry's, read and judged (`emulator.iam`).

Who calls in is an ARN. Identities' own policies are not asked here: a server without IAM trusts the callers of the account
that owns a repository, so that only a Deny stops them, and lets those of other accounts in where a policy names them.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from emulator.arns import make_arn, parse_arn
from emulator.context import Context
from emulator.ecr.policy_texts import policy_texts
from emulator.ecr.registry_settings import setting_of
from emulator.errors import AwsError
from emulator.iam.decisions import Decision, decide
from emulator.iam.documents import Policy, parse_policy
from emulator.iam.statements import Access
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
    decision = access_of(context, repository, action)
    if not decision.allowed:
        raise AccessDeniedException(decision.reason)


def access_of(context: Context, repository: RepositoryRow, action: str, policy_text: str | None = None) -> Decision:
    """Whether the caller may do `action` in `repository`, and why.

    Args:
        context: the caller's transaction.
        repository: whose policy is asked, and its registry's.
        action: such as `ecr:PutImage`.
        policy_text: judge by this instead of the repository's policy (before it is set).

    """
    account, region = repository.account, repository.region
    texts = policy_texts(context, repository.arn, registry_arn(account, region))
    text = policy_text if policy_text is not None else texts.get(repository.arn)
    policies = [parse_policy(text, principals=True, resources=False)] if text else []
    policies += _speaking(context, account, region, action, texts)
    access = Access(context.principal, action, repository.arn, keys_of(context, repository))
    return decide(access, account, policies)


def registry_access_of(context: Context, account: str, region: str, action: str, name: str) -> Decision:
    """Whether the caller may do `action` on the repository `name` of a registry, which need not have it yet."""
    policies = registry_policies(context, account, region, action)
    arn = make_arn("ecr", region, account, f"repository/{name}")
    return decide(Access(context.principal, action, arn, keys_of(context, None)), account, policies)


def registry_policies(context: Context, account: str, region: str, action: str) -> list[Policy]:
    """The registry's policy, where it may speak of `action`."""
    return _speaking(context, account, region, action, policy_texts(context, registry_arn(account, region)))


def _speaking(context: Context, account: str, region: str, action: str, texts: Mapping[str, str]) -> list[Policy]:
    text = texts.get(registry_arn(account, region))
    if not text or (action not in V1_ACTIONS and setting_of(context, account, region, "REGISTRY_POLICY_SCOPE") != "V2"):
        return []
    return [parse_policy(text, principals=True, resources=True)]


def guarded(operation: str, function: Callable[[Context, Any], T]) -> Callable[[Context, Any], T]:
    """`function`, reached only by callers whom the policies of the repository that the request names let in."""

    @wraps(function)
    def guard(context: Context, request: Any) -> T:
        names = [request["repositoryName"]] if "repositoryName" in request else request.get("repositoryNames") or ()
        account = request.get("registryId") or context.account
        if account != context.account and not names:
            context = _elsewhere(context, account, operation)
        for name in names if operation != "CreateRepository" else ():
            row = context.session.get(RepositoryRow, make_arn("ecr", context.region, account, f"repository/{name}"))
            if row is not None and not _rescues(context, row, operation):
                require_access(context, row, f"ecr:{operation}")
        return function(context, request)

    return guard


def _elsewhere(context: Context, account: str, operation: str) -> Context:
    """The same transaction, acting in another account's registry, where its policy lets the caller."""
    decision = registry_access_of(context, account, context.region, f"ecr:{operation}", "*")
    if not decision.allowed:
        raise AccessDeniedException(decision.reason)
    return Context(context.session, account, context.region, context.principal, context.request_id, context.emulator)


def keys_of(context: Context, repository: RepositoryRow | None) -> Mapping[str, list[str]]:
    """The condition keys that are known of a request, in lower case."""
    caller = parse_arn(context.principal)
    keys = {
        "aws:principalarn": [context.principal],
        "aws:principalaccount": [caller.account if caller else context.account],
        "aws:principaltype": [_kind(caller.resource if caller else "")],
        "aws:requestedregion": [context.region],
        "aws:currenttime": [context.now.isoformat()],
        "aws:epochtime": [str(int(context.now.timestamp()))],
        "aws:securetransport": ["false"],
    }
    for tag in repository.tags if repository is not None else ():
        for prefix in ("aws", "ecr"):
            keys[f"{prefix}:resourcetag/{tag['Key']}".lower()] = [tag["Value"]]
    return keys


def _rescues(context: Context, row: RepositoryRow, operation: str) -> bool:
    """The owner's root can always take a policy away that locks everybody out (unconfirmed)."""
    root = context.principal.endswith(":root") and row.account == context.account
    return root and operation in {"DeleteRepositoryPolicy", "DeleteRepository"}


def _kind(resource: str) -> str:
    if resource == "root":
        return "Account"
    return {"user": "User", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}.get(
        resource.partition("/")[0], "Anonymous"
    )

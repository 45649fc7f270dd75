"""Judges requests by policies. Pure: documents and a request in, a decision with its reason out; deny wins.

The order is AWS's (reference: iam_elb_autoscaling.md §3). Within the account that owns the resource a resource's policy
can grant alone; across accounts both sides must allow. A registry without identities (IAM off) trusts what callers of its
own account do, and what other accounts let their callers do.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from emulator.arns import parse_arn
from emulator.ecr.policy_conditions import LITERAL_MARK, LITERAL_STAR, Condition, Keys, holds, like
from emulator.ecr.policy_documents import Names, Policy, Statement

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": LITERAL_STAR, "?": LITERAL_MARK, "$": "$"}


class Effect(Enum):
    """What policies say of a request."""

    DENIED = "denied"
    ALLOWED = "allowed"
    """To the caller itself, or to everybody."""
    DELEGATED = "allowed to the account"
    """To the caller's account, which must allow its caller itself."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller wants to do."""

    principal: str
    """The caller's ARN; `Service:NAME` for one of AWS's services."""
    action: str
    """Such as `ecr:PutImage`."""
    resource: str
    """An ARN, or `*`."""
    keys: Keys = field(default_factory=dict)
    """Condition keys in lower case."""

    @property
    def account(self) -> str:
        """The caller's account; empty for a service."""
        arn = parse_arn(self.principal)
        return arn.account if arn else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the request may be done, and AWS's sentence where not."""

    allowed: bool
    reason: str


def decide(
    access: Access, owner: str, resource_policies: Sequence[Policy], identity_policies: Sequence[Policy] | None = None
) -> Decision:
    """Whether `access` to a resource of the account `owner` is allowed.

    Args:
        access: who wants what.
        owner: the account that the resource belongs to.
        resource_policies: of the repository and its registry.
        identity_policies: of the caller; None where nobody asks (IAM off): then the caller's own account allows all.

    """
    resource = judge(resource_policies, access)
    identity = _identity(access, identity_policies)
    own = access.account == owner
    if resource is Effect.DENIED:
        why = "with an explicit deny in a resource-based policy"
    elif identity is Effect.DENIED:
        why = "with an explicit deny in an identity-based policy"
    elif not own and resource is Effect.SILENT:
        why = f"because no resource-based policy allows the {access.action} action"
    elif identity is not Effect.ALLOWED and not (own and resource is Effect.ALLOWED):
        why = f"because no identity-based policy allows the {access.action} action"
    else:
        return Decision(allowed=True, reason="the resource's policy allows it" if not own else "the account allows it")
    return _refused(access, why)


def judge(policies: Sequence[Policy], access: Access) -> Effect:
    """What `policies` together say: any statement that denies wins over all that allow."""
    applying = [
        (policy, statement)
        for policy in policies
        for statement in policy.statements
        if applies(policy, statement, access)
    ]
    if any(statement.effect == "Deny" for _, statement in applying):
        return Effect.DENIED
    if any(_names_caller(statement, access) for _, statement in applying):
        return Effect.ALLOWED
    return Effect.DELEGATED if applying else Effect.SILENT


def applies(policy: Policy, statement: Statement, access: Access) -> bool:
    """Whether the statement speaks of this request at all."""

    def filled(text: str) -> str:
        return _fill(text, access.keys) if policy.variables else text

    conditions = (Condition(c.operator, c.key, tuple(map(filled, c.values))) for c in statement.conditions)
    return (
        _matches_action(statement.actions, access.action)
        and (statement.resources is None or _matches_resource(statement.resources, access.resource, filled))
        and (statement.principals is None or _matches_principal(statement.principals, access))
        and all(holds(condition, access.keys) for condition in conditions)
    )


def _identity(access: Access, policies: Sequence[Policy] | None) -> Effect:
    if policies is None or access.principal.endswith(":root") or access.principal.startswith("Service:"):
        return Effect.ALLOWED
    return judge(policies, access)


def _matches_action(actions: Names, action: str) -> bool:
    return any(like(pattern.lower(), action.lower()) for pattern in actions.values) != actions.inverted


def _matches_resource(resources: Names, resource: str, filled: Callable[[str], str]) -> bool:
    return any(like(filled(pattern), resource) for pattern in resources.values) != resources.inverted


def _matches_principal(principals: Names, access: Access) -> bool:
    return (
        any(_is_caller(name, access) or _is_account(name, access) for name in principals.values) != principals.inverted
    )


def _names_caller(statement: Statement, access: Access) -> bool:
    """Whether an applying statement means the caller itself, not only its account."""
    names = statement.principals
    return names is None or names.inverted or any(_is_caller(name, access) for name in names.values)


def _is_caller(name: str, access: Access) -> bool:
    kind, _, text = name.partition(":")
    if access.principal.startswith("Service:"):
        return name == access.principal
    return kind == "AWS" and text in {"*", access.principal, _role_of(access.principal)}


def _is_account(name: str, access: Access) -> bool:
    account = access.account
    return bool(account) and name in {f"AWS:{account}", f"AWS:arn:{_partition(access)}:iam::{account}:root"}


def _partition(access: Access) -> str:
    arn = parse_arn(access.principal)
    return arn.partition if arn else "aws"


def _role_of(principal: str) -> str:
    """The role's ARN for a session of it: a policy may name either."""
    arn = parse_arn(principal)
    if arn is None or arn.kind != "assumed-role":
        return principal
    role = arn.resource.split("/")[1]
    return f"arn:{arn.partition}:iam::{arn.account}:role/{role}"


def _fill(text: str, keys: Mapping[str, Sequence[str]]) -> str:
    """Replace `${key}` and `${key, 'default'}`; `${*}`, `${?}` and `${$}` stand for the characters themselves."""

    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(",")
        if found[1] in _LITERALS:
            return _LITERALS[found[1]]
        given = keys.get(name.strip().lower())
        if given:
            return given[0]
        fallback = default.strip()
        return fallback[1:-1] if len(fallback) >= 2 and fallback[0] == fallback[-1] == "'" else found[0]

    return _VARIABLE.sub(value, text)


def _refused(access: Access, why: str) -> Decision:
    place = "" if access.resource == "*" else f" on resource: {access.resource}"
    return Decision(
        allowed=False,
        reason=f"User: {access.principal} is not authorized to perform: {access.action}{place} {why}",
    )

"""What policies say of a request: which statements apply, and what they make of it together. Pure; deny wins.

What several kinds of policies together decide is in `decisions` (reference: iam_elb_autoscaling.md §3).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from emulator.arns import parse_arn
from emulator.iam.conditions import LITERAL_MARK, LITERAL_STAR, Condition, Keys, holds, like
from emulator.iam.documents import Names, Policy, Statement

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
UNTOLD = "?"
"""The resource of an access where nobody knows which it is."""
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
    role: str = ""
    """The role's ARN, where the caller is a session of one; told from the session's where this is empty."""

    @property
    def account(self) -> str:
        """The caller's account; empty for a service."""
        arn = parse_arn(self.principal)
        return arn.account if arn else ""

    @property
    def names(self) -> frozenset[str]:
        """The ARNs by which a policy can mean the caller: a session's own and its role's."""
        return frozenset({self.principal, self.role or _role_of(self.principal)})


@dataclass(frozen=True, slots=True)
class Finding:
    """What policies say, and the statement that says it."""

    effect: Effect
    place: str = ""
    """Where the deciding statement stands, in words; empty where none applies."""
    exact: bool = False
    """It names the caller's own ARN (of a user or a session), which nothing but a deny takes back."""


SILENCE = Finding(Effect.SILENT)


def judge(policies: Sequence[Policy], access: Access) -> Finding:
    """What `policies` together say: any statement that denies wins over all that allow."""
    allowed = delegated = SILENCE
    for policy in policies:
        for statement in policy.statements:
            if not applies(policy, statement, access):
                continue
            if statement.effect == "Deny":
                return Finding(Effect.DENIED, policy.place_of(statement))
            if _names_caller(statement, access):
                exact = _names_exactly(statement, access)
                if allowed is SILENCE or (exact and not allowed.exact):
                    allowed = Finding(Effect.ALLOWED, policy.place_of(statement), exact)
            elif delegated is SILENCE:
                delegated = Finding(Effect.DELEGATED, policy.place_of(statement))
    return delegated if allowed is SILENCE else allowed


def applies(policy: Policy, statement: Statement, access: Access) -> bool:
    """Whether the statement speaks of this request at all."""

    def filled(text: str) -> str:
        return _fill(text, access.keys) if policy.variables else text

    conditions = (Condition(c.operator, c.key, tuple(map(filled, c.values))) for c in statement.conditions)
    return (
        _matches_action(statement.actions, access.action)
        and _matches_resource(statement, access.resource, filled)
        and (statement.principals is None or _matches_principal(statement.principals, access))
        and all(holds(condition, access.keys) for condition in conditions)
    )


def _matches_action(actions: Names, action: str) -> bool:
    return any(like(pattern.lower(), action.lower()) for pattern in actions.values) != actions.inverted


def _matches_resource(statement: Statement, resource: str, filled: Callable[[str], str]) -> bool:
    """One that is not known may be any that is allowed, and is denied only where all are."""
    resources = statement.resources
    if resources is None:
        return True
    if resource == UNTOLD:
        return statement.effect == "Allow" or ("*" in resources.values and not resources.inverted)
    return any(like(filled(pattern), resource) for pattern in resources.values) != resources.inverted


def _matches_principal(principals: Names, access: Access) -> bool:
    return (
        any(_is_caller(name, access) or _is_account(name, access) for name in principals.values) != principals.inverted
    )


def _names_caller(statement: Statement, access: Access) -> bool:
    """Whether an applying statement means the caller itself, not only its account."""
    names = statement.principals
    return names is None or names.inverted or any(_is_caller(name, access) for name in names.values)


def _names_exactly(statement: Statement, access: Access) -> bool:
    names = statement.principals
    return names is not None and not names.inverted and f"AWS:{access.principal}" in names.values


def _is_caller(name: str, access: Access) -> bool:
    kind, _, text = name.partition(":")
    if access.principal.startswith("Service:"):
        return name == access.principal
    return kind == "AWS" and (text == "*" or text in access.names)


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

"""Whether a request may be done: all kinds of policies together, in AWS's order. Pure; the decision tells its reason.

The order (reference: iam_elb_autoscaling.md §3): an explicit deny anywhere wins. Within the account that owns the resource
the resource's policy can grant alone: what it grants to a user's or a session's own ARN is limited by nothing but a deny;
what it grants to a role or to everybody, by permissions boundary and session policy (for everybody: unconfirmed). Across
accounts both sides must allow. The account's root needs no identity policy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from emulator.iam.documents import Policy
from emulator.iam.statements import UNTOLD, Access, Effect, Finding, judge

_RESOURCE, _IDENTITY = "a resource-based policy", "an identity-based policy"
_TRUST = "a role trust policy"
_BOUNDARY, _SESSION = "a permissions boundary", "a session policy"


@dataclass(frozen=True, slots=True)
class Grants:
    """What an identity has been given, and what bounds it."""

    identity: tuple[Policy, ...] = ()
    """Of the user and its groups, or of the role."""
    boundary: tuple[Policy, ...] | None = None
    """None where it has no permissions boundary."""
    session: tuple[Policy, ...] | None = None
    """None where the session was made without policies."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the request may be done, and why."""

    allowed: bool
    reason: str
    """AWS's sentence where it may not."""
    statement: str = ""
    """Where the statement that decided stands; empty where none allows, or nobody was asked."""


def decide(
    access: Access,
    owner: str,
    resource_policies: Sequence[Policy] = (),
    grants: Grants | None = None,
    *,
    trust: bool = False,
) -> Decision:
    """Whether `access` to a resource of the account `owner` is allowed.

    Args:
        access: who wants what.
        owner: the account that the resource belongs to.
        resource_policies: those that hang on the resource (and on its registry).
        grants: what the caller has; None where nobody asks (IAM off): then the caller's own account allows all.
        trust: whether the resource is a role, whose policy must allow in its own account, too.

    """
    resource, hanging = judge(resource_policies, access), _TRUST if trust else _RESOURCE
    layers = list(_layers(access, grants))
    for kind, found in ((hanging, resource), *layers):
        if found.effect is Effect.DENIED:
            return _refused(access, f"with an explicit deny in {kind}", found)
    own = access.account == owner
    if (trust or not own) and resource.effect is Effect.SILENT:
        return _silent(access, hanging)
    granted = own and resource.effect is Effect.ALLOWED
    for kind, found in layers:
        if found.effect is Effect.ALLOWED or (granted and (resource.exact or kind == _IDENTITY)):
            continue
        return _silent(access, kind)
    if granted or not own:
        return Decision(allowed=True, reason="the resource's policy allows it", statement=resource.place)
    statement = next((found.place for kind, found in layers if kind == _IDENTITY), "")
    return Decision(allowed=True, reason="the account allows it", statement=statement)


def _layers(access: Access, grants: Grants | None) -> Iterator[tuple[str, Finding]]:
    """What each kind of policy on the caller's side says, in AWS's order."""
    if grants is None or access.principal.endswith(":root") or access.principal.startswith("Service:"):
        return
    yield _IDENTITY, judge(grants.identity, access)
    if grants.boundary is not None:
        yield _BOUNDARY, judge(grants.boundary, access)
    if grants.session is not None:
        yield _SESSION, judge(grants.session, access)


def _silent(access: Access, kind: str) -> Decision:
    return _refused(access, f"because no {kind.partition(' ')[2]} allows the {access.action} action", None)


def _refused(access: Access, why: str, found: Finding | None) -> Decision:
    """AWS's sentence. ECS and ECR name `*` too, where an action has no resource (seen in their users' reports)."""
    asked = f"{access.action} on resource: {'*' if access.resource == UNTOLD else access.resource}"
    return Decision(
        allowed=False,
        reason=f"User: {access.principal} is not authorized to perform: {asked} {why}",
        statement=found.place if found else "",
    )

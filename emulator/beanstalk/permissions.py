"""What the roles of environments may do, where IAM is on: the service role, and the one in the instance profile.

A role that lacks a permission is journaled once, until it has it again: loops ask every few seconds.
"""

from emulator.emulator import Emulator
from emulator.iam.callers import caller_of, global_keys
from emulator.iam.checks import Check
from emulator.iam.decisions import Decision
from emulator.iam.documents import MalformedPolicyError, parse_policy
from emulator.iam.enforcement import Hanging, tell
from emulator.iam.statements import Access
from emulator.neighbours.environment_ports import Place
from emulator.settings import Iam

SERVICE = "elasticbeanstalk.amazonaws.com"
_EXTERNAL_ID = "elasticbeanstalk"


class RolePermissions:
    """Asks for roles."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._told: set[tuple[str, str, str]] = set()

    def refusal(self, place: Place, role: str, session: str, check: Check) -> str | None:
        """AWS's sentence where `role` may not do what `check` says, as the session called so; None where it may.

        With IAM off or soft every role may; a role that does not exist is somebody else's finding.
        """
        identities = self._emulator.identities
        if self._emulator.settings.iam is Iam.OFF or identities is None:
            return None
        identity = identities.by_arn(role)
        if identity is None:
            return None
        principal = f"arn:aws:sts::{identity.account}:assumed-role/{role.rpartition('/')[2]}/{session}"
        caller = caller_of(identity)
        keys = {**global_keys(principal, place.region, self._emulator.clock.now()), **check.keys, **caller.keys}
        access = Access(principal, check.action, check.resource, keys, role)
        return self._obeyed(place, access, Hanging(place.account).decide(access, caller.grants))

    def _obeyed(self, place: Place, access: Access, decision: Decision) -> str | None:
        key, strict = (access.principal, access.action, access.resource), self._emulator.settings.iam is Iam.STRICT
        if decision.allowed:
            self._told.discard(key)
            return None
        if key not in self._told:
            self._told.add(key)
            tell(self._emulator, (place.account, place.region), access, decision, enforced=strict)
        return decision.reason if strict else None


def can_be_assumed(role: str, trust_policy: str) -> bool:
    """Whether Elastic Beanstalk may assume a role by its trust policy (it does so with an external id)."""
    try:
        policy = parse_policy(trust_policy, principals=True, resources=False)
    except MalformedPolicyError:
        return False
    access = Access(f"Service:{SERVICE}", "sts:AssumeRole", role, {"sts:externalid": [_EXTERNAL_ID]})
    return Hanging("", [policy], trust=True).decide(access, None).allowed

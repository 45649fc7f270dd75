"""Decisions carried out: by the setting `iam` callers' policies are not asked (off), their refusals told (soft) or obeyed (strict).

A refusal is an entry of the journal of its own kind, with principal, action, resource and the statement that decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.context import Context
from emulator.iam.callers import global_keys
from emulator.iam.checks import Check
from emulator.iam.decisions import Decision, Grants, decide
from emulator.iam.documents import Policy
from emulator.iam.statements import Access
from emulator.journal import Entry, Kind
from emulator.settings import Iam

if TYPE_CHECKING:
    from emulator.emulator import Emulator


@dataclass(frozen=True, slots=True)
class Hanging:
    """The resource's side: whose it is, and the policies that hang on it."""

    owner: str
    policies: Sequence[Policy] = ()
    trust: bool = False
    """It is a role: its policy must allow by itself."""

    def decide(self, access: Access, grants: Grants | None) -> Decision:
        """Both sides together."""
        return decide(access, self.owner, self.policies, grants, trust=self.trust)


class NotAuthorizedError(Exception):
    """Policies do not let the caller; the text is AWS's sentence. Each protocol has a code of its own for it."""


def require(context: Context, check: Check, hanging: Hanging | None = None) -> None:
    """Let the caller go on only where policies let it.

    Raises:
        NotAuthorizedError: they do not.

    """
    decision = judged(context, access_for(context, check), hanging or Hanging(context.account))
    if not decision.allowed:
        raise NotAuthorizedError(decision.reason)


def access_for(context: Context, check: Check) -> Access:
    """The access that `check` asks for the caller."""
    keys = {**global_keys(context.principal, context.region, context.now), **check.keys}
    caller = context.caller
    if caller is None:
        return Access(context.principal, check.action, check.resource, keys)
    return Access(context.principal, check.action, check.resource, {**keys, **caller.keys}, caller.role)


def judged(context: Context, access: Access, hanging: Hanging, *, told: bool = True) -> Decision:
    """What is to be done with `access`: the caller's own policies count as the setting says.

    A caller without permissions of its own (IAM off, an account's root, or the server itself) is trusted by its account.
    Where it is only asked what would be, the refusal is not `told`.
    """
    mode, grants = context.emulator.settings.iam, context.caller.grants if context.caller is not None else None
    decision = hanging.decide(access, grants)
    if decision.allowed or mode is Iam.OFF:
        return decision
    obeyed = decision if mode is Iam.STRICT else hanging.decide(access, None)
    if told:
        tell(context.emulator, (context.account, context.region), access, decision, enforced=not obeyed.allowed)
    return obeyed


def tell(emulator: "Emulator", place: tuple[str, str], access: Access, decision: Decision, *, enforced: bool) -> None:
    """Journal a refusal, whether it is obeyed or not."""
    detail = {
        "principal": access.principal,
        "action": access.action,
        "resource": access.resource,
        "statement": decision.statement or "none allows it",
        "enforced": enforced,
        "message": decision.reason,
    }
    emulator.journal.note(Entry(emulator.clock.now(), Kind.DENIAL, *place, access.action, detail))

"""Who calls, before anything else is looked at: the key of a request becomes a caller with its permissions.

With IAM off nobody is asked. In soft mode a request is never refused here; in strict mode unknown keys, wrong signatures,
session tokens that do not belong to the key and expired sessions are, and so are requests without a signature.
"""

from dataclasses import replace

from api.wire.access_problems import Family, Problem, family_of, problem_error
from api.wire.detect import Target
from api.wire.messages import HttpRequest, WireError
from api.wire.signatures import signed_with, token_of
from emulator.emulator import Emulator
from emulator.iam.callers import Caller, caller_of, is_issued
from emulator.journal import Entry, Kind
from emulator.neighbours.identity_ports import Identity
from emulator.settings import Iam

_OPEN = {"sts", "cognito-idp", "cognito-identity"}
"""Services that have operations which nobody signs."""


class Admission:
    """Knows callers by their keys."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    @property
    def asks(self) -> bool:
        """Whether callers' permissions are asked."""
        return self._emulator.settings.iam is not Iam.OFF

    def account_of(self, access_key: str) -> str | None:
        """The account of a key that IAM or STS gave out."""
        found = self._identity(access_key)
        return found.account if found is not None else None

    def caller_of(self, request: HttpRequest, target: Target, address: str) -> Caller | None:
        """The caller with its permissions; None for an account's root, and where nobody asks.

        Args:
            request: as it came in.
            target: whom it is for, and the key that signed it.
            address: where it came from.

        Raises:
            WireError: the caller is not who it says; only in strict mode.

        """
        if not self.asks:
            return None
        family, strict = family_of(target.service, request), self._emulator.settings.iam is Iam.STRICT
        if not target.access_key:
            if strict and target.service not in _OPEN:
                raise self._refused(target, Problem.NO_SIGNATURE, family)
            return None
        if not is_issued(target.access_key):
            return None
        identity = self._identity(target.access_key)
        problem = self._problem(request, target.access_key, identity)
        if problem is not None:
            error = self._refused(target, problem, family)
            if strict:
                raise error
        if identity is None:
            return None
        caller = caller_of(identity)
        known = {"aws:sourceip": [address], "aws:useragent": [request.headers.get("user-agent", "")]}
        return replace(caller, keys={**known, **caller.keys})

    def _problem(self, request: HttpRequest, access_key: str, identity: Identity | None) -> Problem | None:
        if identity is None or token_of(request) != identity.token:
            return Problem.UNKNOWN_KEY
        if identity.expires_at is not None and identity.expires_at <= self._emulator.clock.now():
            return Problem.EXPIRED
        return None if signed_with(request, access_key, identity.secret) else Problem.BAD_SIGNATURE

    def _refused(self, target: Target, problem: Problem, family: Family) -> WireError:
        """The error, which the journal knows of, too."""
        error = problem_error(problem, family)
        strict = self._emulator.settings.iam is Iam.STRICT
        detail = {"accessKey": target.access_key, "error": error.code, "message": error.message, "enforced": strict}
        now = self._emulator.clock.now()
        self._emulator.journal.note(
            Entry(now, Kind.DENIAL, target.account, target.region, target.service or "unsigned", detail)
        )
        return error

    def _identity(self, access_key: str) -> Identity | None:
        identities = self._emulator.identities
        return identities.by_key(access_key) if identities is not None and is_issued(access_key) else None

"""Sessions of ECS Exec: who may attach to which container, until when.

They live in memory: a session is a connection to a process that this server holds, so neither outlives it. A token opens one
connection and is good for a few minutes of the clock; only its hash is kept, and nothing logs it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

TOKEN_LIVES = timedelta(minutes=5)
"""(unconfirmed)"""

IDLE = timedelta(minutes=20)
"""After which a session without a keystroke or output ends."""


@dataclass(slots=True)
class ExecSession:
    """One session."""

    id: str
    account: str
    region: str
    cluster_arn: str
    task_arn: str
    container_name: str
    command: str
    token_digest: bytes | None = field(repr=False)
    """None once it has been used."""
    token_until: datetime
    attached: bool = False
    """Whether a client has connected at least once."""
    terminate: Callable[[], None] = lambda: None
    """Ends the process; set by who holds it."""


@dataclass(slots=True)
class ExecSessions:
    """All sessions of a server."""

    _sessions: dict[str, ExecSession] = field(default_factory=dict)

    def add(self, session: ExecSession) -> None:
        """Have a new session known; those that nobody came for in time are forgotten."""
        now = session.token_until - TOKEN_LIVES
        for old in [old for old in self._sessions.values() if not old.attached and old.token_until < now]:
            del self._sessions[old.id]
        self._sessions[session.id] = session

    def claim(self, session_id: str, token: str, now: datetime) -> ExecSession | None:
        """The session that `token` opens; None where it does not, or not any more."""
        session = self._sessions.get(session_id)
        if session is None or session.token_digest is None or now >= session.token_until:
            return None
        if not secrets.compare_digest(session.token_digest, _digest(token)):
            return None
        session.token_digest, session.attached = None, True
        return session

    def renew(self, session: ExecSession, now: datetime) -> str:
        """A new token for a session whose connection broke; an older one is not good any more."""
        token, session.token_digest = new_token()
        session.token_until = now + TOKEN_LIVES
        return token

    def find(self, session_id: str) -> ExecSession | None:
        """The session, while it lasts."""
        return self._sessions.get(session_id)

    def forget(self, session_id: str) -> None:
        """The session is over."""
        self._sessions.pop(session_id, None)

    def all(self) -> list[ExecSession]:
        """Every session that is not over."""
        return list(self._sessions.values())


def new_token() -> tuple[str, bytes]:
    """A token and its hash."""
    token = secrets.token_urlsafe(48)
    return token, _digest(token)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()

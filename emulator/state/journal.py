"""Tables of what happened and why: the journal and the decision records."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class JournalRow(Base):
    """One thing that happened. Rows are only added; `seq` is their order."""

    __tablename__ = "journal"
    __table_args__ = (Index(None, "subject", "seq"), Index(None, "scope", "seq"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    """A member of `emulator.journal.Kind`."""
    account: Mapped[str]
    region: Mapped[str]
    subject: Mapped[str]
    """What it happened to: an ARN, or `service:Operation` for a call."""
    scope: Mapped[str | None]
    """The ARN that holds the subject, by which a history is read (a task's service, a service's cluster)."""
    detail: Mapped[dict[str, Any]]


class DecisionRow(Base):
    """Why one placement (or refusal) came out as it did: `scheduler.decisions.Decision.to_dict()`."""

    __tablename__ = "decision"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account: Mapped[str]
    region: Mapped[str]
    cluster_arn: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    """The task that was placed; for a refusal the service, or `run-task/REQUEST-ID`."""
    scope: Mapped[str | None] = mapped_column(index=True)
    """The service, where one asked."""
    body: Mapped[dict[str, Any]]


class ServerStateRow(Base):
    """Small facts that the server itself must remember, such as the clock's offset. Never users' resources."""

    __tablename__ = "server_state"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]

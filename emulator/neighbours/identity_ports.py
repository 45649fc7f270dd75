"""Who has an access key, and what policies they have: what enforcing permissions needs of IAM and STS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy document and what it is called."""

    name: str
    """Such as `inline policy push of user alice`, or a managed policy's ARN."""
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, or a session of a role, with all that was given to it."""

    arn: str
    account: str
    unique_id: str
    """`AIDA…` of a user; `AROA…:SESSION` of a session (`aws:userid`)."""
    secret: str = field(repr=False, default="")
    """What its access key signs with; empty where it was not found by its key."""
    token: str = field(repr=False, default="")
    """The session token that must come with the key; empty for a user."""
    user: str = ""
    """A user's name; empty for a session."""
    role: str = ""
    """The role's ARN; empty for a user."""
    expires_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[PolicyText, ...] = ()
    boundary: PolicyText | None = None
    session: PolicyText | None = None


class Identities(Protocol):
    """Sync and in process; called on the event-loop thread."""

    def by_key(self, access_key: str) -> Identity | None:
        """Whose key that is; None where nobody has it, or it is not active."""

    def by_arn(self, arn: str) -> Identity | None:
        """The user, the session or the role called so (of sessions of one name the newest); None where there is none."""

    def trust_policy(self, role: str) -> str | None:
        """Who may assume the role of this ARN; None where there is none."""

    def bucket_policy(self, bucket: str) -> tuple[str, str | None] | None:
        """The account of a bucket of S3, and its policy; None where there is none."""

    def profile_role(self, account: str, profile: str) -> str | None:
        """The ARN of the role in an instance profile (its name or its ARN); None where there is none."""

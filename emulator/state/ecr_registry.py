"""Tables of what surrounds ECR's images: policies, rules of registries, scans, replication, events on their way."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class PolicyRow(Base):
    """The policy of a repository, or of a registry."""

    __tablename__ = "ecr_policy"

    subject: Mapped[str] = mapped_column(primary_key=True)
    """The repository's ARN; for a registry the ARN that its repositories' begin with, up to `repository/`."""
    text: Mapped[str]


class LifecyclePolicyRow(Base):
    """The lifecycle policy of a repository."""

    __tablename__ = "ecr_lifecycle_policy"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    evaluated_at: Mapped[datetime | None]
    evaluate_at: Mapped[datetime]
    """When the loop looks at it next."""


class LifecyclePreviewRow(Base):
    """The newest preview of a lifecycle policy."""

    __tablename__ = "ecr_lifecycle_preview"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[datetime]
    results: Mapped[list[dict[str, Any]]]
    """What would be done to which image; written once, with the status COMPLETE."""


class RegistryDocumentRow(Base):
    """A configuration of a registry as one document (`replication`, `scanning`, `signing`, `catalog`)."""

    __tablename__ = "ecr_registry_document"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    """`public` for ECR Public, which has none."""
    name: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]


class PullThroughCacheRuleRow(Base):
    """Which upstream registry the repositories below a prefix are copies of."""

    __tablename__ = "ecr_pull_through_cache_rule"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(primary_key=True)
    upstream_url: Mapped[str]
    upstream_registry: Mapped[str | None]
    upstream_prefix: Mapped[str]
    credential_arn: Mapped[str | None]
    custom_role_arn: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PulledThroughRow(Base):
    """When a reference of a cached repository was last compared with the upstream's."""

    __tablename__ = "ecr_pulled_through"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    """A tag."""
    checked_at: Mapped[datetime]


class CreationTemplateRow(Base):
    """What repositories below a prefix get when the service makes them."""

    __tablename__ = "ecr_creation_template"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    """The members of the request, as given."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PullTimeExclusionRow(Base):
    """A principal whose pulls are not recorded."""

    __tablename__ = "ecr_pull_time_exclusion"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    principal_arn: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class ImageScanRow(Base):
    """The newest scan of an image."""

    __tablename__ = "ecr_image_scan"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    scan_type: Mapped[str]
    """BASIC or ENHANCED."""
    status: Mapped[str]
    description: Mapped[str]
    requested_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    source_updated_at: Mapped[datetime | None]
    """When the vulnerability data was last changed, where its source tells."""
    findings: Mapped[list[dict[str, Any]]]
    """Values of `emulator.ecr.scanning.findings.Finding`."""


class ReplicationRow(Base):
    """One image on its way to one other registry, or there."""

    __tablename__ = "ecr_replication"
    __table_args__ = (Index(None, "status"),)

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    """Whose registry it goes to."""
    region: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    failure_code: Mapped[str | None]
    wanted_at: Mapped[datetime]


class BackfillRow(Base):
    """A request to replicate what was pushed before the configuration."""

    __tablename__ = "ecr_replication_backfill"
    __table_args__ = (Index(None, "account", "region"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    document: Mapped[dict[str, Any]]
    status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SigningRow(Base):
    """What became of one signing profile's signature of an image."""

    __tablename__ = "ecr_signing"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    profile_arn: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    failure_code: Mapped[str | None]
    failure_reason: Mapped[str | None]


class EventRow(Base):
    """An event that EventBridge has not taken yet."""

    __tablename__ = "ecr_event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    """The event's own id: one that is delivered twice after a crash has the same."""
    at: Mapped[datetime]
    account: Mapped[str]
    region: Mapped[str]
    detail_type: Mapped[str]
    resources: Mapped[list[str]]
    detail: Mapped[dict[str, Any]]


class CatalogRow(Base):
    """The catalog data of a repository of ECR Public."""

    __tablename__ = "ecr_public_catalog"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]


class GoneSubjectRow(Base):
    """An image that was deleted or archived while artifacts named it as their subject: they shall follow."""

    __tablename__ = "ecr_gone_subject"

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]

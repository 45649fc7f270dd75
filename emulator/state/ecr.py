"""Tables of ECR. Manifests live here, byte for byte; layers live in files (`emulator.ecr.blobs`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class RepositoryRow(Base):
    """A repository."""

    __tablename__ = "ecr_repository"
    __table_args__ = (Index(None, "account", "region", "name", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]
    tag_mutability: Mapped[str]
    exclusion_filters: Mapped[list[dict[str, Any]]]
    scan_on_push: Mapped[bool]
    encryption: Mapped[dict[str, str]]
    tags: Mapped[list[dict[str, Any]]]


class ImageRow(Base):
    """A manifest (of an image, an index or an artifact) in a repository."""

    __tablename__ = "ecr_image"
    __table_args__ = (Index(None, "repository_arn", "subject_digest"),)

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    manifest: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Verbatim: the digest is that of these bytes."""
    media_type: Mapped[str]
    artifact_media_type: Mapped[str | None]
    subject_digest: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    pushed_at: Mapped[datetime]
    pulled_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    """When it was last archived; see `emulator.ecr.storage_classes` for the status that follows from these two."""
    activated_at: Mapped[datetime | None]
    """When it was last restored, or will be."""


class ImageTagRow(Base):
    """A tag and the image that it names."""

    __tablename__ = "ecr_image_tag"
    __table_args__ = (Index(None, "repository_arn", "digest"),)

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]


class ImageReferenceRow(Base):
    """What a manifest needs: a layer or a config (`blob`), or a manifest of its index (`manifest`)."""

    __tablename__ = "ecr_image_reference"
    __table_args__ = (Index(None, "repository_arn", "target", "kind"),)

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]


class LayerRow(Base):
    """A blob as one repository sees it. The file is shared; without this row the repository does not have it."""

    __tablename__ = "ecr_layer"
    __table_args__ = (Index(None, "digest"),)

    repository_arn: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime]
    """When it came, or when a client was last told that it need not be pushed again."""


class LayerUploadRow(Base):
    """An upload under way. How much has arrived is the length of its file."""

    __tablename__ = "ecr_layer_upload"
    __table_args__ = (Index(None, "repository_arn"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    repository_arn: Mapped[str]
    started_at: Mapped[datetime]
    active_at: Mapped[datetime]
    """When something last arrived; an upload that nobody goes on with expires a day later."""
    last_part_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """UploadLayerPart only: the size of the newest part."""
    part_too_small: Mapped[bool]
    """UploadLayerPart only: a part that was not the last had less than 5 MiB."""


class RegistrySettingRow(Base):
    """A setting of a registry (PutAccountSetting)."""

    __tablename__ = "ecr_registry_setting"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]

"""Writes down that an image is to be scanned; `scan_loop` does it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.manifests import DOCKER_MANIFEST, OCI_MANIFEST
from emulator.ecr.registry_documents import document_of
from emulator.ecr.scanning.rules import DEFAULT, Scanning, scanning_of
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import ImageScanRow

LOOP = "ecr-scan"
SCANNING = "scanning"
"""The name of the registry's document."""
_CONFIGS = {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}


def key_of(repository_arn: str, digest: str) -> str:
    """The loop's key for an image."""
    return f"{repository_arn}@{digest}"


def scanning_for(context: Context, repository: RepositoryRow) -> Scanning:
    """What the registry's configuration says of the repository."""
    configuration = document_of(context, repository.account, repository.region, SCANNING) or DEFAULT
    return scanning_of(configuration, repository.name, scan_on_push=repository.scan_on_push)


def want_scan(context: Context, repository: RepositoryRow, digest: str, scan_type: str) -> ImageScanRow:
    """Let the image be scanned as soon as possible; findings of an earlier scan go."""
    enhanced = scan_type == "ENHANCED"
    row = context.session.get(ImageScanRow, (repository.arn, digest))
    if row is None:
        row = ImageScanRow(repository_arn=repository.arn, digest=digest)
        context.session.add(row)
    row.scan_type, row.status = scan_type, "PENDING" if enhanced else "IN_PROGRESS"
    row.description, row.requested_at = "", context.now
    row.completed_at, row.source_updated_at, row.findings = None, None, []
    context.wake(LOOP, key_of(repository.arn, digest))
    return row


def scan_pushed(context: Context, repository: RepositoryRow, digest: str, configuration: Mapping[str, Any]) -> None:
    """A push: scan the image where the configuration says so, once, and only what is an image."""
    scanning = scanning_of(configuration, repository.name, scan_on_push=repository.scan_on_push)
    if not scanning.on_push:
        return
    image = context.session.get(ImageRow, (repository.arn, digest))
    known = context.session.get(ImageScanRow, (repository.arn, digest))
    if image is not None and known is None and is_scannable(context, image):
        want_scan(context, repository, digest, scanning.scan_type)


def is_scannable(context: Context, image: ImageRow) -> bool:
    """Whether it is an image: no index, no signature, no chart."""
    if image.media_type not in {OCI_MANIFEST, DOCKER_MANIFEST}:
        return False
    query = select(ImageRow.manifest).where(
        ImageRow.repository_arn == image.repository_arn, ImageRow.digest == image.digest
    )
    config = json.loads(context.session.scalars(query).one())["config"]
    return config.get("mediaType") in _CONFIGS and image.artifact_media_type in _CONFIGS

"""The loop that scans images, each in a thread outside of transactions, and tells EventBridge how that ended."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.blobs import blobs_of
from emulator.ecr.events import tell
from emulator.ecr.image_lists import tags_of
from emulator.ecr.scan_backlog import BACKLOG, take_in
from emulator.ecr.scan_schedule import LOOP, key_of, scanning_for
from emulator.ecr.scanning.findings import Report, counts_of, first_seen
from emulator.ecr.scanning.scanner import ImageFiles, scan
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import ImageScanRow

_WAITING = ("IN_PROGRESS", "PENDING")
_AGAIN = timedelta(hours=24)
"""How often a continuous scan looks again: the vulnerability data may have changed (AWS looks when it has)."""
_CONTINUOUS = "Continuous scan is selected for image."


@dataclass(slots=True)
class ScanLoop:
    """A key is `REPOSITORY-ARN@DIGEST`, or `backlog:` and a repository's ARN (see `scan_backlog`)."""

    emulator: Emulator

    def start(self) -> None:
        """Scan what was not scanned to its end, and go on with continuous scans."""
        query = select(ImageScanRow.repository_arn, ImageScanRow.digest).where(
            ImageScanRow.status.in_((*_WAITING, "ACTIVE"))
        )
        with self.emulator.store.begin() as session:
            keys = [key_of(row[0], row[1]) for row in session.execute(query)]
            keys += [f"{BACKLOG}{arn}" for arn in session.scalars(select(RepositoryRow.arn))]
        self.emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """One scan after the other."""
        for key in keys:
            if key.startswith(BACKLOG):
                await self._take_in(key.removeprefix(BACKLOG))
                continue
            text, _, digest = key.partition("@")
            arn = parse_arn(text)
            if arn is None:
                raise ValueError(key)
            with self.emulator.transaction(arn.account, arn.region) as context:
                image = self._due(context, text, digest)
            if image is None:
                continue
            report = await asyncio.to_thread(scan, image, self.emulator.settings.vulnerability_feed)
            with self.emulator.transaction(arn.account, arn.region) as context:
                row = context.session.get(ImageScanRow, (text, digest))
                if row is not None:
                    self._finish(context, row, report)

    async def _take_in(self, repository_arn: str) -> None:
        arn, last = parse_arn(repository_arn), ""
        if arn is None:
            raise ValueError(repository_arn)
        while True:
            with self.emulator.transaction(arn.account, arn.region) as context:
                more = take_in(context, repository_arn, last)
            if more is None:
                return
            last = more
            await asyncio.sleep(0)

    def _due(self, context: Context, arn: str, digest: str) -> ImageFiles | None:
        """The image, where a scan of it is due."""
        row = context.session.get(ImageScanRow, (arn, digest))
        if row is None:
            return None
        if row.status == "ACTIVE" and row.completed_at is not None:
            due = row.completed_at + _AGAIN
            if due > context.now:
                context.after_commit(lambda: self.emulator.loops.wake_at(LOOP, key_of(arn, digest), due))
                return None
        elif row.status not in _WAITING:
            return None
        return files_of(context, arn, digest)

    def _finish(self, context: Context, row: ImageScanRow, report: Report) -> None:
        repository = context.session.get_one(RepositoryRow, row.repository_arn)
        row.status, row.description, row.completed_at = report.status, report.description, context.now
        row.source_updated_at = report.source_updated_at
        row.findings = first_seen([finding.to_dict() for finding in report.findings], row.findings, context.now)
        continuous = row.scan_type == "ENHANCED" and scanning_for(context, repository).frequency == "CONTINUOUS_SCAN"
        if continuous and report.status == "COMPLETE":
            row.status, row.description = "ACTIVE", _CONTINUOUS
            context.wake(LOOP, key_of(row.repository_arn, row.digest))
        detail = {"scan": report.status, "image": row.digest, "description": report.description}
        context.record(Kind.STATE_CHANGE, repository.arn, detail)
        if report.status == "COMPLETE":
            tags = tags_of(context, repository, [row.digest]).get(row.digest, [])
            event = {
                "scan-status": "COMPLETE",
                "repository-name": repository.name,
                "finding-severity-counts": counts_of(row.findings),
                "image-digest": row.digest,
                "image-tags": tags,
            }
            tell(context, repository, "ECR Image Scan", event, [repository.arn])


def files_of(context: Context, arn: str, digest: str) -> ImageFiles | None:
    """The image's files; None where the image has gone."""
    query = select(ImageRow.manifest, ImageRow.media_type).where(
        ImageRow.repository_arn == arn, ImageRow.digest == digest
    )
    found = context.session.execute(query).first()
    if found is None:
        return None
    manifest, media_type = found
    document = json.loads(manifest)
    blobs = blobs_of(context.emulator)
    layers = [item for item in document.get("layers", ()) if not item.get("urls")]
    return ImageFiles(
        manifest=manifest,
        media_type=media_type,
        config=blobs.path(document["config"]["digest"]),
        layers=tuple(blobs.path(item["digest"]) for item in layers),
    )

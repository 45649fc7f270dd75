"""Processes versions: env.yaml and .ebextensions are read, and the version is PROCESSED or FAILED."""

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.application_versions import LOOP, PROCESSING, arn_of, key_of
from emulator.beanstalk.bundles.errors import BundleError
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.manifests import document_of, read_manifest
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.fetched_bundles import unpacked
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.beanstalk import ApplicationVersionRow
from scheduler.beanstalk.model import Said, Severity


@dataclass(frozen=True, slots=True)
class _Found:
    """What looking at a bundle has told."""

    said: tuple[Said, ...]
    failed: bool
    manifest: dict[str, Any] | None = None


class VersionsLoop:
    """The loop's work; its keys are `application_versions.key_of`'s."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def start(self) -> None:
        """Look at all that were being processed when the server ended."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(ApplicationVersionRow).where(ApplicationVersionRow.status == PROCESSING))
            keys = [key_of(row) for row in rows]
        self._emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """Process each."""
        for key in keys:
            account, region, application, label = key.split("/")
            place = (account, region, application, label)
            with self._emulator.store.begin() as session:
                row = session.get(ApplicationVersionRow, place)
                if row is None or row.status != PROCESSING or row.bucket is None or row.key is None:
                    continue
                bucket, name = row.bucket, row.key
            self._write(place, await asyncio.to_thread(self._read, key, (account, bucket, name), label))

    def _read(self, key: str, place: tuple[str, str, str], label: str) -> _Found:
        try:
            with unpacked(self._emulator, key, place) as files:
                manifest = read_manifest(files)
                told = tuple(read_extensions(files, label).told)
        except BundleError as error:
            return _Found((Said(str(error), Severity.ERROR),), failed=True)
        failed = any(one.severity is Severity.ERROR for one in told)
        return _Found(told, failed, None if manifest is None else document_of(manifest))

    def _write(self, place: tuple[str, str, str, str], found: _Found) -> None:
        account, region, application, label = place
        with self._emulator.transaction(account, region) as context:
            row = context.session.get(ApplicationVersionRow, place)
            if row is None or row.status != PROCESSING:
                return
            status = "FAILED" if found.failed else "PROCESSED"
            row.status, row.updated_at, row.manifest = status, context.now, found.manifest
            about = About(application=application, version_label=label)
            for one in found.said:
                tell(context, one.message, about, one.severity)
            severity = Severity.ERROR if status == "FAILED" else Severity.INFO
            tell(context, f"Finished processing application version {label}. Status: {status}.", about, severity)
            context.record(Kind.STATE_CHANGE, arn_of(context, application, label), {"status": status})

"""Ends what requests for custom platform versions have begun: the keys are their ARNs."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.bundles.errors import BundleError
from emulator.beanstalk.bundles.platform_definitions import read_platform_definition
from emulator.beanstalk.custom_platforms import CREATING, DELETING, FAILED, LOOP
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.fetched_bundles import unpacked
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.beanstalk import EventRow, PlatformVersionRow
from scheduler.beanstalk.model import Severity

_CANNOT = "Ashore cannot build the platform version: it has no builder environment with Packer, and no AMIs that one could make."


class PlatformsLoop:
    """The loop's work."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def start(self) -> None:
        """Look at all that were begun when the server ended."""
        with self._emulator.store.begin() as session:
            query = select(PlatformVersionRow.arn).where(PlatformVersionRow.status.in_((CREATING, DELETING)))
            arns = list(session.scalars(query))
        self._emulator.loops.wake(LOOP, *arns)

    async def handle(self, keys: list[str]) -> None:
        """End each."""
        for key in keys:
            with self._emulator.store.begin() as session:
                row = session.get(PlatformVersionRow, key)
                if row is None or row.status not in {CREATING, DELETING}:
                    continue
                status, account, region = row.status, row.account, row.region
                place = (account, row.bucket, row.key)
            told: Mapping[str, Any] = {}
            reason = _CANNOT
            if status == CREATING:
                try:
                    told = await asyncio.to_thread(self._read, key, place)
                except BundleError as error:
                    reason = str(error)
            with self._emulator.transaction(account, region) as context:
                row = context.session.get(PlatformVersionRow, key)
                if row is not None and row.status == status:
                    _end(context, row, told, reason)

    def _read(self, key: str, place: tuple[str, str, str]) -> Mapping[str, Any]:
        with unpacked(self._emulator, key, place) as files:
            return read_platform_definition(files)


def _end(context: Context, row: PlatformVersionRow, told: Mapping[str, Any], reason: str) -> None:
    about, request = About(platform_arn=row.arn), _request_of(context, row)
    name = f"{row.name}/{row.version}"
    if row.status == DELETING:
        context.session.delete(row)
        tell(context, f"Successfully deleted platform version '{name}'.", about, request_id=request)
        context.record(Kind.STATE_CHANGE, row.arn, {"status": "Deleted"})
        return
    row.status, row.description, row.updated_at = FAILED, dict(told), context.now
    tell(context, reason, about, Severity.ERROR, request)
    tell(context, f"Failed to create platform version '{name}'.", about, request_id=request)
    context.record(Kind.STATE_CHANGE, row.arn, {"status": row.status, "reason": reason})


def _request_of(context: Context, row: PlatformVersionRow) -> str | None:
    """The request that began it: that of the version's last event."""
    query = select(EventRow.request_id).where(
        EventRow.account == row.account, EventRow.region == row.region, EventRow.platform_arn == row.arn
    )
    return context.session.scalar(query.order_by(EventRow.number.desc()).limit(1))

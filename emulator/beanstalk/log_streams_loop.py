"""The loop `environment-streams` (key: environment id): what agents and health have to say goes to CloudWatch Logs.

What containers write is shipped by the log driver (`emulator/ecs/task_logs.py`). Nothing remembers what was sent but the streams
themselves: what is later than their last event is sent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.health_documents import instant_of
from emulator.beanstalk.health_reports import report
from emulator.beanstalk.instance_logs import Line, engine_lines
from emulator.beanstalk.instances import living
from emulator.beanstalk.log_streams import (
    HEALTH_LOGS,
    LOGS,
    LOOP,
    engine_group,
    files_prefix,
    health_group,
    retention,
    streams_health,
    streams_logs,
)
from emulator.beanstalk.option_values import values_of
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.neighbours.environment_ports import EnvironmentResources, Place
from emulator.neighbours.ports import LogEvent
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.model import Command

_ENDED = {Command.SUCCEEDED.value, Command.FAILED.value}


@dataclass(frozen=True, slots=True)
class _Stream:
    """What is to stand in a stream."""

    group: str
    name: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be in an environment's log groups."""

    place: Place
    streams: tuple[_Stream, ...]
    retentions: tuple[tuple[str, int], ...]
    """What groups begin with, and the days for which they keep what is in them."""


class LogStreamsLoop:
    """Writes to the streams.

    Args:
        emulator: the server.
        resources: where the groups are.

    """

    def __init__(self, emulator: Emulator, resources: EnvironmentResources) -> None:
        self._emulator, self._resources = emulator, resources
        emulator.loops.add(LOOP, self.handle)

    def start(self) -> None:
        """Look at every environment that is not terminated."""
        with self._emulator.store.begin() as session:
            ids = list(session.scalars(select(EnvironmentRow.id).where(EnvironmentRow.status != "Terminated")))
        self._emulator.loops.wake(LOOP, *ids)

    async def handle(self, keys: list[str]) -> None:
        """Send what is new of each."""
        for key in keys:
            wanted = self._wanted(key)
            if wanted is None:
                continue
            for stream in wanted.streams:
                self._send(wanted.place, stream)
            for prefix, days in wanted.retentions:
                self._resources.keep_logs(wanted.place, prefix, days)

    def _wanted(self, key: str) -> _Wanted | None:
        with self._emulator.store.begin() as session:
            row = session.get(EnvironmentRow, key)
            place = None if row is None else Place(row.account, row.region)
        if place is None:
            return None
        with self._emulator.transaction(place.account, place.region) as context:
            row = context.session.get(EnvironmentRow, key)
            if row is None or row.status in {"Terminating", "Terminated"}:
                return None
            values = values_of(row.bundle_settings, row.settings)
            streams: list[_Stream] = []
            retentions: list[tuple[str, int]] = []
            if streams_logs(values):
                streams += _of_instances(context, row)
                retentions.append((files_prefix(row.name), retention(values, LOGS)))
            if streams_health(values):
                streams += _of_health(context, row)
                retentions.append((health_group(row.name), retention(values, HEALTH_LOGS)))
            return _Wanted(place, tuple(streams), tuple(retentions))

    def _send(self, place: Place, stream: _Stream) -> None:
        neighbours, where = self._emulator.neighbours, (place.account, place.region, stream.group, stream.name)
        neighbours.create_log_stream(*where, create_group=True)
        last = neighbours.last_log_event(*where)
        events = [
            LogEvent(line.at, line.text) for line in stream.lines if last is None or _milliseconds(line.at) > last
        ]
        if events:
            neighbours.put_log_events(*where, events)


def _of_instances(context: Context, row: EnvironmentRow) -> list[_Stream]:
    """What agents have to say, once what they were told is through: earlier lines come no more."""
    return [
        _Stream(engine_group(row.name), item.id, engine_lines(context, item))
        for item in living(context, row.id)
        if item.command in _ENDED
    ]


def _of_health(context: Context, row: EnvironmentRow) -> list[_Stream]:
    """The report that was published last, as DescribeEnvironmentHealth tells it; its form in the log is (unconfirmed)."""
    at = instant_of((row.health.get("history") or {}).get("published_at"))
    if at is None:
        return []
    document = {"EnvironmentName": row.name, **report(row)}
    text = json.dumps(document, default=_written)
    return [_Stream(health_group(row.name), f"archive-health-{context.now:%Y-%m-%d}", (Line(at, text),))]


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _milliseconds(at: datetime) -> datetime:
    """Instants of events have no finer parts."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)

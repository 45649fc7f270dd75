"""The loop `environment-logs` (key: environment id): pulls the logs that were asked for, and removes them after their time."""

from sqlalchemy import select

from emulator.beanstalk.environment_info import LASTS, LOOP
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.instance_logs import Sources, bundled, read, sources_of, tail
from emulator.beanstalk.storage import objects_of
from emulator.emulator import Emulator
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentInfoRow, EnvironmentRow

_DID = {"tail": "tailing", "bundle": "bundling"}


class EnvironmentInfoLoop:
    """Writes logs to S3."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        emulator.loops.add(LOOP, self.handle)

    def start(self) -> None:
        """Carry on with what was asked for."""
        with self._emulator.store.begin() as session:
            ids = set(session.scalars(select(EnvironmentInfoRow.environment_id)))
        self._emulator.loops.wake(LOOP, *sorted(ids))

    async def handle(self, keys: list[str]) -> None:
        """Pull what waits, remove what is over, for each environment."""
        for key in keys:
            self._expire(key)
            with self._emulator.store.begin() as session:
                query = select(EnvironmentInfoRow.number).where(EnvironmentInfoRow.environment_id == key)
                waiting = list(session.scalars(query.where(EnvironmentInfoRow.key == "")))
            for number in waiting:
                await self._pull(number)

    async def _pull(self, number: int) -> None:
        found = self._sources(number)
        if found is None:
            return
        account, kind, instance_id, environment_id, bucket, sources = found
        files = await read(self._emulator, sources)
        body = tail(files) if kind == "tail" else bundled(files)
        at = self._emulator.clock.now()
        name = f"{'TailLogs' if kind == 'tail' else 'BundleLogs'}-{int(at.timestamp() * 1000)}"
        ending = "out" if kind == "tail" else "zip"
        key = f"resources/environments/logs/{kind}/{environment_id}/{instance_id}/{name}.{ending}"
        objects_of(self._emulator).put(account, bucket, key, body)
        self._pulled(number, key, len(files))
        self._emulator.loops.wake_at(LOOP, environment_id, at + LASTS)

    def _sources(self, number: int) -> tuple[str, str, str, str, str, Sources] | None:
        with self._emulator.store.begin() as session:
            info = session.get(EnvironmentInfoRow, number)
            row = session.get(EnvironmentRow, info.environment_id) if info is not None else None
            item = session.get(BeanstalkInstanceRow, info.instance_id) if info is not None else None
            place = (row.account, row.region) if row is not None else None
        if info is None or row is None or item is None or place is None:
            return None
        with self._emulator.transaction(*place) as context:
            sources = sources_of(context, row, item)
        return row.account, info.kind, item.id, row.id, info.bucket, sources

    def _pulled(self, number: int, key: str, files: int) -> None:
        with self._emulator.store.begin() as session:
            info = session.get_one(EnvironmentInfoRow, number)
            place = session.get_one(EnvironmentRow, info.environment_id)
            account, region = place.account, place.region
        with self._emulator.transaction(account, region) as context:
            info = context.session.get_one(EnvironmentInfoRow, number)
            row = context.session.get_one(EnvironmentRow, info.environment_id)
            info.key, info.at = key, context.now
            text = f"[Instance: {info.instance_id}] Successfully finished {_DID[info.kind]} {files} log(s)"
            tell_environment(context, row, text, request_id=info.request_id)
            left = select(EnvironmentInfoRow.number).where(
                EnvironmentInfoRow.request_id == info.request_id, EnvironmentInfoRow.key == ""
            )
            if context.session.scalar(left.limit(1)) is None:
                text = "Pulled logs for environment instances."
                tell_environment(context, row, text, request_id=info.request_id)

    def _expire(self, environment_id: str) -> None:
        """Rows and objects whose fifteen minutes are over."""
        with self._emulator.store.begin() as session:
            query = select(EnvironmentInfoRow).where(
                EnvironmentInfoRow.environment_id == environment_id,
                EnvironmentInfoRow.key != "",
                EnvironmentInfoRow.at <= self._emulator.clock.now() - LASTS,
            )
            rows = list(session.scalars(query))
            row = session.get(EnvironmentRow, environment_id)
            account = row.account if row is not None else ""
            gone = [(found.bucket, found.key) for found in rows]
            for found in rows:
                session.delete(found)
        for bucket, key in gone:
            objects_of(self._emulator).delete(account, bucket, key)

"""moto, as one world of this process: imported at first use, saved after each change, restored at the next start.

moto keeps its state in dictionaries of its modules, so a process has one world; opening another ends it. Whoever touches
a backend holds `lock`. Requests run in `worker`, the one thread of the neighbours; operations of the container services
call on the event-loop thread.
"""

import io
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from pickle import PicklingError
from typing import Any, ClassVar

import structlog

from emulator.clock import Clock
from emulator.neighbours.adaptations import adapt
from emulator.neighbours.moto_core import all_dicts, forget, import_core
from emulator.neighbours.pickling import BackendName, StatePickler, StateUnpickler, find_dict, restore_backend
from emulator.neighbours.snapshot_file import MANIFEST, SnapshotFile

_LOG = structlog.get_logger()

# Objects of these services hold objects of each other (a group its instances), so they are written together.
_TOGETHER = {"ec2", "autoscaling", "elb", "elbv2", "batch", "emr", "cloudformation"}
_ALL = "all"
IMPORT_SETTINGS = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false"}
_UNWANTED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "MOTO_ACCOUNT_ID")


class NeighboursStateError(Exception):
    """The saved state cannot be read: no request is answered, so that nothing is written over it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the saved state of the other AWS services cannot be read ({error}); a reset forgets it")


class MotoWorld:
    """The neighbours' state.

    Args:
        clock: what moto's objects take for the time.
        default_account: the account of unknown keys.
        path: the file that keeps the state; None keeps it in memory only.

    """

    _current: ClassVar["MotoWorld | None"] = None

    def __init__(self, clock: Clock, default_account: str, path: Path | None) -> None:
        self.lock = threading.RLock()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="neighbours")
        self._clock, self.default_account = clock, default_account
        self._file = SnapshotFile(path) if path else None
        self._written: dict[str, bytes] = {}
        self._to_save: frozenset[str] = frozenset()
        self._names_written = 0
        """How many backends there were when all of them were saved last."""

    def now(self) -> datetime:
        """What moto's objects take for the time."""
        return self._clock.now()

    @property
    def is_open(self) -> bool:
        """Whether moto has been imported for this world."""
        return MotoWorld._current is self

    def places(self, service: str) -> list[tuple[str, str]]:
        """The accounts and regions where there is a backend, told without importing moto.

        `service` is the name of moto's package.
        """
        with self.lock:
            names = list(self._names().values()) if self.is_open else self._manifest()
            return [(name[2], name[3]) for name in names if name[0].split(".")[1] == service]

    def backend(self, service: str, account: str, region: str) -> Any:
        """Moto's backend, made at first use. Hold `lock` while you use it."""
        self.open()
        adapt(service)
        import moto.backends  # noqa: PLC0415 - moto is imported at first use only

        backends: Any = moto.backends  # its functions are typed with a Literal of 180 names
        return backends.get_backend(service)[account][region]

    def open(self) -> None:
        """Import moto's core and restore what was saved."""
        with self.lock:
            if self.is_open:
                return
            os.environ.update(IMPORT_SETTINGS)
            for name in _UNWANTED:
                os.environ.pop(name, None)
            import_core(self.default_account, self._clock.now)
            if MotoWorld._current is not None:
                forget()
            MotoWorld._current = self
            try:
                if self._file is not None:
                    self._restore(self._file)
            except Exception as error:
                forget()
                MotoWorld._current = None
                raise NeighboursStateError(error) from error

    def count(self) -> int:
        """How many backends there are."""
        return len(self._names())

    def save(self, *services: str, untouched: Collection[str] = ()) -> None:
        """Write what has changed since the last save.

        Args:
            services: look at these only, where some are named.
            untouched: do not look at these services, nor at those that are written together with them.

        """

        def wanted(segment: str) -> bool:
            return segment == _ALL or (segment in services if services else segment not in spared)

        spared = {_segment_of(service) for service in untouched}
        with self.lock:
            if self._file is None or not self.is_open:
                return
            afterwards: list[Callable[[], None]] = []
            with self._file.transaction():
                fresh = self._write(self._file, wanted, afterwards)
            self._written = fresh
            if not services and not untouched:
                self._names_written = self.count()
            for call in afterwards:
                call()

    def save_soon(self, *services: str) -> None:
        """`save` in the worker, once for all calls that come until then."""
        if self._file is None:
            return
        with self.lock:
            waits, self._to_save = bool(self._to_save), self._to_save | set(services)
        if waits:
            return

        def save() -> None:
            try:
                self.save_waiting()
            except Exception:  # noqa: BLE001 - the thread's outermost frame: nobody waits for its result
                _LOG.exception("the neighbours' state could not be saved")

        self.worker.submit(save)

    def save_waiting(self) -> None:
        """Write now what `save_soon` was asked for and has not written yet, and backends that were made by a first look.

        Rows that speak of what is there are written after this: else a process that dies in between comes back with rows that
        speak of what is not.
        """
        with self.lock:
            if self._file is None or not self.is_open:
                return
            wanted, self._to_save = self._to_save, frozenset()
            if self.count() != self._names_written:  # the first look at EC2 makes a VPC
                self.save()
            elif wanted:
                self.save(*wanted)

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            if self.is_open:
                forget()
            self._written.clear()
            self._names_written = 0
            if self._file is not None:
                self._file.clear()

    def close(self) -> None:
        """End the worker, after what it has been given."""
        self.worker.shutdown(wait=True)
        with self.lock:
            if self.is_open:
                forget()
                MotoWorld._current = None
            if self._file is not None:
                self._file.close()

    def _manifest(self) -> list[BackendName]:
        data = self._file.manifest() if self._file else None
        return [(m, c, a, r) for m, c, a, r in json.loads(data)] if data else []

    def _names(self) -> dict[int, BackendName]:
        return {
            id(backend): (found.backend.__module__, found.backend.__qualname__, account, region)
            for found in all_dicts()
            for account, region, backend in found.iter_backends()
        }

    def _write(
        self, file: SnapshotFile, wanted: Callable[[str], bool], afterwards: list[Callable[[], None]]
    ) -> dict[str, bytes]:
        names = self._names()
        segments = _segments(names)
        dumped = self._dump(file, segments, names, wanted, afterwards)
        if _ALL in segments and not dumped:  # better apart than not at all
            segments = _segments(names, stacks=False)
            dumped = self._dump(file, segments, names, lambda _: True, afterwards)
        dumped[MANIFEST] = json.dumps(sorted(names.values())).encode()
        fresh = {segment: self._written[segment] for segment in segments if segment in self._written}
        for segment, data in dumped.items():
            fresh[segment] = blake2b(data, digest_size=16).digest()
            if self._written.get(segment) != fresh[segment]:
                file.put_segment(segment, data)
        for stale in self._written.keys() - segments.keys() - {MANIFEST}:
            file.drop_segment(stale)
        return fresh

    def _dump(
        self,
        file: SnapshotFile,
        segments: dict[str, list[BackendName]],
        names: dict[int, BackendName],
        wanted: Callable[[str], bool],
        afterwards: list[Callable[[], None]],
    ) -> dict[str, bytes]:
        dumped = {}
        for segment, members in segments.items():
            if not wanted(segment):
                continue
            out = io.BytesIO()
            try:
                pickler = StatePickler(out, names, file, afterwards)
                pickler.dump([(name, pickler.fields_of(name), _extras(name)) for name in members])
            except (PicklingError, TypeError, AttributeError) as error:
                _LOG.warning("the state of a neighbour is not kept", service=segment, error=str(error))
            else:
                dumped[segment] = out.getvalue()
        return dumped

    def _restore(self, file: SnapshotFile) -> None:
        segments = file.segments()
        for name in json.loads(segments.pop(MANIFEST, b"[]")):
            restore_backend(*name)
        bodies: set[str] = set()
        logs: set[str] = set()
        restored: set[BackendName] = set()
        for data in segments.values():
            for name, fields, extras in StateUnpickler(data, file, bodies, logs).backends():
                vars(restore_backend(*name)).update(fields)
                vars(find_dict(*name[:2])).update(extras)
                restored.add(name)
        for name in self._manifest():
            if name not in restored:  # its service could not be written: it begins anew
                restore_backend(*name).__init__(name[3], name[2])
        self._written, self._names_written = dict.fromkeys(segments, b""), self.count()
        file.keep_only(bodies, logs)


def _segment_of(service: str) -> str:
    return "compute" if service in _TOGETHER else service


def _segments(names: dict[int, BackendName], *, stacks: bool = True) -> dict[str, list[BackendName]]:
    """What is written together: the objects of one service, or of several that hold each other's."""
    segments: dict[str, list[BackendName]] = defaultdict(list)
    for name in names.values():
        segments[_segment_of(name[0].split(".")[1])].append(name)
    if stacks and any(restore_backend(*name).stacks for name in segments["compute"] if "cloudformation" in name[0]):
        return {_ALL: list(names.values())}  # stacks hold objects of any service
    return {segment: members for segment, members in segments.items() if members}


def _extras(name: BackendName) -> dict[str, Any]:
    """What moto keeps on a service's dictionary itself (which account owns a bucket)."""
    return {key: value for key, value in vars(find_dict(*name[:2])).items() if key == "bucket_accounts"}

"""How moto's objects are put into bytes and back.

Backends refer to each other, so a reference to a backend is written as its name and a backend's own fields as a plain
dict. Left out of the bytes are: what AWS manages and moto ships (1,400 IAM policies), the content of S3 objects, log
events and AWS's machine images (written once into `SnapshotFile`), and locks, which are made anew.
"""

import importlib
import io
import json
import marshal
import pickle  # our own file in the user's own state folder
import threading
import types
import uuid
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from emulator.neighbours import images
from emulator.neighbours.snapshot_file import SnapshotFile

BackendName = tuple[str, str, str, str]
"""Module and name of the backend's class, account, region (or partition)."""

_LOCKS: dict[type, Callable[[], object]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
    threading.Condition: threading.Condition,
    threading.Event: threading.Event,
}
_BODY, _LOG = "_ashore_body", "_ashore_log"


def find_dict(module: str, class_name: str) -> Any:
    """Moto's dictionary of all backends of one class."""
    from moto.core.base_backend import BackendDict  # noqa: PLC0415 - moto is imported at first use only

    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, BackendDict) and value.backend.__qualname__ == class_name:
            return value
    raise LookupError(f"moto has no backends of {module}.{class_name}")


def restore_backend(module: str, class_name: str, account: str, region: str) -> Any:
    """The backend of that name: where there is none yet an empty one, whose fields come later."""
    found = find_dict(module, class_name)[account]
    if region not in found.keys():  # noqa: SIM118 - `in` alone says whether the region could exist
        found[region] = found.backend.__new__(found.backend)
    return found[region]


def restore_function(module: str, code: bytes, name: str, defaults: tuple[object, ...], cells: list[object]) -> Any:
    """A function that was defined inside another (a `defaultdict`'s factory)."""
    scope = vars(importlib.import_module(module))
    closure = tuple(types.CellType(cell) for cell in cells)
    return types.FunctionType(marshal.loads(code), scope, name, defaults, closure)  # noqa: S302 - our own file


@lru_cache(maxsize=1)
def _managed_policies() -> dict[str, dict[str, Any]]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # noqa: PLC0415 - as above

    policies: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return policies


def restore_policy(name: str, account: str, partition: str, policy_id: str) -> Any:
    """A policy that AWS manages, unchanged."""
    from moto.iam.models import AWSManagedPolicy  # noqa: PLC0415 - as above

    policy = AWSManagedPolicy.from_data(name, account, partition, _managed_policies()[name])
    policy.id = policy_id
    return policy


def find_image(_key: str, _table: str, _name: str) -> None:
    """Stands for `StateUnpickler.find_image`."""


def set_object(_key: object, _state: object) -> None:
    """Stands for `StateUnpickler.set_object`."""


def set_stream(_stream: object, _state: object) -> None:
    """Stands for `StateUnpickler.set_stream`."""


def set_certificate(found: Any, state: dict[str, Any]) -> None:
    """Give a certificate its fields."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - as above

    vars(found).update(state)
    found._key = load_pem_private_key(found.key, password=None)  # noqa: SLF001 - moto's names
    found._cert = load_pem_x509_certificate(found.cert)  # noqa: SLF001 - as above


def set_dict(found: Any, state: tuple[dict[str, Any], Any, dict[Any, Any]]) -> None:
    """Fill a subclass of `defaultdict`, whose constructor and whose `[]` may want other things than Python's."""
    fields, found.default_factory, items = state
    vars(found).update(fields)
    dict.update(found, items)


def new(kind: type) -> Any:
    """An instance without fields."""
    return object.__new__(kind) if not issubclass(kind, dict) else dict.__new__(kind)


class StatePickler(pickle.Pickler):
    """Writes one segment.

    Args:
        out: where to.
        names: the backends' names by `id`.
        file: takes contents and events.
        afterwards: calls to make once the transaction is safe.

    """

    def __init__(
        self, out: io.BytesIO, names: dict[int, BackendName], file: SnapshotFile, afterwards: list[Callable[[], None]]
    ) -> None:
        super().__init__(out, protocol=5)
        self._names, self._file, self._afterwards = names, file, afterwards
        self._images: dict[int, tuple[str, str, str]] = {}

    def fields_of(self, name: BackendName) -> dict[str, Any]:
        """A backend's fields as they are written; of EC2's images only those that are not in a body of their own."""
        backend = restore_backend(*name)
        if not all(hasattr(backend, table) for table in images.TABLES):
            fields: dict[str, Any] = vars(backend)
            return fields
        written = images.marked(backend) or self._write_images(backend)
        unchanged = written.unchanged(backend)
        for table, items in unchanged.items():
            self._images.update((id(item), (written.key, table, ident)) for ident, item in items.items())
        return written.rest(backend, unchanged)

    def _write_images(self, backend: Any) -> images.WrittenImages:
        tables, out = images.of_aws(backend), io.BytesIO()
        written = images.written(uuid.uuid4().hex, tables)
        StatePickler(out, self._names, self._file, self._afterwards).dump(tables)
        self._file.put_body(written.key, out.getvalue())
        self._afterwards.append(lambda: images.mark(backend, written))
        return written

    def reducer_override(self, item: object) -> Any:
        """Called for everything that is not a plain value."""
        name = self._names.get(id(item))
        if name is not None:
            return restore_backend, name
        image = self._images.get(id(item))
        if image is not None:
            return find_image, image
        kind = type(item)
        if kind in _LOCKS:
            return _LOCKS[kind], ()
        if isinstance(item, weakref.ref | weakref.WeakValueDictionary | types.FunctionType):
            return _reduce_plain(item)
        if isinstance(item, defaultdict) and kind is not defaultdict:
            return new, (kind,), (vars(item), item.default_factory, dict(item)), None, None, set_dict
        special = _SPECIAL.get((kind.__module__, kind.__qualname__))
        return special(self, item) if special else NotImplemented

    def reduce_backends(self, item: Any) -> Any:
        """A dictionary of backends that a backend keeps a hold of."""
        return find_dict, (item.backend.__module__, item.backend.__qualname__)

    def reduce_policy(self, item: Any) -> Any:
        """A policy of AWS's: only what tells it from a new one, where nothing does its name."""
        if item.attachment_count or item.tags or item.name not in _managed_policies():
            return NotImplemented
        return restore_policy, (item.name, item.account_id, item.partition, item.id)

    def reduce_object(self, item: Any) -> Any:
        """An S3 object: its content is written the first time it is seen, and again if it changes."""
        state = {name: value for name, value in vars(item).items() if name not in {"_value_buffer", "lock", _BODY}}
        version = (item.contentsize, item.last_modified)
        known = getattr(item, _BODY, None)
        if item.disposed:
            return new, (type(item),), (state, None), None, None, set_object
        if known is None or known[0] != version:
            known = (version, uuid.uuid4().hex)
            self._file.put_body(known[1], item.value)
            self._afterwards.append(lambda: setattr(item, _BODY, known))
        return new, (type(item),), (state, known), None, None, set_object

    def reduce_certificate(self, item: Any) -> Any:
        """A certificate of ACM's: key and certificate are read again from their PEM."""
        state = {name: value for name, value in vars(item).items() if name not in {"_key", "_cert"}}
        return new, (type(item),), state, None, None, set_certificate

    def reduce_stream(self, item: Any) -> Any:
        """A log stream: its new events are appended."""
        state = {name: value for name, value in vars(item).items() if name not in {"events", _LOG}}
        log, written = getattr(item, _LOG, (uuid.uuid4().hex, 0))
        if len(item.events) > written:
            rows = [(event.ingestion_time, event.timestamp, event.message) for event in item.events[written:]]
            self._file.put_events(log, written, json.dumps(rows).encode())
        mark = (log, len(item.events))
        self._afterwards.append(lambda: setattr(item, _LOG, mark))
        return new, (type(item),), (state, mark), None, None, set_stream


def _reduce_plain(item: weakref.ref[Any] | weakref.WeakValueDictionary[Any, Any] | types.FunctionType) -> Any:
    if isinstance(item, weakref.ref):
        return weakref.ref, (item(),)
    if isinstance(item, weakref.WeakValueDictionary):
        return weakref.WeakValueDictionary, (), None, None, iter(item.items())
    return _reduce_function(item)


def _reduce_function(item: types.FunctionType) -> Any:
    if "<" not in item.__qualname__:
        return NotImplemented
    cells = [cell.cell_contents for cell in item.__closure__ or ()]
    parts = (item.__module__, marshal.dumps(item.__code__), item.__name__, item.__defaults__ or (), cells)
    return restore_function, parts


_SPECIAL: dict[tuple[str, str], Callable[[StatePickler, Any], Any]] = {
    ("moto.core.base_backend", "BackendDict"): StatePickler.reduce_backends,
    ("moto.s3.models", "S3BackendDict"): StatePickler.reduce_backends,
    ("moto.iam.models", "AWSManagedPolicy"): StatePickler.reduce_policy,
    ("moto.s3.models", "FakeKey"): StatePickler.reduce_object,
    ("moto.logs.models", "LogStream"): StatePickler.reduce_stream,
    ("moto.acm.models", "CertBundle"): StatePickler.reduce_certificate,
}


class StateUnpickler(pickle.Unpickler):
    """Reads one segment."""

    def __init__(self, data: bytes, file: SnapshotFile, bodies: set[str], logs: set[str]) -> None:
        super().__init__(io.BytesIO(data))
        self._file, self._bodies, self._logs = file, bodies, logs
        self._images: dict[str, Any] = {}

    def backends(self) -> Iterator[tuple[BackendName, dict[str, Any], dict[str, Any]]]:
        """Name, fields, and what stands on the service's dictionary, of each backend of the segment."""
        for name, fields, extras in self.load():
            left_out = fields.get(images.LEFT_OUT)
            yield name, images.whole(fields, self._images_of(left_out[0])) if left_out else fields, extras

    def find_class(self, module: str, name: str, /) -> Any:
        """Contents, events and images come from this reader's file."""
        if module == __name__ and name in {"set_object", "set_stream", "find_image"}:
            return getattr(self, name)
        return super().find_class(module, name)

    def find_image(self, key: str, table: str, name: str) -> Any:
        """A machine image of AWS's, or the snapshot of one."""
        return self._images_of(key)[table][name]

    def _images_of(self, key: str) -> Any:
        if key not in self._images:
            self._bodies.add(key)
            self._images[key] = StateUnpickler(self._file.body(key), self._file, self._bodies, self._logs).load()
        return self._images[key]

    def set_object(self, key: Any, parts: tuple[dict[str, Any], Any]) -> None:
        """Give an S3 object its fields and its content."""
        state, known = parts
        key.__setstate__({**state, "value": self._file.body(known[1]) if known else b""})
        if known:
            setattr(key, _BODY, known)
            self._bodies.add(known[1])

    def set_stream(self, stream: Any, parts: tuple[dict[str, Any], tuple[str, int]]) -> None:
        """Give a log stream its fields and its events."""
        from moto.logs.models import LogEvent  # noqa: PLC0415 - as above

        state, mark = parts
        vars(stream).update(state)
        stream.events = [
            LogEvent(ingested, {"timestamp": at, "message": message})
            for chunk in self._file.events(mark[0])
            for ingested, at, message in json.loads(chunk)
        ]
        setattr(stream, _LOG, (mark[0], len(stream.events)))
        self._logs.add(mark[0])

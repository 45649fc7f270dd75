"""Layers as files: `blobs/sha256/ab/HEX` by content, `uploads/UUID` while they arrive.

Decisions:
- Bytes are written and hashed in pieces, so that no blob is ever whole in memory. The running hash is kept;
  where it is missing (after a restart) or does not fit the file's length it is worked out anew from the file.
- `append`, `digest` and `seal` block and belong into I/O threads; one caller at a time for each upload (`claim`).
  `publish` and `remove` only rename and unlink: they are called on the event-loop thread, in step with the rows, so
  that no file vanishes between a check and its use.
- A blob is synced to the disk before its row is written, as the row promises its content. The row itself may be lost
  with the machine (see `emulator.state.store`); then the layer is pushed again. What arrives is not synced on the way.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from emulator.emulator import Emulator
    from emulator.state.store import Store

PIECE = 1 << 20
"""Bytes that are read or written at a time."""
EMPTY_DIGEST = f"sha256:{hashlib.sha256().hexdigest()}"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class UploadBusyError(Exception):
    """Another request is writing the same upload."""


def is_digest(text: str) -> bool:
    """Whether `text` is a digest that a file can be named by; everything else must never become a path."""
    return _DIGEST.fullmatch(text) is not None


def digest_of(content: bytes) -> str:
    """The digest of bytes in memory (manifests)."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True)
class _Running:
    """The hash of an upload's first `size` bytes."""

    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0


class Blobs:
    """The files below one folder."""

    def __init__(self, root: Path) -> None:
        self._blobs, self._uploads = root / "blobs" / "sha256", root / "uploads"
        self._running: dict[str, _Running] = {}
        self._claimed: set[str] = set()

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be."""
        if not is_digest(digest):
            raise ValueError(f"not a digest: {digest!r}")
        name = digest.removeprefix("sha256:")
        return self._blobs / name[:2] / name

    def begin(self, upload: str) -> None:
        """Make an empty upload."""
        self._uploads.mkdir(parents=True, exist_ok=True)
        (self._uploads / upload).touch(exist_ok=False)
        self._running[upload] = _Running()

    @contextmanager
    def claim(self, upload: str) -> Iterator[None]:
        """Keep others from writing `upload` meanwhile.

        Raises:
            UploadBusyError: another request has claimed it.

        """
        if upload in self._claimed:
            raise UploadBusyError(upload)
        self._claimed.add(upload)
        try:
            yield
        finally:
            self._claimed.remove(upload)

    def size(self, upload: str) -> int:
        """How many bytes have arrived; FileNotFoundError where there is no such file."""
        return (self._uploads / upload).stat().st_size

    def append(self, upload: str, pieces: Sequence[bytes]) -> None:
        """Write `pieces` at the end. Blocks. Where the disk refuses, the upload is as it was before."""
        running = self._hash_of(upload)
        start = running.size
        descriptor = os.open(self._uploads / upload, os.O_WRONLY)
        try:
            os.lseek(descriptor, start, os.SEEK_SET)
            for piece in pieces:
                _write_all(descriptor, piece)
                running.hash.update(piece)
                running.size += len(piece)
        except OSError:
            self._running.pop(upload, None)
            os.ftruncate(descriptor, start)
            raise
        finally:
            os.close(descriptor)

    def digest(self, upload: str) -> str:
        """The digest of what has arrived. Blocks where it must be worked out anew."""
        return f"sha256:{self._hash_of(upload).hash.hexdigest()}"

    def seal(self, upload: str) -> None:
        """Sync the upload to the disk. Blocks."""
        descriptor = os.open(self._uploads / upload, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def publish(self, upload: str, digest: str) -> None:
        """Turn a sealed upload into the blob `digest`, at one stroke. One that is there has the same content."""
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        (self._uploads / upload).replace(path)
        self._running.pop(upload, None)

    def discard(self, upload: str) -> None:
        """Forget an upload."""
        (self._uploads / upload).unlink(missing_ok=True)
        self._running.pop(upload, None)

    def remove(self, digest: str) -> None:
        """Remove a blob. Those who read it at the moment read on."""
        self.path(digest).unlink(missing_ok=True)

    def stored(self) -> Iterator[str]:
        """The digests of all files."""
        for path in self._blobs.glob("??/*"):
            yield f"sha256:{path.name}"

    def uploading(self) -> Iterator[str]:
        """The ids of all upload files."""
        for path in self._uploads.glob("*"):
            yield path.name

    def _hash_of(self, upload: str) -> _Running:
        """The running hash over the whole file, worked out anew where it does not fit."""
        running = self._running.get(upload)
        if running is not None and running.size == self.size(upload):
            return running
        running = _Running()
        buffer = memoryview(bytearray(PIECE))
        with (self._uploads / upload).open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                running.hash.update(buffer[:count])
                running.size += count
        self._running[upload] = running
        return running


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


_OF_STORE: "WeakKeyDictionary[Store, Blobs]" = WeakKeyDictionary()


def blobs_of(emulator: "Emulator") -> Blobs:
    """The blobs of one server: one object as long as its store lives, as running hashes and claims are in memory."""
    blobs = _OF_STORE.get(emulator.store)
    if blobs is None:
        blobs = _OF_STORE[emulator.store] = Blobs(emulator.settings.state_dir / "ecr")
    return blobs

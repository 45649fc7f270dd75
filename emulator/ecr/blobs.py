"""Layers as files: `blobs/ALGORITHM/ab/HEX` by content, `uploads/UUID` while they arrive.

Decisions:
- Bytes are written and hashed in pieces, so that no blob is ever whole in memory. The running hash is kept;
  where it is missing (after a restart), does not fit the file's length or is of another algorithm than the client
  names in the end, it is worked out anew from the file.
- `append`, `cut`, `digest` and `seal` block and belong into I/O threads; one caller at a time for each upload (`claim`).
  `publish` and `remove` only link and unlink: they are called on the event-loop thread, in step with the rows, so
  that no file vanishes between a check and its use.
- A blob appears under its name by a link, whole or not at all, and the upload stays until the rows are committed:
  whatever dies in between, either the layer is there or its upload can be completed again.
- A blob is synced to the disk before its row is written, as the row promises its content. The row itself may be lost
  with the machine (see `emulator.state.store`); then the layer is pushed again. What arrives is not synced on the way.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from emulator.emulator import Emulator
    from emulator.state.store import Store

PIECE = 1 << 20
"""Bytes that are read or written at a time."""
_VECTORS = 256
"""Pieces that the kernel takes in one call."""
EMPTY_DIGEST = f"sha256:{hashlib.sha256().hexdigest()}"
ALGORITHMS = ("sha256", "sha512")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class UploadBusyError(Exception):
    """Another request is writing the same upload."""


def is_digest(text: str) -> bool:
    """Whether `text` is a digest that a file can be named by; everything else must never become a path."""
    return _DIGEST.fullmatch(text) is not None


def algorithm_of(digest: str) -> str:
    """The name of the digest's algorithm."""
    return digest.partition(":")[0]


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """The digest of bytes in memory (manifests)."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


class _Running:
    """The hash of an upload's first `size` bytes."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm, self.hash, self.size = algorithm, hashlib.new(algorithm), 0


class Blobs:
    """The files below one folder."""

    def __init__(self, root: Path) -> None:
        self._blobs, self._uploads = root / "blobs", root / "uploads"
        self._running: dict[str, _Running] = {}
        self._claimed: set[str] = set()

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be."""
        if not is_digest(digest):
            raise ValueError(f"not a digest: {digest!r}")
        algorithm, _, name = digest.partition(":")
        return self._blobs / algorithm / name[:2] / name

    def begin(self, upload: str, algorithm: str = "sha256") -> None:
        """Make an empty upload; `algorithm` is the one that its digest will probably have."""
        path = self._uploads / upload
        try:
            path.touch(exist_ok=False)
        except FileNotFoundError:
            self._uploads.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        self._running[upload] = _Running(algorithm)

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

    def is_claimed(self, upload: str) -> bool:
        """Whether a request is writing `upload` now."""
        return upload in self._claimed

    def exists(self, upload: str) -> bool:
        """Whether there is a file of the upload."""
        return (self._uploads / upload).exists()

    def size(self, upload: str) -> int:
        """How many bytes have arrived; FileNotFoundError where there is no such file."""
        return (self._uploads / upload).stat().st_size

    def is_hashed(self, upload: str) -> bool:
        """Whether the running hash is at the end of the file, so that `append` reads nothing."""
        running = self._running.get(upload)
        return running is not None and running.size == self.size(upload)

    def append(self, upload: str, pieces: Sequence[bytes]) -> None:
        """Write `pieces` at the end. Blocks. Where the disk refuses, the upload is as it was before."""
        self._unshare(upload)
        running = self._hash_of(upload)
        start = running.size
        descriptor = os.open(self._uploads / upload, os.O_WRONLY)
        try:
            os.lseek(descriptor, start, os.SEEK_SET)
            _write_all(descriptor, pieces)
            for piece in pieces:
                running.hash.update(piece)
                running.size += len(piece)
        except OSError:
            self._running.pop(upload, None)
            os.ftruncate(descriptor, start)
            raise
        finally:
            os.close(descriptor)

    def cut(self, upload: str, size: int) -> None:
        """Take back what arrived after the first `size` bytes. Blocks."""
        self._unshare(upload)
        os.truncate(self._uploads / upload, size)

    def digest(self, upload: str, algorithm: str = "sha256") -> str:
        """The digest of what has arrived. Blocks where it must be worked out anew."""
        return f"{algorithm}:{self._hash_of(upload, algorithm).hash.hexdigest()}"

    def seal(self, upload: str) -> None:
        """Sync the upload to the disk. Blocks."""
        descriptor = os.open(self._uploads / upload, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def publish(self, upload: str, digest: str) -> None:
        """Let a sealed upload be the blob `digest` too, at one stroke; `discard` it once the rows are safe.

        A blob that is there has the same content, unless a crash of the machine cut it short: it is replaced.
        """
        path, link = self.path(digest), self._uploads / f"{upload}.link"
        if path.exists() and path.stat().st_size == self.size(upload):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.hardlink_to(self._uploads / upload)
        link.replace(path)

    def discard(self, upload: str) -> None:
        """Forget an upload."""
        (self._uploads / upload).unlink(missing_ok=True)
        self._running.pop(upload, None)

    def remove(self, digest: str) -> None:
        """Remove a blob. Those who read it at the moment read on."""
        self.path(digest).unlink(missing_ok=True)

    def stored(self) -> Iterator[str]:
        """The digests of all files."""
        for path in self._blobs.glob("*/??/*"):
            yield f"{path.parent.parent.name}:{path.name}"

    def uploading(self) -> Iterator[str]:
        """The ids of all upload files."""
        for path in self._uploads.glob("*"):
            yield path.name

    def _unshare(self, upload: str) -> None:
        """Where a commit failed after `publish`, the blob and the upload are one file: writing needs one of its own."""
        path = self._uploads / upload
        if path.stat().st_nlink > 1:
            copy = self._uploads / f"{upload}.copy"
            shutil.copyfile(path, copy)
            copy.replace(path)

    def _hash_of(self, upload: str, algorithm: str | None = None) -> _Running:
        """The running hash over the whole file, worked out anew where it does not fit."""
        running = self._running.get(upload)
        wanted = algorithm or (running.algorithm if running is not None else "sha256")
        if running is not None and running.size == self.size(upload) and running.algorithm == wanted:
            return running
        running = self._running[upload] = _hashed(self._uploads / upload, wanted)
        return running


def hash_file(path: Path, algorithm: str) -> str:
    """The digest of a file. Blocks."""
    return f"{algorithm}:{_hashed(path, algorithm).hash.hexdigest()}"


def _hashed(path: Path, algorithm: str) -> _Running:
    running = _Running(algorithm)
    buffer = memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            running.hash.update(buffer[:count])
            running.size += count
    return running


def _write_all(descriptor: int, pieces: Sequence[bytes]) -> None:
    left = [memoryview(piece) for piece in pieces if piece]
    while left:
        written = os.writev(descriptor, left[:_VECTORS])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]


_OF_STORE: "WeakKeyDictionary[Store, Blobs]" = WeakKeyDictionary()


def blobs_of(emulator: "Emulator") -> Blobs:
    """The blobs of one server: one object as long as its store lives, as running hashes and claims are in memory."""
    blobs = _OF_STORE.get(emulator.store)
    if blobs is None:
        blobs = _OF_STORE[emulator.store] = Blobs(emulator.settings.state_dir / "ecr")
    return blobs

"""The edge: a source bundle of unknown origin becomes a folder, whole or not at all, and never a file outside it.

Nothing is written before the archive's list was judged. Files come out in pieces and are counted as they come; links are made
last, so that nothing is ever written through one. The folder appears by a rename after everything is on the disk; what a crash
left of an earlier attempt is removed by the next.
"""

import os
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.beanstalk.bundles.archives import Archive, Entry, entries_of, told_as_broken
from emulator.beanstalk.bundles.entry_names import shown, stays_inside
from emulator.beanstalk.bundles.errors import (
    BrokenArchiveError,
    BundleRefusedError,
    CollidingEntriesError,
    TooLargeError,
    UnsafeEntryError,
)

_PIECE = 256 * 1024
_MIB = 1024 * 1024
_LONGEST_TARGET = 4096
_FEW = 200
"""Files that are put on the disk one by one."""

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_SINGLE_FILES = ("Dockerrun.aws.json", "docker-compose.yml", "Dockerfile")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a bundle may be. Elastic Beanstalk documents the first; the others keep this machine whole."""

    archive: int = 512 * _MIB
    """Bytes of the bundle itself."""
    unpacked: int = 2048 * _MIB
    """Bytes of all its files together."""
    ratio: int = 100
    """How many times its size it may become …"""
    free: int = 64 * _MIB
    """… beyond this many bytes."""
    files: int = 100_000
    """Files, folders and links."""


LIMITS = Limits()


def unpack(bundle: Path, name: str, folder: Path, limits: Limits = LIMITS) -> None:
    """Make `folder` of the bundle; blocks. A folder that is there already was made by the same command given before.

    Args:
        bundle: the uploaded file.
        name: what it was called (the S3 key), which tells a single Dockerfile, docker-compose.yml, Dockerrun.aws.json or jar.
        folder: what to make; its parent is made too.
        limits: how much it may be.

    Raises:
        BundleRefusedError: the bundle is broken or hostile. Nothing is left of it.

    """
    if folder.exists():
        return
    if bundle.stat().st_size > limits.archive:
        raise TooLargeError(f"it is larger than {limits.archive // _MIB} MB")
    single = _single_file(bundle, name)
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        if single is not None:
            shutil.copyfile(bundle, half / single)
        else:
            _unzip(bundle, half, limits)
        _settle(half)
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    _sync(folder.parent)


def _single_file(bundle: Path, name: str) -> str | None:
    """Under which name the bundle itself is the application's only file; None: it is an archive."""
    with bundle.open("rb") as stream:
        begins = stream.read(64)
    if begins.startswith(_ZIP_MAGIC):
        return "application.jar" if name.lower().endswith(".jar") else None
    for single in _SINGLE_FILES:
        if name.endswith(single):
            return single
    if begins.lstrip().startswith(b"{"):
        return "Dockerrun.aws.json"
    raise BrokenArchiveError("it is not a valid zip archive")


def _unzip(bundle: Path, folder: Path, limits: Limits) -> None:
    with Archive(bundle) as stream, told_as_broken(), zipfile.ZipFile(stream) as archive:
        entries = entries_of(archive, limits.files)
        counted = _Counted(bundle.stat().st_size, limits)
        for entry in entries:
            if entry.kind == "folder":
                folder.joinpath(*entry.parts).mkdir(parents=True, exist_ok=True)
            elif entry.kind == "file":
                _write(archive, entry, folder, counted)
        links = [(entry.parts, _target(archive, entry)) for entry in entries if entry.kind == "link"]
        _link(folder, links)


class _Counted:
    """Bytes that came out so far."""

    def __init__(self, archive: int, limits: Limits) -> None:
        self._most = min(limits.unpacked, max(limits.free, archive * limits.ratio))
        self._seen = 0

    def add(self, size: int) -> None:
        self._seen += size
        if self._seen > self._most:
            raise TooLargeError(f"it unpacks to more than {self._most // _MIB} MB")


def _write(archive: zipfile.ZipFile, entry: Entry, folder: Path, counted: _Counted) -> None:
    path = folder.joinpath(*entry.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    # set-user-id, sticky and foreign bits are gone with the mode that the archive gave
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o755 if entry.executable else 0o644)
    except FileExistsError as error:  # a disk that does not tell the names apart
        raise CollidingEntriesError(f"it holds {shown('/'.join(entry.parts))} twice") from error
    with os.fdopen(descriptor, "wb") as out, archive.open(entry.info) as stream:
        while piece := stream.read(_PIECE):
            counted.add(len(piece))
            out.write(piece)


def _target(archive: zipfile.ZipFile, entry: Entry) -> str:
    with archive.open(entry.info) as stream:
        raw = stream.read(_LONGEST_TARGET + 1)
    name = "/".join(entry.parts)
    target = raw.decode()
    if len(raw) > _LONGEST_TARGET or not stays_inside(entry.parts, target):
        raise UnsafeEntryError(f"the symbolic link {shown(name)} leads out of the bundle")
    return target


def _link(folder: Path, links: Sequence[tuple[tuple[str, ...], str]]) -> None:
    for parts, target in links:
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    inside = os.path.realpath(folder)
    for parts, _ in links:  # links that lead through links
        ends = os.path.realpath(folder.joinpath(*parts))
        if os.path.commonpath([inside, ends]) != inside:
            raise UnsafeEntryError(f"the symbolic link {shown('/'.join(parts))} leads out of the bundle")


def _settle(folder: Path) -> None:
    """Everything on the disk, before the name says so: file by file, or, where they are many, all that the system holds."""
    paths = [Path(root, name) for root, _, files in os.walk(folder) for name in ("", *files)]
    if len(paths) > _FEW:
        os.sync()
        return
    for path in paths:
        if not path.is_symlink():
            _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["LIMITS", "BundleRefusedError", "Limits", "unpack"]

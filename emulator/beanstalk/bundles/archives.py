"""What a zip archive says it holds, judged before anything is written. Headers are read within limits, and only believed where
believing them is harmless: sizes are counted again while the bytes come out.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_SET, BufferedReader, FileIO
from pathlib import Path
from typing import Literal

from emulator.beanstalk.bundles.entry_names import folded, parts_of, shown
from emulator.beanstalk.bundles.errors import (
    BrokenArchiveError,
    CollidingEntriesError,
    EncryptedArchiveError,
    TooLargeError,
    UnsafeEntryError,
)

_DIRECTORY_BYTES = 16 * 1024 * 1024
"""Of the list of entries, which is held in memory."""

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The others come out in pieces that nobody bounds."""

_UNIX = 3
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that may be unpacked."""

    parts: tuple[str, ...]
    kind: Literal["file", "folder", "link"]
    executable: bool
    info: zipfile.ZipInfo


class Archive(BufferedReader):
    """The file, with no read larger than a list of entries may be, and no seek to before its beginning."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(path))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise TooLargeError("its list of files is too long")
        return super().read(size)

    def seek(self, target: int, whence: int = SEEK_SET, /) -> int:
        at = target + self.tell() if whence == SEEK_CUR else target
        if whence in {SEEK_SET, SEEK_CUR} and at < 0:
            raise zipfile.BadZipFile("an offset lies before the beginning")
        return super().seek(target, whence)


@contextmanager
def told_as_broken() -> Iterator[None]:
    """What the reader of zip files stumbles over is the archive's fault."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,  # UnicodeDecodeError among them
        OverflowError,
        struct.error,
    ) as error:
        raise BrokenArchiveError(f"it is not a valid zip archive ({error})") from error


def entries_of(archive: zipfile.ZipFile, most: int) -> Sequence[Entry]:
    """All entries, folders that only names imply left out.

    Args:
        archive: opened, with its list of entries.
        most: files, folders and links, implied folders counted.

    Raises:
        BundleRefusedError: one of them may not be unpacked, or they contradict each other.

    """
    if len(archive.infolist()) > most:
        raise TooLargeError(f"it holds more than {most} files")
    _check_overlaps(archive)
    found = [entry for entry in map(_entry, archive.infolist()) if entry.parts or entry.kind != "folder"]
    _check_collisions(found, most)
    return found


def _entry(info: zipfile.ZipInfo) -> Entry:
    name = info.orig_filename
    parts = parts_of(name)
    if info.flag_bits & _ENCRYPTED:
        raise EncryptedArchiveError(f"{shown(name)} is encrypted")
    if info.compress_type not in _METHODS:
        raise BrokenArchiveError(f"{shown(name)} is compressed by a method other than deflate")
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = _kind(mode, is_folder=name.endswith("/"))
    if kind is None or (not parts and kind != "folder"):
        raise UnsafeEntryError(f"{shown(name)} is no file, folder or symbolic link")
    return Entry(parts, kind, bool(mode & 0o111), info)


def _kind(mode: int, *, is_folder: bool) -> Literal["file", "folder", "link"] | None:
    match stat.S_IFMT(mode):
        case stat.S_IFLNK:
            return "link"
        case stat.S_IFDIR:
            return "folder"
        case 0 | stat.S_IFREG:
            return "folder" if is_folder else "file"
    return None


def _check_overlaps(archive: zipfile.ZipFile) -> None:
    """Entries that share bytes are how a small archive becomes a huge one, each of them within its ratio."""
    spans = sorted(
        (info.header_offset, info.header_offset + _LOCAL_HEADER + info.compress_size) for info in archive.infolist()
    )
    ends = [start for start, _ in spans[1:]] + [archive.start_dir]
    if any(end > next_start for (_, end), next_start in zip(spans, ends, strict=False)):
        raise CollidingEntriesError("two of its entries share the same bytes")


def _check_collisions(entries: Sequence[Entry], most: int) -> None:
    kinds: dict[tuple[str, ...], str] = {}
    for entry in entries:
        path = folded(entry.parts)
        for depth in range(1, len(path)):
            if kinds.setdefault(path[:depth], "folder") != "folder":
                raise CollidingEntriesError(f"{shown('/'.join(entry.parts))} lies below a file")
        if path in kinds and not kinds[path] == entry.kind == "folder":
            raise CollidingEntriesError(f"it holds {shown('/'.join(entry.parts))} twice")
        kinds[path] = entry.kind
        if len(kinds) > most:
            raise TooLargeError(f"it holds more than {most} files and folders")

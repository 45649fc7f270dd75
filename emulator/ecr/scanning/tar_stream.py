"""Reads a layer's files as they stream by, with bounds: what a layer claims of itself costs neither memory nor disk.

Python's `tarfile` takes extended headers of any size into memory; a layer comes from anybody, so this reads the few kinds
of entries that layers have by itself (POSIX ustar, pax paths and sizes, GNU long names).
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

BLOCK = 512
_MOST_BYTES = 64 << 30
"""Of one layer, decompressed."""
_MOST_ENTRIES = 5_000_000
_MOST_HEADER = 1 << 20
"""Bytes of one extended header."""
_PIECE = 1 << 20
_GZIP, _ZSTD, _BZIP2, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"


class UnreadableLayerError(Exception):
    """A layer is no tar archive, is damaged, breaks the bounds, or is packed in a way that cannot be read here."""


class Reader(Protocol):
    """What bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder or link of a layer."""

    path: str
    """Without a leading slash or `./`."""
    is_file: bool
    size: int
    link: str
    """What a link points to; empty otherwise."""
    read: Callable[[], bytes]
    """The content, whole: call it before the next entry, and only for a size that you can take."""


def entries_of(path: Path) -> Iterator[Entry]:
    """The entries of the layer in the file, in order.

    Raises:
        UnreadableLayerError: see there.

    """
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        magic = raw.read(6)
        raw.seek(0)
        if magic.startswith((_ZSTD, _BZIP2, _XZ)):
            raise UnreadableLayerError("a layer is compressed by other means than gzip")
        source: BinaryIO | gzip.GzipFile = raw
        if magic.startswith(_GZIP):
            source = stack.enter_context(gzip.GzipFile(fileobj=raw))
        try:
            yield from _entries(_Bounded(source))
        except (EOFError, OSError, zlib.error, ValueError) as error:
            raise UnreadableLayerError(f"a layer is damaged ({error})") from error


class _Bounded:
    """Counts what has been read, and refuses to go on for ever."""

    def __init__(self, source: Reader) -> None:
        self._source, self._left = source, _MOST_BYTES

    def exactly(self, size: int) -> bytes:
        """`size` bytes; EOFError where there are fewer."""
        pieces: list[bytes] = []
        while size:
            piece = self._source.read(min(size, _PIECE))
            if not piece:
                raise EOFError("it ends early")
            size -= len(piece)
            self._left -= len(piece)
            if self._left < 0:
                raise UnreadableLayerError(f"a layer has more than {_MOST_BYTES} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> None:
        """Read on without keeping anything."""
        while size:
            size -= len(self.exactly(min(size, _PIECE)))


def _entries(source: _Bounded) -> Iterator[Entry]:
    long_name, long_link = "", ""
    size_given: int | None = None
    for _ in range(_MOST_ENTRIES):
        header = source.exactly(BLOCK)
        if not any(header):
            return
        _check(header)
        kind, size = header[156:157], _number(header[124:136])
        padding = -size % BLOCK
        if kind in {b"L", b"K", b"x", b"g"}:
            if size > _MOST_HEADER:
                raise UnreadableLayerError("a layer has an endless header")
            content = source.exactly(size)
            source.skip(padding)
            if kind == b"L":
                long_name = _text(content)
            elif kind == b"K":
                long_link = _text(content)
            elif kind == b"x":
                fields = _pax(content)
                long_name, long_link = fields.get("path", long_name), fields.get("linkpath", long_link)
                size_given = int(fields["size"]) if "size" in fields else None
            continue
        size = size if size_given is None else size_given
        size = size if kind in {b"0", b"\0", b"7"} else 0
        taken = False

        def read(size: int = size) -> bytes:
            nonlocal taken
            taken = True
            return source.exactly(size)

        link = (long_link or _text(header[157:257])) if kind in {b"1", b"2"} else ""
        name = (long_name or _name(header)).removeprefix("./").strip("/")
        yield Entry(name, kind in {b"0", b"\0", b"7"}, size, link, read)
        source.skip((0 if taken else size) + -size % BLOCK)
        long_name, long_link, size_given = "", "", None
    raise UnreadableLayerError(f"a layer has more than {_MOST_ENTRIES} entries")


def _check(header: bytes) -> None:
    """Compare the header's sum."""
    wanted = _number(header[148:156])
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != wanted:
        raise UnreadableLayerError("a layer is no tar archive")


def _number(field: bytes) -> int:
    """Octal digits, or (GNU) binary after a set first bit."""
    if field[0] & 0x80:
        value = int.from_bytes(field[1:], "big")
    else:
        digits = field.split(b"\0")[0].strip()
        value = int(digits, 8) if digits else 0
    return value


def _name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[257:265] != b"ustar  \0" else ""
    name = _text(header[:100])
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode(errors="replace")


def _pax(content: bytes) -> dict[str, str]:
    """`LENGTH NAME=VALUE` and a newline, one after the other."""
    fields: dict[str, str] = {}
    while content:
        digits, _, _ = content.partition(b" ")
        length = int(digits)
        if not 0 < length <= len(content):
            raise ValueError("a header does not add up")
        name, _, value = content[len(digits) + 1 : length - 1].partition(b"=")
        fields[name.decode(errors="replace")] = value.decode(errors="replace")
        content = content[length:]
    return fields

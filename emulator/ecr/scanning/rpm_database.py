"""Reads rpm's database where it is SQLite (Fedora 33, RHEL 9 and later): a table of header blobs.

A header is a big-endian count of index entries and of data bytes, then the entries (tag, type, offset, count), then data.
"""

import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
_INT32 = 4
_MOST_ENTRIES = 1 << 16


@dataclass(frozen=True, slots=True)
class RpmPackage:
    """A package as rpm knows it."""

    name: str
    version: str
    """`[EPOCH:]VERSION-RELEASE`."""
    architecture: str
    source: str


def rpm_packages(database: bytes) -> list[RpmPackage]:
    """The packages in the database's bytes; ValueError where it is none."""
    with tempfile.NamedTemporaryFile(prefix="ashore-rpm-") as file:
        file.write(database)
        file.flush()
        try:
            connection = sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)
            try:
                blobs = [row[0] for row in connection.execute("SELECT blob FROM Packages")]
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise ValueError(f"the rpm database is damaged ({error})") from error
    return [package for blob in blobs for package in _package(blob)]


def _package(blob: bytes) -> Iterator[RpmPackage]:
    fields = _fields(blob)
    name, version = str(fields.get(_NAME, "")), str(fields.get(_VERSION, ""))
    if not name or not version or name == "gpg-pubkey":
        return
    epoch = f"{fields[_EPOCH]}:" if fields.get(_EPOCH) else ""
    source = str(fields.get(_SOURCE, "")).removesuffix(".src.rpm").rsplit("-", 2)[0]
    yield RpmPackage(name, f"{epoch}{version}-{fields.get(_RELEASE, '')}", str(fields.get(_ARCH, "")), source or name)


def _fields(blob: bytes) -> dict[int, str | int]:
    count, size = struct.unpack_from(">II", blob)
    data = 8 + 16 * count
    if count > _MOST_ENTRIES or data + size > len(blob):
        raise ValueError("the rpm database has a damaged header")
    found: dict[int, str | int] = {}
    for number in range(count):
        tag, kind, offset, _ = struct.unpack_from(">IIII", blob, 8 + 16 * number)
        if tag not in {_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH, _SOURCE} or offset >= size:
            continue
        if kind == _INT32:
            found[tag] = struct.unpack_from(">I", blob, data + offset)[0]
        else:
            end = blob.find(b"\0", data + offset)
            found[tag] = blob[data + offset : end].decode(errors="replace")
    return found

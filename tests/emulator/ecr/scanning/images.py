"""Layers as people's tools make them, and the feed that knows of what is in them."""

import gzip
import io
import json
import sqlite3
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n'
STATUS = b"""Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.11-1~deb12u2)
Version: 3.0.11-1~deb12u2+b1
Description: Secure Sockets Layer
 many lines

Package: gone
Status: deinstall ok config-files
Version: 1

Package: bash
Status: install ok installed
Version: 5.2.15-2+b2
"""
FILES = {"etc/os-release": DEBIAN, "var/lib/dpkg/status": STATUS}
ENTRY: dict[str, Any] = {
    "id": "DSA-0000-1",
    "aliases": ["CVE-2024-0001"],
    "modified": "2026-01-02T03:04:05Z",
    "summary": "openssl falls over",
    "references": [{"type": "ADVISORY", "url": "https://example.org/CVE-2024-0001"}],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.13-1~deb12u1"}]}],
        }
    ],
}


def tar(files: Mapping[str, bytes], *, compressed: bool = False, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """A layer with `files`; a name that ends with a slash is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), 1) if compressed else stream.getvalue()


def feed(folder: Path, *entries: dict[str, Any]) -> Path:
    """A feed in a file."""
    path = folder / "feed.json"
    path.write_text(json.dumps(list(entries or (ENTRY,))), encoding="utf-8")
    return path


def rpm_database(folder: Path, *packages: tuple[str, str, str, int | None]) -> bytes:
    """An rpm database of (name, version, release, epoch)."""
    path = folder / "rpmdb.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
    for name, version, release, epoch in packages:
        texts = {1000: name, 1001: version, 1002: release, 1022: "x86_64", 1044: f"{name}-{version}-{release}.src.rpm"}
        data, entries = b"", []
        for tag, text in texts.items():
            entries.append((tag, 6, len(data), 1))
            data += text.encode() + b"\0"
        if epoch is not None:
            data += b"\0" * (-len(data) % 4)
            entries.append((1003, 4, len(data), 1))
            data += struct.pack(">I", epoch)
        index = b"".join(struct.pack(">IIII", *entry) for entry in entries)
        blob = struct.pack(">II", len(entries), len(data)) + index + data
        connection.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
    connection.commit()
    connection.close()
    return path.read_bytes()

"""The files of an image that tell of packages: layers laid over each other, everything else passed by unread."""

import re
from collections.abc import Iterable
from pathlib import Path

from emulator.ecr.scanning.tar_stream import UnreadableLayerError, entries_of

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_MOST_FILE = 256 << 20
_MOST_KEPT = 512 << 20
"""Bytes of all files kept; a registry of a hundred thousand packages has a tenth of it."""
_TELLING = re.compile(
    r"(?:usr/lib|etc)/os-release"
    r"|var/lib/dpkg/status(?:\.d/[^/]+)?"
    r"|(?:usr/)?lib/apk/db/installed"
    r"|(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:rpmdb\.sqlite|Packages|Packages\.db)"
    r"|(?:.*/)?[^/]+\.(?:dist|egg)-info/(?:METADATA|PKG-INFO)"
    r"|(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+/package\.json"
)


def telling_files(layers: Iterable[Path]) -> dict[str, bytes]:
    """Path → content, as a container of the image would see them. `layers` are files, the lowest first.

    Raises:
        UnreadableLayerError: a layer cannot be read, or the image has more of such files than any real one.

    """
    seen: dict[str, bytes] = {}
    for layer in layers:
        upper: dict[str, bytes] = {}
        gone: list[str] = []
        kept = sum(map(len, seen.values()))
        for entry in entries_of(layer):
            folder, _, name = entry.path.rpartition("/")
            if name.startswith(_WHITEOUT):
                hidden = folder if name == _OPAQUE else f"{folder}/{name.removeprefix(_WHITEOUT)}".lstrip("/")
                gone.append(hidden)
            elif entry.is_file and _TELLING.fullmatch(entry.path):
                kept += entry.size
                if entry.size > _MOST_FILE or kept > _MOST_KEPT:
                    raise UnreadableLayerError(f"the package database {entry.path} is too large")
                upper[entry.path] = entry.read()
            elif entry.path in seen:  # a link or a folder took the file's place
                gone.append(entry.path)
        for hidden in gone:
            for path in [path for path in seen if path == hidden or path.startswith(f"{hidden}/") or not hidden]:
                del seen[path]
        seen |= upper
    return seen

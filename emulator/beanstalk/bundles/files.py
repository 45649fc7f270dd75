"""The files of an unpacked bundle, for readers: few, small, and none outside the folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from emulator.beanstalk.bundles.errors import InvalidFileError

LARGEST = 256 * 1024
"""Bytes of a file that says how the bundle is deployed."""


class Files(Protocol):
    """What readers see of a bundle. Paths are relative, their parts joined by `/`."""

    def read(self, path: str) -> bytes | None:
        """The content; None: there is no such file.

        Raises:
            InvalidFileError: it is larger than `LARGEST`.

        """

    def names(self, folder: str) -> Sequence[str]:
        """Names of the files in a folder (not of its folders), sorted; empty where there is none."""

    def has(self, path: str) -> bool:
        """Whether there is such a file, however large."""


class FolderFiles:
    """A folder that `unpack` made. A link counts as what it ends at, if that is inside."""

    def __init__(self, folder: Path) -> None:
        self._root = os.path.realpath(folder)

    def read(self, path: str) -> bytes | None:
        found = self._file(path)
        if found is None:
            return None
        if found.stat().st_size > LARGEST:
            raise InvalidFileError(path, f"it is larger than {LARGEST} bytes")
        return found.read_bytes()

    def names(self, folder: str) -> Sequence[str]:
        at = self._inside(folder)
        if at is None or not at.is_dir():
            return ()
        found = (path.name for path in at.iterdir())
        return sorted(name for name in found if self._file(f"{folder}/{name}" if folder else name) is not None)

    def has(self, path: str) -> bool:
        return self._file(path) is not None

    def _file(self, path: str) -> Path | None:
        found = self._inside(path)
        return found if found is not None and os.path.isfile(found) else None  # noqa: PTH113 - is_file raises on loops

    def _inside(self, path: str) -> Path | None:
        if "\x00" in path:
            return None
        ends = os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118 - an absolute path is caught below
        return Path(ends) if os.path.commonpath([self._root, ends]) == self._root else None


def text_of(files: Files, path: str) -> str | None:
    """The file as text; None: there is no such file.

    Raises:
        InvalidFileError: it is no text, or too large.

    """
    content = files.read(path)
    if content is None:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFileError(path, "it is not UTF-8 text") from error

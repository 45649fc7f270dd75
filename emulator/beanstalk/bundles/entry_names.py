"""Names of archive entries → parts of a path below the folder, or a refusal. Pure."""

import re
import unicodedata

from emulator.beanstalk.bundles.errors import UnsafeEntryError

_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_PART, _LONGEST_PATH = 255, 4096
"""Bytes that Linux takes for a name and for a path."""


def parts_of(name: str) -> tuple[str, ...]:
    """The path of an entry below the folder; empty for the folder itself.

    Raises:
        UnsafeEntryError: the name leads elsewhere, or no file can have it.

    """
    if "\x00" in name or "\\" in name:
        raise UnsafeEntryError(f"the name {shown(name)} holds a backslash or a NUL")
    if name.startswith("/") or _DRIVE.match(name):
        raise UnsafeEntryError(f"the name {shown(name)} is absolute")
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in parts:
        raise UnsafeEntryError(f"the name {shown(name)} leads out of the bundle")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError as error:  # lone surrogates, which no file system keeps
        raise UnsafeEntryError(f"the name {shown(name)} is no text") from error
    if any(size > _LONGEST_PART for size in sizes) or sum(sizes) + len(sizes) > _LONGEST_PATH:
        raise UnsafeEntryError(f"the name {shown(name)} is too long")
    return parts


def stays_inside(link: tuple[str, ...], target: str) -> bool:
    """Whether a symbolic link at `link` to `target` ends below the folder (links on its way not followed)."""
    if not target or target.startswith("/") or "\x00" in target:
        return False
    at = list(link[:-1])
    for part in target.split("/"):
        if part == "..":
            if not at:
                return False
            at.pop()
        elif part not in {"", "."}:
            at.append(part)
    return True


def folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Equal for names that a file system with composed characters takes for the same; case matters, as on Linux."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def shown(name: str) -> str:
    """A name in a message: short, and without anything that a terminal would act upon."""
    cut = name if len(name) <= 80 else f"{name[:77]}..."
    return ascii(cut)

"""What an image is built from, and its context as a stream: never whole in memory."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """An image to build."""

    tag: str
    context: Path
    """A folder that does not change meanwhile."""
    dockerfile: str
    """Path below the context, or of `files`."""
    labels: Mapping[str, str]
    """By which `remove_images` finds it."""
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    """Files beside those of the folder, or in place of them: path → content and mode."""
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    target: str | None = None
    ignore: bool = True
    """Whether `.dockerignore` holds."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that is on the engine."""

    id: str
    exposed_ports: tuple[int, ...]
    """TCP, ascending: an engine does not keep their order."""


def context_stream(build: BuildSpec, paths: list[str]) -> Iterator[bytes]:
    """A tar archive of `paths` (relative to the context) and of the further files. Owners are root, as in a plain checkout."""
    for path in paths:
        if path in build.files:
            continue
        at = build.context / path
        member = tarfile.TarInfo(path)
        member.mode = at.lstat().st_mode & 0o777
        member.mtime = int(at.lstat().st_mtime)
        if at.is_symlink():
            member.type, member.linkname = tarfile.SYMTYPE, str(at.readlink())
            yield _header(member)
        elif at.is_dir():
            member.type = tarfile.DIRTYPE
            yield _header(member)
        elif at.is_file():
            member.size = at.stat().st_size
            yield _header(member)
            yield from _content(at, member.size)
    for path, (content, mode) in build.files.items():
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), mode
        yield _header(member) + content + _padding(len(content))
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(member: tarfile.TarInfo) -> bytes:
    return member.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb", buffering=0) as stream:
        while left and (piece := stream.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
    if left:
        raise io.UnsupportedOperation(f"{path} became shorter while it was read")
    yield _padding(size)

"""Procfile, Buildfile, and what lies in `.platform` (reference: beanstalk.md §8.5, §8.6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*([^\s].*)")
STAGES = ("prebuild", "predeploy", "postdeploy")


@dataclass(frozen=True, slots=True)
class Process:
    """A line of a Procfile or Buildfile."""

    name: str
    command: str


@dataclass(frozen=True, slots=True)
class PlatformFolder:
    """`.platform`."""

    hooks: dict[str, tuple[str, ...]]
    """Stage → paths of what is executed, in order."""
    confighooks: dict[str, tuple[str, ...]]
    proxy: tuple[str, ...]
    """Configuration of nginx and httpd."""


def read_processes(files: Files, name: str) -> tuple[Process, ...] | None:
    """The processes of a Procfile or Buildfile; None: there is none.

    Raises:
        InvalidFileError: a line is not of the form `name: command`, or a name stands twice.

    """
    text = text_of(files, name)
    if text is None:
        return None
    found = tuple(_processes(text, name))
    if not found:
        raise InvalidFileError(name, "it holds no process")
    if len({process.name for process in found}) < len(found):
        raise InvalidFileError(name, "a process stands twice")
    return found


def _processes(text: str, name: str) -> Iterator[Process]:
    for line in re.split(r"\r\n|\n|\r", text):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or "\x00" in line:
            raise InvalidFileError(name, "each line must match ^[A-Za-z0-9_-]+:\\s*[^\\s].*$")
        yield Process(match[1], match[2].strip())


def read_platform_folder(files: Files) -> PlatformFolder:
    """What extends the platform. Hooks run in lexicographic order of their names."""
    folders = {kind: {stage: f".platform/{kind}/{stage}" for stage in STAGES} for kind in ("hooks", "confighooks")}
    found = {
        kind: {stage: tuple(f"{folder}/{name}" for name in files.names(folder)) for stage, folder in stages.items()}
        for kind, stages in folders.items()
    }
    proxy = [
        f"{folder}/{name}"
        for server in ("nginx", "httpd")
        for folder in (
            f".platform/{server}",
            f".platform/{server}/conf.d",
            f".platform/{server}/conf.d/elasticbeanstalk",
        )
        for name in files.names(folder)
    ]
    return PlatformFolder(
        hooks=found["hooks"],
        confighooks=found["confighooks"],
        proxy=tuple(proxy),
    )

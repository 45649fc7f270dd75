"""The keys of a configuration file that change an instance (developer guide: Customizing software on Linux servers)."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from emulator.beanstalk.bundles.members import Members, scalar_text

_MODE = re.compile(r"[0-7]{3,6}")
_ORDER = ("rpm", "yum", "apt", "rubygems", "python")
"""The first three in this order; the guide promises no other."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a package manager."""

    manager: str
    name: str
    versions: tuple[str, ...]
    """None named: the newest. `rpm` has a URL here."""


@dataclass(frozen=True, slots=True)
class User:
    """A user without a shell."""

    name: str
    uid: str | None
    groups: tuple[str, ...]
    home: str | None


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """A file, or a link whose target is its content."""

    path: str
    mode: int
    """Permission bits."""
    link: bool
    owner: str
    group: str
    content: bytes | None
    source: str | None
    """A URL; None where there is content."""
    authentication: str | None


@dataclass(frozen=True, slots=True)
class Command:
    """One of `commands` or `container_commands`."""

    name: str
    command: str | tuple[str, ...]
    """A line for the shell, or a program with its arguments."""
    cwd: str | None
    env: tuple[tuple[str, str], ...]
    test: str | None
    ignore_errors: bool
    leader_only: bool


def read_packages(members: Members) -> Iterator[Package]:
    managers = members.members("packages")
    for manager in sorted(managers.values, key=lambda name: (_ORDER.index(name) if name in _ORDER else 9, name)):
        names = managers.members(manager)
        for name in names.values:
            yield Package(manager, name, tuple(version for version in names.texts(name) if version))


def read_groups(members: Members) -> Iterator[tuple[str, str | None]]:
    for name, group in members.named("groups"):
        yield name, group.text("gid")


def read_users(members: Members) -> Iterator[User]:
    for name, user in members.named("users"):
        yield User(name, user.text("uid"), user.texts("groups"), user.text("homeDir"))


def read_files(members: Members) -> Iterator[InstanceFile]:
    """In lexicographic order, as they are written."""
    found = dict(members.named("files"))
    for path in sorted(found):
        yield _file(path, found[path])


def _file(path: str, file: Members) -> InstanceFile:
    mode = file.text("mode") or "000644"
    if not _MODE.fullmatch(mode):
        raise file.wrong("mode", "must be an octal number of three to six digits")
    if not path.startswith("/"):
        raise file.wrong("", "must be an absolute path")
    content, source = file.text("content"), file.text("source")
    if content is not None and source is not None:
        raise file.wrong("source", "cannot stand beside content")
    return InstanceFile(
        path=path,
        mode=int(mode[-3:], 8),
        link=mode.rjust(6, "0").startswith("12"),
        owner=file.text("owner") or "root",
        group=file.text("group") or "root",
        content=None if source is not None else _decoded(file, content or ""),
        source=source,
        authentication=file.text("authentication"),
    )


def _decoded(file: Members, content: str) -> bytes:
    encoding = file.text("encoding") or "plain"
    if encoding == "plain":
        return content.encode()
    if encoding != "base64":
        raise file.wrong("encoding", "must be plain or base64")
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError) as error:
        raise file.wrong("content", "is not base64") from error


def read_commands(members: Members, key: str) -> Iterator[Command]:
    """In alphabetical order of their names, as they run."""
    found = dict(members.named(key))
    for name in sorted(found):
        yield _command(name, found[name])


def _command(name: str, command: Members) -> Command:
    given = command.values.get("command")
    words = [scalar_text(word) for word in given] if isinstance(given, list) else None
    if words is not None and (not words or None in words):
        raise command.wrong("command", "must be a string or a list of strings")
    line = command.needed("command") if words is None else tuple(word for word in words if word is not None)
    return Command(
        name=name,
        command=line,
        cwd=command.text("cwd"),
        env=tuple(sorted(command.pairs("env").items())),
        test=command.text("test"),
        ignore_errors=command.flag("ignoreErrors"),
        leader_only=command.flag("leader_only"),
    )

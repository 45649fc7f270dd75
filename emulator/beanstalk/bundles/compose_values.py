"""Values of docker-compose.yml: variables, durations, sizes, ports and mounts in their short forms. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.members import Members

FILE = "docker-compose.yml"
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?+])(?P<other>[^}]*))?\}"
    r"|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))"
)
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,6})?)s)?(?:(\d{1,9})ms)?(?:(\d{1,9})us)?")
_SIZE = re.compile(r"(\d{1,15})\s*([bkmg]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_PORT = re.compile(
    r"(?:(?:\[[0-9a-fA-F:]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<host>\d{1,5}(?:-\d{1,5})?)?:)?(?P<target>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp))?"
)
_MOST_PORTS = 100


@dataclass(frozen=True, slots=True)
class Published:
    """A published port; `host` 0: any."""

    target: int
    host: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Mounted:
    """A volume or folder in a container."""

    source: str | None
    """A name, a path of the instance, or one relative to the bundle (`./x`); None: a new volume."""
    target: str
    read_only: bool

    @property
    def is_path(self) -> bool:
        return self.source is not None and self.source.startswith((".", "/", "~"))


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """A document with its variables replaced.

    Raises:
        InvalidFileError: a variable that must be set is not, or a `$` begins none.

    """
    match value:
        case str():
            return _replaced(value, variables)
        case list():
            return [interpolated(inner, variables) for inner in value]
        case dict():
            return {name: interpolated(inner, variables) for name, inner in value.items()}
    return value


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    if "$" in _VARIABLE.sub("", text):
        raise InvalidFileError(FILE, f"{text[:80]!a} has a $ that begins no variable (write $$ for a dollar)")
    return _VARIABLE.sub(lambda match: _value(match, variables), text)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    name, how, other = match["braced"] or match["plain"], match["how"] or "", match["other"] or ""
    value = variables.get(name)
    there = value is not None and (value != "" or not how.startswith(":"))
    if how.endswith("+"):
        return other if there else ""
    if there:
        return value or ""
    if how.endswith("?"):
        raise InvalidFileError(FILE, f"the variable {name} is required: {other[:80]}")
    return other


def read_variables(text: str) -> dict[str, str]:
    """A file of variables: `NAME=value` a line, `#` begins a comment, quotation marks around a value are taken off."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, given, value = line.strip().removeprefix("export ").partition("=")
        if line.strip() and not line.lstrip().startswith("#") and given and name.strip():
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()


def duration(members: Members, name: str) -> float | None:
    """Seconds."""
    text = members.text(name)
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise members.wrong(name, "is no duration, like 1m30s")
    hours, minutes, seconds, milliseconds, microseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000 + microseconds / 1_000_000


def size(members: Members, name: str) -> int | None:
    """Bytes."""
    text = members.text(name)
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise members.wrong(name, "is no size, like 64m")
    return int(match[1]) * _UNITS[match[2].lower()]


def ports(service: Members) -> Iterator[Published]:
    """Short and long form; ranges are spelt out."""
    for number, item in enumerate(service.items("ports")):
        if isinstance(item, dict):
            yield _long_port(Members(service.file, service.path(f"ports[{number}]"), item))
        else:
            yield from _short_ports(service, str(item))


def _long_port(port: Members) -> Published:
    target = port.number("target", 1, 65535)
    protocol = port.text("protocol") or "tcp"
    if target is None or protocol not in {"tcp", "udp"}:
        raise port.wrong("target", "is missing" if target is None else "has no such protocol")
    return Published(target, port.number("published", 0, 65535) or 0, protocol)


def _short_ports(service: Members, text: str) -> Iterator[Published]:
    match = _PORT.fullmatch(text)
    if match is None:
        raise service.wrong("ports", f"holds {text[:40]!a}, which is no port")
    targets = _range(service, match["target"])
    hosts = _range(service, match["host"]) if match["host"] else [0] * len(targets)
    if len(hosts) != len(targets):
        raise service.wrong("ports", f"holds {text[:40]!a}, whose ranges differ in length")
    for target, host in zip(targets, hosts, strict=True):
        yield Published(target, host, match["protocol"] or "tcp")


def _range(service: Members, text: str) -> list[int]:
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535 or high - low >= _MOST_PORTS:
        raise service.wrong("ports", f"holds {text}, which is no port or range of at most {_MOST_PORTS}")
    return list(range(low, high + 1))


def mounts(service: Members) -> Iterator[Mounted]:
    """Short and long form."""
    for number, item in enumerate(service.items("volumes")):
        if isinstance(item, dict):
            long = Members(service.file, service.path(f"volumes[{number}]"), item)
            yield Mounted(long.text("source"), _target(long, long.needed("target")), long.flag("read_only"))
        elif isinstance(item, str):
            yield _short_mount(service, item)
        else:
            raise service.wrong("volumes", "must hold strings or mappings")


def _short_mount(service: Members, text: str) -> Mounted:
    parts = text.split(":")
    if len(parts) == 1:
        return Mounted(None, _target(service, text), read_only=False)
    if len(parts) > 3 or not parts[0]:
        raise service.wrong("volumes", f"holds {text[:80]!a}, which is no mount")
    return Mounted(parts[0], _target(service, parts[1]), "ro" in parts[2].split(",") if len(parts) == 3 else False)


def _target(members: Members, path: str) -> str:
    if not path.startswith("/") or "\x00" in path:
        raise members.wrong("volumes", f"must be mounted at an absolute path, not {path[:80]!a}")
    return path

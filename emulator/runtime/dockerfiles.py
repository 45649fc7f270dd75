"""Dockerfiles as texts. Which ports one exposes, in its order: an engine keeps them as a set, but the first has a meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from emulator.runtime.builds import BuildSpec
from emulator.runtime.faults import CannotBuildImageError

_ESCAPE = re.compile(r"#\s*escape\s*=\s*`\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")
_PORT = re.compile(r"([0-9]{1,5})(?:-[0-9]{1,5})?(?:/(tcp|udp))?", re.IGNORECASE)


@dataclass(slots=True)
class _Stage:
    variables: dict[str, str]
    ports: list[str] = field(default_factory=list)


def dockerfile_text(build: BuildSpec) -> str:
    """The Dockerfile of a build.

    Raises:
        CannotBuildImageError: there is none.

    """
    if build.dockerfile in build.files:
        return build.files[build.dockerfile][0].decode(errors="replace")
    path = build.context / build.dockerfile
    if not path.is_file():
        raise CannotBuildImageError(
            f"Error response from daemon: Cannot locate specified Dockerfile: {build.dockerfile}"
        )
    return path.read_text(encoding="utf-8", errors="replace")


def exposed_ports(text: str) -> tuple[int, ...]:
    """TCP ports of the last stage's EXPOSE instructions, in order; what refers to unknown variables is left out."""
    arguments: dict[str, str] = {}
    stage: _Stage | None = None
    for instruction, rest in _instructions(text):
        if instruction == "FROM":
            stage = _Stage(dict(arguments))
        elif instruction in {"ARG", "ENV"}:
            _assign(instruction, rest, arguments if stage is None else stage.variables)
        elif instruction == "EXPOSE" and stage is not None:
            stage.ports += _expanded(rest, stage.variables).split()
    found = [match for port in (stage.ports if stage else []) if (match := _PORT.fullmatch(port))]
    numbers = [int(match[1]) for match in found if (match[2] or "tcp").lower() == "tcp"]
    return tuple(number for number in numbers if 1 <= number <= 65535)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    escape = "`" if lines and _ESCAPE.fullmatch(lines[0].strip()) else "\\"
    whole = ""
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.rstrip().endswith(escape):
            whole += line.rstrip()[:-1] + " "
            continue
        name, _, rest = (whole + line).strip().partition(" ")
        whole = ""
        yield name.upper(), rest.strip()


def _assign(instruction: str, rest: str, variables: dict[str, str]) -> None:
    if instruction == "ENV" and "=" not in rest.partition(" ")[0]:  # the old form: ENV NAME the rest
        name, _, value = rest.partition(" ")
        variables[name] = _expanded(value.strip(), variables)
        return
    for word in rest.split():
        name, given, value = word.partition("=")
        if given:
            variables[name] = _expanded(value.strip("\"'"), variables)


def _expanded(text: str, variables: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[3]) or match[2] or "?"

    return _VARIABLE.sub(value, text)

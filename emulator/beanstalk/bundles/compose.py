"""docker-compose.yml → its services, checked, with variables replaced. What Compose knows and is not carried out is listed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from emulator.beanstalk.bundles.compose_values import FILE, interpolated, read_variables
from emulator.beanstalk.bundles.definitions import DOCKER_LOGS
from emulator.beanstalk.bundles.documents import DocumentError, read_yaml
from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members

_SERVICE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,100}")
_CONDITIONS = {
    "service_started": "START",
    "service_healthy": "HEALTHY",
    "service_completed_successfully": "SUCCESS",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One service."""

    name: str
    members: Members
    after: tuple[tuple[str, str], ...]
    """Services that must have come to a condition of ECS (START, HEALTHY, SUCCESS) before."""
    links: tuple[tuple[str, str], ...]
    """Service and alias, as `links` has them."""

    @property
    def container(self) -> str:
        """Its container's name: ECS knows no points in it."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Composition:
    """The whole file."""

    services: tuple[Service, ...]
    """In an order in which each comes after those that it needs, and those that publish ports last."""
    document: Members
    variables: Mapping[str, str]


def read_compose(files: Files, properties: Mapping[str, str]) -> Composition:
    """The services.

    Args:
        files: the bundle.
        properties: environment properties, which `.env` is made of; a `.env` of the bundle stands behind them (unconfirmed).

    Raises:
        InvalidFileError: the file does not have its form.

    """
    own = read_variables(text_of(files, ".env") or "")
    variables = {"EB_LOG_BASE_DIR": DOCKER_LOGS, **own, **properties}
    try:
        value = read_yaml(text_of(files, FILE) or "", compose=True)
    except DocumentError as error:
        raise InvalidFileError(FILE, str(error)) from error
    document = Members.of(FILE, "", interpolated(value, variables))
    found = dict(document.named("services"))
    if not found:
        raise InvalidFileError(FILE, "it has no services")
    services = {name: _service(name, members, found) for name, members in found.items()}
    if len({service.container for service in services.values()}) < len(services):
        raise InvalidFileError(FILE, "two services differ in a point only")
    return Composition(_ordered(services), document, variables)


def _service(name: str, members: Members, every: Mapping[str, Members]) -> Service:
    if not _SERVICE.fullmatch(name):
        raise InvalidFileError(FILE, f"{name[:80]!a} is no name of a service")
    links = [(link.partition(":")[0], link.partition(":")[2]) for link in members.texts("links")]
    after = dict(_dependencies(members))
    for other in [*after, *(target for target, _ in links)]:
        if other not in every:
            raise InvalidFileError(FILE, f"services.{name} needs {other[:80]!a}, which is no service")
    return Service(name, members, tuple(after.items()), tuple((target, alias or target) for target, alias in links))


def _dependencies(members: Members) -> list[tuple[str, str]]:
    if isinstance(members.values.get("depends_on"), dict):
        named = [(name, inner.text("condition") or "service_started") for name, inner in members.named("depends_on")]
        if any(condition not in _CONDITIONS for _, condition in named):
            raise members.wrong("depends_on", "has an unknown condition")
        return [(name, _CONDITIONS[condition]) for name, condition in named]
    return [(name, "START") for name in members.texts("depends_on")]


def _ordered(services: Mapping[str, Service]) -> tuple[Service, ...]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    # what is added first comes out first: those that publish ports speak to the others, not the reverse
    for service in sorted(services.values(), key=lambda one: "ports" in one.members):
        sorter.add(service.name, *(name for name, _ in (*service.after, *service.links)))
    try:
        return tuple(services[name] for name in sorter.static_order())
    except CycleError as error:
        raise InvalidFileError(FILE, "services depend on each other in a circle") from error

"""One service of docker-compose.yml → a container definition of ECS, and the volumes that it mounts."""

import hashlib
import posixpath
from collections.abc import Iterator
from typing import Any

from emulator.beanstalk.bundles.compose import Composition, Service
from emulator.beanstalk.bundles.compose_values import (
    FILE,
    Mounted,
    Published,
    duration,
    mounts,
    ports,
    read_variables,
    size,
)
from emulator.beanstalk.bundles.definitions import DOCKER_LOGS, MEMORY, environment, mapping, with_secrets
from emulator.beanstalk.bundles.dockerrun import words
from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members
from emulator.beanstalk.bundles.plan import CURRENT, Subject

_MIB = 1024 * 1024
_HEALTH = {"interval": (30, 5, 300), "timeout": (30, 2, 60), "start_period": (0, 0, 300)}
"""Compose's default and ECS's limits, seconds: what lies beyond them is taken to the nearest."""

_SCALARS = {"user": "user", "working_dir": "workingDirectory", "hostname": "hostname"}
_FLAGS = {
    "privileged": "privileged", "read_only": "readonlyRootFilesystem", "stdin_open": "interactive", "tty": "pseudoTerminal",
}  # fmt: skip


def published(service: Service) -> tuple[Published, ...]:
    return tuple(ports(service.members))


def container(files: Files, composition: Composition, service: Service, subject: Subject) -> dict[str, Any]:
    """The definition; links lead to every service that starts before."""
    members = service.members
    some_publish = any(published(one) for one in composition.services)
    found: dict[str, Any] = {
        "name": service.container,
        "image": _image(service, subject),
        "essential": bool(published(service)) or not some_publish,
        "environment": environment(_variables(files, composition, members)),
        "portMappings": [mapping(port.target, port.host, port.protocol) for port in published(service)],
        "mountPoints": [_mount_point(service, mount) for mount in mounts(members)],
        "links": list(_links(composition, service)),
        "dependsOn": [
            {"containerName": _container_of(composition, name), "condition": how} for name, how in service.after
        ],
        "volumesFrom": list(_volumes_from(composition, members)),
    }
    found |= {ecs: members.needed(name) for name, ecs in _SCALARS.items() if name in members}
    found |= {ecs: True for name, ecs in _FLAGS.items() if members.flag(name)}
    found |= _commands(members) | _memory(members) | _linux(members) | _network(members)
    if "healthcheck" in members and not members.members("healthcheck").flag("disable"):
        found["healthCheck"] = _health(members.members("healthcheck"))
    stop = duration(members, "stop_grace_period")
    found |= {"stopTimeout": min(int(stop), 120)} if stop is not None else {}
    # environment properties come by the generated file only
    return with_secrets(found, subject) if any(map(_is_generated, _env_files(members))) else found


def _image(service: Service, subject: Subject) -> str:
    if "build" in service.members:
        return subject.image_tag(service.container)
    return service.members.needed("image")


def _variables(files: Files, composition: Composition, members: Members) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in _env_files(members):
        normal = posixpath.normpath(path)
        if _is_generated(path):
            found |= {name: value for name, value in composition.variables.items() if name != "EB_LOG_BASE_DIR"}
            continue
        text = None if normal.startswith(("/", "..")) else text_of(files, normal)
        if text is None:
            raise members.wrong("env_file", f"names {path[:80]!a}, which is not in the bundle")
        found |= read_variables(text)
    if isinstance(members.values.get("environment"), dict):
        given = members.members("environment")
        named = {name: given.text(name) for name in given.values}
    else:
        split = [item.partition("=") for item in members.texts("environment")]
        named = {name: value if equals else None for name, equals, value in split}
    for name, value in named.items():
        if value is not None:
            found[name] = value
        elif name in composition.variables:
            found[name] = composition.variables[name]
    if not all(found):
        raise members.wrong("environment", "has a variable without a name")
    return found


def _is_generated(path: str) -> bool:
    return posixpath.normpath(path) == ".env"


def _env_files(members: Members) -> list[str]:
    listed = members.values.get("env_file")
    items = listed if isinstance(listed, list) else [] if listed is None else [listed]
    entries = [item.get("path") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(entry, str) and "\x00" not in entry for entry in entries):
        raise members.wrong("env_file", "must name files")
    return [str(entry) for entry in entries]


def _links(composition: Composition, service: Service) -> Iterator[str]:
    for other in composition.services:
        if other.name == service.name:
            return
        aliases = {other.name, *(alias for target, alias in service.links if target == other.name)}
        for alias in sorted(aliases):
            yield f"{other.container}:{alias}" if alias != other.container else other.container


def _container_of(composition: Composition, name: str) -> str:
    return next(service.container for service in composition.services if service.name == name)


def _volumes_from(composition: Composition, members: Members) -> Iterator[dict[str, Any]]:
    known = {service.name: service.container for service in composition.services}
    for item in members.texts("volumes_from"):
        name, _, mode = item.partition(":")
        if name not in known:
            raise members.wrong("volumes_from", f"names {name[:80]!a}, which is no service")
        yield {"sourceContainer": known[name], "readOnly": mode == "ro"}


def own_volumes(composition: Composition) -> Iterator[dict[str, Any]]:
    """Each volume of the services once."""
    found: dict[str, dict[str, Any]] = {}
    declared = composition.document.members("volumes").values
    for service in composition.services:
        for mount in mounts(service.members):
            name = _volume_name(service, mount)
            if mount.source is not None and mount.is_path:
                found[name] = {"name": name, "host": {"sourcePath": _host_path(mount.source)}}
            elif mount.source is not None and mount.source not in declared:
                raise service.members.wrong("volumes", f"names {mount.source[:80]!a}, which is no volume of the file")
            else:
                found[name] = {"name": name}
    yield from found.values()


def _mount_point(service: Service, mount: Mounted) -> dict[str, Any]:
    return {
        "sourceVolume": _volume_name(service, mount),
        "containerPath": mount.target,
        "readOnly": mount.read_only,
    }


def _volume_name(service: Service, mount: Mounted) -> str:
    """A name for ECS: what Compose's users wrote may have any characters."""
    if mount.source is None:
        kind, told = "own", f"{service.name}:{mount.target}"
    elif mount.is_path:
        kind = "logs" if _host_path(mount.source).startswith(f"{DOCKER_LOGS}/") else "folder"
        told = _host_path(mount.source)
    else:
        kind, told = "volume", mount.source
    return f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _host_path(source: str) -> str:
    """Relative paths are the bundle's."""
    if source.startswith("~"):
        source = f"/root{source[1:]}"
    return posixpath.normpath(posixpath.join(CURRENT, source))


def _commands(members: Members) -> dict[str, Any]:
    found = {"command": words(members, "command"), "entryPoint": words(members, "entrypoint")}
    return {name: list(value) for name, value in found.items() if value}


def _memory(members: Members) -> dict[str, Any]:
    resources = members.members("deploy").members("resources")
    hard = size(members, "mem_limit") or size(resources.members("limits"), "memory")
    soft = size(members, "mem_reservation") or size(resources.members("reservations"), "memory")
    found = {"memory": max(MEMORY, hard // _MIB)} if hard else {}
    if soft:
        found["memoryReservation"] = max(MEMORY, min(soft, hard or soft) // _MIB)
    return found or {"memoryReservation": MEMORY}


def _linux(members: Members) -> dict[str, Any]:
    capabilities = {"add": list(members.texts("cap_add")), "drop": list(members.texts("cap_drop"))}
    shared = size(members, "shm_size")
    linux: dict[str, Any] = {"capabilities": capabilities} if any(capabilities.values()) else {}
    if members.flag("init"):
        linux["initProcessEnabled"] = True
    if shared:
        linux["sharedMemorySize"] = max(1, shared // _MIB)
    found: dict[str, Any] = {"linuxParameters": linux} if linux else {}
    limits = [_ulimit(name, members.members("ulimits")) for name in members.members("ulimits").values]
    return found | ({"ulimits": limits} if limits else {})


def _ulimit(name: str, limits: Members) -> dict[str, Any]:
    if isinstance(limits.values[name], dict):
        limit = limits.members(name)
        soft, hard = limit.number("soft", 0, 2**31), limit.number("hard", 0, 2**31)
    else:
        soft = hard = limits.number(name, 0, 2**31)
    if soft is None or hard is None:
        raise limits.wrong(name, "needs soft and hard")
    return {"name": name, "softLimit": soft, "hardLimit": hard}


def _network(members: Members) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "dns" in members:
        found["dnsServers"] = list(members.texts("dns"))
    if "extra_hosts" in members:
        if isinstance(members.values["extra_hosts"], dict):
            pairs = list(members.pairs("extra_hosts").items())
        else:
            split = [item.replace("=", ":", 1).partition(":") for item in members.texts("extra_hosts")]
            pairs = [(host, address) for host, _, address in split]
        if not all(host and address for host, address in pairs):
            raise members.wrong("extra_hosts", "must hold names and addresses")
        found["extraHosts"] = [{"hostname": host, "ipAddress": address} for host, address in pairs]
    if "labels" in members:
        if isinstance(members.values["labels"], dict):
            found["dockerLabels"] = members.pairs("labels")
        else:
            found["dockerLabels"] = {item.partition("=")[0]: item.partition("=")[2] for item in members.texts("labels")}
    return found


def _health(check: Members) -> dict[str, Any]:
    test = check.values.get("test")
    command = list(check.texts("test")) if isinstance(test, list) else ["CMD-SHELL", check.needed("test")]
    if command[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"]) or (len(command) < 2 and command != ["NONE"]):
        raise InvalidFileError(FILE, f"{check.path('test')} must begin with CMD, CMD-SHELL or NONE")
    given = {name: duration(check, name) for name in _HEALTH}
    seconds = {
        name: int(min(most, max(least, default if given[name] is None else given[name] or 0)))
        for name, (default, least, most) in _HEALTH.items()
    }
    return {
        "command": command,
        "interval": seconds["interval"],
        "timeout": seconds["timeout"],
        "startPeriod": seconds["start_period"],
        "retries": min(10, max(1, check.number("retries", 0, 1_000_000) or 3)),
    }

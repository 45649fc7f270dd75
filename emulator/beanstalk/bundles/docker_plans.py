"""The Docker platform with one container: a Dockerfile that is built, or an image that is pulled (reference: beanstalk.md §8.3)."""

import re
from collections.abc import Iterator
from typing import Any

from emulator.beanstalk.bundles.definitions import DOCKER_LOGS, MEMORY, environment, mapping, with_secrets
from emulator.beanstalk.bundles.dockerrun import FILE, Dockerrun, Port
from emulator.beanstalk.bundles.errors import InvalidFileError, MissingPortsError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.plan import MAIN, ApplicationPlan, ImageBuild, ImagePull, Mode, Proxy, Subject
from emulator.beanstalk.bundles.proxies import without_proxy
from emulator.runtime.dockerfiles import exposed_ports
from scheduler.beanstalk.model import Said, Severity

_IMAGE = re.compile(r"[A-Za-z0-9_.:/#@-]{1,255}")
"""What ECS takes for an image."""

DOCKERFILE = "Dockerfile"


def plan_dockerfile(files: Files, run: Dockerrun | None, subject: Subject) -> ApplicationPlan:
    """Build the image; Dockerrun.aws.json may say how it runs."""
    ports = exposed_ports(text_of(files, DOCKERFILE) or "")
    build = ImageBuild(subject.image_tag(), "", DOCKERFILE)
    return _plan(Mode.DOCKERFILE, subject, build, run, ports)


def plan_image(run: Dockerrun, subject: Subject) -> ApplicationPlan:
    """Pull the image of Dockerrun.aws.json.

    Raises:
        InvalidFileError: it names none.
        MissingPortsError: it names no port.

    """
    if not run.image or not _IMAGE.fullmatch(run.image):
        raise InvalidFileError(FILE, "Image.Name is missing" if not run.image else "Image.Name is no name of an image")
    if not run.ports:
        raise MissingPortsError
    return _plan(Mode.IMAGE, subject, ImagePull(run.image, run.update), run, ())


def _plan(
    mode: Mode, subject: Subject, image: ImageBuild | ImagePull, run: Dockerrun | None, exposed: tuple[int, ...]
) -> ApplicationPlan:
    ports = (run.ports if run else ()) or tuple(Port(port, None) for port in exposed)
    proxied = not without_proxy(subject)
    container: dict[str, Any] = {
        "name": MAIN,
        "image": image.tag if isinstance(image, ImageBuild) else image.image,
        "essential": True,
        "memoryReservation": MEMORY,
        "environment": environment(subject.properties),
        "portMappings": list(_mappings(ports, proxied=proxied)),
    }
    volumes: list[dict[str, Any]] = []
    if run is not None:
        _add_command(container, run)
        volumes = _add_volumes(container, run)
    return ApplicationPlan(
        mode=mode,
        builds=(image,) if isinstance(image, ImageBuild) else (),
        pulls=(image,) if isinstance(image, ImagePull) else (),
        authentication=run.authentication if run else None,
        containers=(with_secrets(container, subject),),
        volumes=tuple(volumes),
        proxy=Proxy(MAIN, ports[0].container if ports else None) if proxied else None,
        log_folders={MAIN: run.logging} if run and run.logging else {},
        not_honoured=tuple(_unknown(run)) if run else (),
    )


def _mappings(ports: tuple[Port, ...], *, proxied: bool) -> Iterator[dict[str, Any]]:
    """With the proxy, port 80 of the host is the proxy's. Without it the first port is published there, unless HostPort says
    otherwise (unconfirmed).
    """
    for number, port in enumerate(ports):
        if proxied:
            wanted = port.host if number == 0 else port.host or port.container
            host = 0 if wanted in {None, 80} else wanted
        else:
            host = port.host or (80 if number == 0 else port.container)
        yield mapping(port.container, host or 0)


def _add_command(container: dict[str, Any], run: Dockerrun) -> None:
    if run.entry_point:
        container["entryPoint"] = list(run.entry_point)
    if run.command:
        container["command"] = list(run.command)


def _add_volumes(container: dict[str, Any], run: Dockerrun) -> list[dict[str, Any]]:
    mounts = list(run.volumes)
    if run.logging:
        mounts.append((f"{DOCKER_LOGS}/{MAIN}", run.logging))
    names = [f"volume-{number}" for number in range(len(mounts))]
    container["mountPoints"] = [
        {"sourceVolume": name, "containerPath": target} for name, (_, target) in zip(names, mounts, strict=True)
    ]
    return [{"name": name, "host": {"sourcePath": source}} for name, (source, _) in zip(names, mounts, strict=True)]


def _unknown(run: Dockerrun) -> Iterator[Said]:
    for name in run.unknown:
        yield Said(f"'{name}' of {FILE} has no meaning in version 1 and is left out.", Severity.WARN)

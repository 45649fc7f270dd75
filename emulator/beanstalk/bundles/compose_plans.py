"""docker-compose.yml → the containers of one task (reference: beanstalk.md §8.3).

Services reach each other by name over links, which lead one way only: from each service to those that start before it. Services
publish their ports themselves; there is no proxy. A service whose end ends the task is one that publishes ports.
"""

import posixpath
from collections.abc import Iterator
from typing import Any

from emulator.beanstalk.bundles.compose import Composition, Service, read_compose
from emulator.beanstalk.bundles.compose_definitions import container, own_volumes, published
from emulator.beanstalk.bundles.compose_values import FILE, mounts
from emulator.beanstalk.bundles.dockerrun import document, read_compose_authentication
from emulator.beanstalk.bundles.entry_names import parts_of
from emulator.beanstalk.bundles.errors import UnsafeEntryError
from emulator.beanstalk.bundles.files import Files
from emulator.beanstalk.bundles.members import Members
from emulator.beanstalk.bundles.plan import ApplicationPlan, ImageBuild, ImagePull, Mode, Subject
from scheduler.beanstalk.model import Said, Severity

_HONOURED = frozenset({
    "build", "image", "ports", "environment", "env_file", "volumes", "depends_on", "command", "entrypoint", "healthcheck",
    "links", "user", "working_dir", "hostname", "privileged", "read_only", "stdin_open", "tty", "init", "cap_add", "cap_drop",
    "dns", "extra_hosts", "labels", "ulimits", "shm_size", "stop_grace_period", "expose", "mem_limit", "mem_reservation",
    "container_name", "pull_policy", "volumes_from", "platform",
})  # fmt: skip
_HONOURED_AT_TOP = frozenset({"version", "name", "services", "volumes"})


def plan_compose(files: Files, subject: Subject) -> ApplicationPlan:
    """The task that runs on each instance.

    Raises:
        BundleError: a file does not have its form.

    """
    run = document(files)
    composition = read_compose(files, subject.properties)
    builds = tuple(_builds(composition, subject))
    images = {build.tag for build in builds}
    containers = tuple(container(files, composition, service, subject) for service in composition.services)
    return ApplicationPlan(
        mode=Mode.COMPOSE,
        builds=builds,
        pulls=tuple(
            ImagePull(one["image"], service.members.text("pull_policy") == "always")
            for one, service in zip(containers, composition.services, strict=True)
            if one["image"] not in images
        ),
        authentication=read_compose_authentication(run) if run is not None else None,
        containers=containers,
        volumes=tuple(own_volumes(composition)),
        proxy=None,
        log_folders=dict(_logs(containers)),
        not_honoured=tuple(Said(text, Severity.WARN) for text in dict.fromkeys(_unheard(composition))),
    )


def _builds(composition: Composition, subject: Subject) -> Iterator[ImageBuild]:
    for service in composition.services:
        given = service.members.values.get("build")
        if given is None:
            continue
        build = Members(FILE, service.members.path("build"), {"context": given}) if isinstance(given, str) else None
        build = build or service.members.members("build")
        yield ImageBuild(
            tag=subject.image_tag(service.container),
            context=_below(build, "context", build.text("context") or "."),
            dockerfile=_below(build, "dockerfile", build.text("dockerfile") or "Dockerfile"),
            arguments=_arguments(build, composition),
            target=build.text("target"),
        )


def _below(build: Members, name: str, path: str) -> str:
    """A path that stays in the bundle, however it is written."""
    normal = posixpath.normpath(path)
    try:
        return "/".join(parts_of(normal)) if "://" not in path else _refuse(build, name)
    except UnsafeEntryError as error:
        raise build.wrong(name, "must be a folder or file of the bundle") from error


def _refuse(build: Members, name: str) -> str:
    raise build.wrong(name, "must be a folder or file of the bundle")


def _arguments(build: Members, composition: Composition) -> dict[str, str]:
    if isinstance(build.values.get("args"), dict):
        return build.pairs("args")
    split = [argument.partition("=") for argument in build.texts("args")]
    return {name: value if given else composition.variables.get(name, "") for name, given, value in split}


def _logs(containers: tuple[dict[str, Any], ...]) -> Iterator[tuple[str, str]]:
    """Folders that are mounted where the instance keeps logs of containers."""
    for one in containers:
        for mount in one["mountPoints"]:
            if mount["sourceVolume"].startswith("logs-"):
                yield one["name"], mount["containerPath"]


def _unheard(composition: Composition) -> Iterator[str]:
    for name in composition.document.others(_HONOURED_AT_TOP):
        if not name.startswith("x-") and not (name == "networks" and _plain_networks(composition)):
            yield _cannot(name)
    for service in composition.services:
        yield from _unheard_of(service, composition)
    if len(composition.services) > 1:
        order = ", ".join(service.name for service in composition.services)
        yield f"Services of {FILE} reach by name only those that start before them; the order is {order}."
    if not any(published(service) for service in composition.services):
        yield f"No service of {FILE} publishes a port, so that nothing answers at port 80 of an instance."


def _plain_networks(composition: Composition) -> bool:
    """One network for all is what there is anyway."""
    return len(composition.document.members("networks").values) <= 1


def _unheard_of(service: Service, composition: Composition) -> Iterator[str]:
    members = service.members
    for name in members.others(_HONOURED):
        harmless = name == "networks" and _plain_networks(composition)
        if name == "restart" and (members.text("restart") or "no") == "no":
            continue
        if name == "deploy" and not members.members("deploy").others({"resources"}):
            continue
        if not name.startswith("x-") and not harmless:
            yield _cannot(members.path(name))
    for name in {mount.source for mount in mounts(members) if mount.source and not mount.is_path}:
        yield f"The volume '{name}' of {FILE} lasts as long as a deployment on an instance, not over the next one."
    if any((mount.source or "").endswith("docker.sock") for mount in mounts(members)):
        yield f"The engine's socket in {members.path('volumes')} of {FILE} cannot be honoured: instances share one engine."


def _cannot(what: str) -> str:
    return f"'{what}' of {FILE} cannot be honoured and is left out."

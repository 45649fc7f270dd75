"""Dockerrun.aws.json of the ECS platform: version 2, a task definition in all but name (reference: beanstalk.md §8.4)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.beanstalk.bundles.dockerrun import FILE, authentication
from emulator.beanstalk.bundles.documents import DocumentError, read_json
from emulator.beanstalk.bundles.errors import EcsBundleError, InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members
from emulator.beanstalk.bundles.plan import ApplicationPlan, ImagePull, Mode, Subject
from emulator.beanstalk.bundles.shapes import container_definition_shape, fitted, unknown_members
from scheduler.beanstalk.model import Said, Severity

_KNOWN = frozenset({"AWSEBDockerrunVersion", "containerDefinitions", "volumes", "authentication", "executionRoleArn"})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_LOGS = "/var/log/containers"


def plan_ecs(files: Files, subject: Subject) -> ApplicationPlan:
    """The task that runs on each instance. Texts but the first two are (unconfirmed).

    Raises:
        EcsBundleError: the document is missing, of another version, or not of its form.

    """
    members = _document(files)
    shape = container_definition_shape()
    containers = [
        _container(fitted(item.values, shape, item.at), subject) for item in members.each("containerDefinitions")
    ]
    if not containers:
        raise EcsBundleError("containerDefinitions is missing.")
    volumes = [_volume(volume) for volume in members.each("volumes")]
    logs = {container["name"]: f"{_LOGS}/{container['name']}" for container in containers}
    volumes += [{"name": f"awseb-logs-{name}", "host": {"sourcePath": path}} for name, path in logs.items()]
    return ApplicationPlan(
        mode=Mode.ECS,
        builds=(),
        pulls=tuple(ImagePull(container["image"], always=False) for container in containers),
        authentication=authentication(members, "authentication", "bucket", "key"),
        containers=tuple(containers),
        volumes=tuple(volumes),
        proxy=None,
        execution_role_arn=members.text("executionRoleArn"),
        not_honoured=tuple(_unknown(members)),
    )


def _document(files: Files) -> Members:
    text = text_of(files, FILE)
    if text is None:
        raise EcsBundleError(f"{FILE} is missing.")
    try:
        members = Members.of(FILE, "", read_json(text))
        version = members.text("AWSEBDockerrunVersion")
    except (DocumentError, InvalidFileError) as error:
        raise EcsBundleError(str(error)) from error
    if version is None:
        raise EcsBundleError("AWSEBDockerrunVersion is missing.")
    if version != "2":
        raise EcsBundleError(f"Unsupported AWSEBDockerrunVersion: {version}")
    return members


def _container(container: dict[str, Any], subject: Subject) -> Mapping[str, Any]:
    """Environment properties are appended, and win over variables of the same name (unconfirmed)."""
    name = container.get("name", "")
    if not _NAME.fullmatch(name):
        raise EcsBundleError(f"'{name[:80]}' is no name of a container.")
    if not container.get("image"):
        raise EcsBundleError(f"container {name} has no image.")
    properties, secrets = subject.properties, subject.secrets
    own = [
        item for item in container.get("environment", []) if item.get("name") not in properties.keys() | secrets.keys()
    ]
    kept = [item for item in container.get("secrets", []) if item.get("name") not in properties.keys() | secrets.keys()]
    found = {
        **container,
        "environment": [*own, *({"name": key, "value": value} for key, value in properties.items())],
    }
    kept += [{"name": key, "valueFrom": arn} for key, arn in secrets.items() if key not in properties]
    return {**found, "secrets": kept} if kept else found


def _volume(volume: Members) -> Mapping[str, Any]:
    """Host paths only: others need what an instance of Beanstalk does not set up."""
    name, path = volume.needed("name"), volume.members("host").text("sourcePath")
    if not _NAME.fullmatch(name):
        raise EcsBundleError(f"'{name[:80]}' is no name of a volume.")
    return {"name": name, "host": {"sourcePath": path}} if path else {"name": name}


def _unknown(members: Members) -> Iterator[Said]:
    for name in members.others(_KNOWN):
        yield Said(f"'{name}' of {FILE} has no meaning here and is left out.", Severity.WARN)
    for volume in members.each("volumes"):
        for name in volume.others({"name", "host"}):
            yield Said(f"'{volume.path(name)}' of {FILE} cannot be honoured: volumes are folders here.", Severity.WARN)
    for item in members.each("containerDefinitions"):
        for name in unknown_members(item.values, container_definition_shape()):
            yield Said(
                f"'{item.path(name)}' of {FILE} is no member of a container definition and is left out.", Severity.WARN
            )

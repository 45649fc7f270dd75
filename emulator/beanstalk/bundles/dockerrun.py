"""Dockerrun.aws.json of the Docker platform: version 1 (one image) and version 3 (credentials beside docker-compose.yml)."""

import shlex
from dataclasses import dataclass

from emulator.beanstalk.bundles.documents import DocumentError, read_json
from emulator.beanstalk.bundles.errors import InvalidFileError, UnsupportedDockerrunVersionError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members
from emulator.beanstalk.bundles.plan import Authentication

FILE = "Dockerrun.aws.json"
_KNOWN = frozenset({
    "AWSEBDockerrunVersion", "Authentication", "Image", "Ports", "Volumes", "Logging", "Entrypoint", "Command",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the container, and of the host where it was named."""

    container: int
    host: int | None


@dataclass(frozen=True, slots=True)
class Dockerrun:
    """Version 1."""

    image: str | None
    update: bool
    ports: tuple[Port, ...]
    volumes: tuple[tuple[str, str], ...]
    """Folder of the host, folder of the container."""
    logging: str | None
    entry_point: tuple[str, ...] | None
    command: tuple[str, ...] | None
    authentication: Authentication | None
    unknown: tuple[str, ...]
    """Members that mean nothing."""


def document(files: Files) -> Members | None:
    """The file, if there is one.

    Raises:
        InvalidFileError: it is no JSON object.

    """
    text = text_of(files, FILE)
    if text is None:
        return None
    try:
        return Members.of(FILE, "", read_json(text))
    except DocumentError as error:
        raise InvalidFileError(FILE, str(error)) from error


def read_dockerrun(members: Members) -> Dockerrun:
    """Version 1.

    Raises:
        UnsupportedDockerrunVersionError: it is of another version.
        InvalidFileError: a member does not have its form.

    """
    if members.text("AWSEBDockerrunVersion") != "1":
        raise UnsupportedDockerrunVersionError
    image = members.members("Image")
    return Dockerrun(
        image=image.text("Name"),
        update=image.flag("Update") if "Update" in image else True,
        ports=tuple(Port(_needed_port(port), port.number("HostPort", 1, 65535)) for port in members.each("Ports")),
        volumes=tuple(
            (_absolute(volume, "HostDirectory"), _absolute(volume, "ContainerDirectory"))
            for volume in members.each("Volumes")
        ),
        logging=_absolute(members, "Logging") if "Logging" in members else None,
        entry_point=words(members, "Entrypoint"),
        command=words(members, "Command"),
        authentication=authentication(members, "Authentication", "Bucket", "Key"),
        unknown=tuple(members.others(_KNOWN)),
    )


def read_compose_authentication(members: Members) -> Authentication | None:
    """Version 3.

    Raises:
        UnsupportedDockerrunVersionError: it is of another version.

    """
    if members.text("AWSEBDockerrunVersion") != "3":
        raise UnsupportedDockerrunVersionError
    return authentication(members, "Authentication", "bucket", "key")


def authentication(members: Members, name: str, bucket: str, key: str) -> Authentication | None:
    if name not in members:
        return None
    found = members.members(name)
    return Authentication(found.needed(bucket), found.needed(key))


def words(members: Members, name: str) -> tuple[str, ...] | None:
    """A command, as a list or as a line that is split as a shell would; None where it is absent or empty."""
    if isinstance(members.values.get(name), list):
        return members.texts(name) or None
    line = members.text(name)
    if line is None:
        return None
    try:
        return tuple(shlex.split(line)) or None
    except ValueError as error:
        raise members.wrong(name, "has a quotation mark without its other") from error


def _needed_port(port: Members) -> int:
    found = port.number("ContainerPort", 1, 65535)
    if found is None:
        raise port.wrong("ContainerPort", "is missing")
    return found


def _absolute(members: Members, name: str) -> str:
    found = members.needed(name)
    if not found.startswith("/") or "\x00" in found:
        raise members.wrong(name, "must be an absolute path")
    return found

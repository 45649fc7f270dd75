"""What a bundle comes to: the contract between its readers and the environment that carries it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from emulator.beanstalk.bundles.errors import NoPortError
from scheduler.beanstalk.model import Said

MAIN = "eb-current-app"
"""The container of an application that has one; Elastic Beanstalk's own name in paths of logs."""

CURRENT = "/var/app/current"
"""Where an instance has the unpacked bundle."""

SECRETS_NAMESPACE = "aws:elasticbeanstalk:application:environmentsecrets"
ENVIRONMENT_NAMESPACE = "aws:elasticbeanstalk:application:environment"
PROXY_NAMESPACE = "aws:elasticbeanstalk:environment:proxy"
STATIC_FILES_NAMESPACE = "aws:elasticbeanstalk:environment:proxy:staticfiles"


class Mode(StrEnum):
    """How the application is carried out."""

    COMPOSE = "Compose"
    DOCKERFILE = "Dockerfile"
    IMAGE = "Image"
    """Dockerrun.aws.json version 1."""
    ECS = "ECS"
    """Dockerrun.aws.json version 2: the task definition is the user's."""
    LANGUAGE = "Language"


@dataclass(frozen=True, slots=True)
class OptionSetting:
    """An option of `.ebextensions`."""

    namespace: str
    name: str
    value: str
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The deployment that a plan is for."""

    environment_id: str
    environment_name: str
    version_label: str
    deployment: int
    """DeploymentId; images are tagged by it."""
    platform_branch: str
    """`Docker running on 64bit Amazon Linux 2023`."""
    options: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(namespace, option) → value in force, those of the bundle and the defaults included. Environment properties are
    those of `ENVIRONMENT_NAMESPACE`."""
    images: Mapping[str, str] = field(default_factory=dict)
    """Platform branch or family → base image, in place of the built-in one."""
    configuration: bool = False
    """Only settings change: `.platform/confighooks` run in place of `.platform/hooks`."""

    @property
    def properties(self) -> dict[str, str]:
        """Environment properties."""
        return {name: value for (space, name), value in self.options.items() if space == ENVIRONMENT_NAMESPACE}

    @property
    def secrets(self) -> dict[str, str]:
        """Environment variable → ARN of a secret or parameter."""
        return {name: value for (space, name), value in self.options.items() if space == SECRETS_NAMESPACE}

    def image_tag(self, service: str | None = None) -> str:
        """The tag of an image of this deployment; `aws_beanstalk/` as on AWS, but each environment has its own."""
        plain = re.sub("[^a-z0-9]+", "-", (service or "").lower()).strip("-")
        if service and plain != service:  # no engine takes every name of a service
            plain = f"{plain or 'x'}-{sha256(service.encode()).hexdigest()[:8]}"
        return f"aws_beanstalk/{self.environment_id}{f'-{plain}' if plain else ''}:{self.deployment}"


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """An image that the engine builds, once for each deployment."""

    tag: str
    context: str
    """Folder below the bundle; empty for the bundle itself."""
    dockerfile: str
    """Path below the context, or a name of `files`."""
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    """Further files of the context, which are not the bundle's: path → content and mode."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    base: str | None = None
    """Language platforms: the base image, for the event that tells that it cannot be had."""


@dataclass(frozen=True, slots=True)
class ImagePull:
    """An image that must be had before the containers start."""

    image: str
    always: bool
    """Asked for at the registry even where the engine has it (`Update`)."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Where the credentials of private registries are: see `registries.read_credentials`."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Proxy:
    """What the proxy of each instance does: port 80 of the host → a container."""

    container: str
    port: int | None
    """The container port; None: the first that the built image exposes, else `NoPortError` (see `forward_port`)."""


@dataclass(frozen=True, slots=True)
class ApplicationPlan:
    """All that a deployment needs to know of its bundle."""

    mode: Mode
    builds: tuple[ImageBuild, ...]
    pulls: tuple[ImagePull, ...]
    authentication: Authentication | None
    containers: tuple[Mapping[str, Any], ...]
    """Container definitions of ECS, environment properties included. Published ports have a `hostPort`; that of the proxied
    container is 0 (any), and without a port (it is the built image's) the caller adds the mapping."""
    volumes: tuple[Mapping[str, Any], ...]
    """Volumes of ECS. `host.sourcePath` is the path on the instance: see `host_paths.on_this_machine`."""
    proxy: Proxy | None
    """None: containers publish ports of the host themselves."""
    execution_role_arn: str | None = None
    log_folders: Mapping[str, str] = field(default_factory=dict)
    """Container → its folder of log files, inside."""
    static: tuple[tuple[str, str], ...] = ()
    """URL path → folder of the bundle whose files the proxy serves itself, the longest path first."""
    told: tuple[Said, ...] = ()
    """Events of the platform, in order, when the deployment has begun on the first instance."""
    not_honoured: tuple[Said, ...] = ()
    """What the bundle asks for and is not done here, each once."""


def forward_port(proxy: Proxy, exposed: tuple[int, ...]) -> int:
    """The port that the proxy forwards to, once the image is built.

    Args:
        proxy: the plan's.
        exposed: ports of the built image, ascending (an engine does not keep their order).

    Raises:
        NoPortError: there is none.

    """
    if proxy.port is not None:
        return proxy.port
    if not exposed:
        raise NoPortError
    return exposed[0]

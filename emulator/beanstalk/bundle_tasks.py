"""From a version's bundle to the task definition that instances run: unpacked, read, built and pulled, once a deployment."""

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from emulator.beanstalk.bundles.builds import build_failure, build_spec, labels_of
from emulator.beanstalk.bundles.errors import BaseImageError, BundleError, ImagePullError
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.files import FolderFiles
from emulator.beanstalk.bundles.host_paths import on_this_machine
from emulator.beanstalk.bundles.manifests import read_periodic_tasks
from emulator.beanstalk.bundles.plan import CURRENT, ApplicationPlan, ImageBuild, Mode, Subject, forward_port
from emulator.beanstalk.bundles.planning import plan
from emulator.beanstalk.bundles.platforms import platform_of
from emulator.beanstalk.bundles.registries import CredentialsUnavailableError, read_credentials, registry_of_image
from emulator.beanstalk.bundles.samples import write_sample
from emulator.beanstalk.bundles.unpacking import unpack
from emulator.beanstalk.environment_options import faults, put_together, whole
from emulator.beanstalk.platforms import platform_of_arn
from emulator.beanstalk.storage import objects_of
from emulator.ecr.authorization import credentials_for
from emulator.emulator import Emulator
from emulator.runtime.builds import BuiltImage
from emulator.runtime.faults import CannotBuildImageError, CannotPullContainerError
from emulator.runtime.specs import RegistryCredentials
from scheduler.beanstalk.model import Said

_FOLDER = "beanstalk"
_BAD_SETTINGS = '"option_settings" in one of the configuration files failed validation. More details to follow.'
_LINES = 200
"""How much of a build's output is kept."""


class PreparingError(Exception):
    """A bundle cannot be deployed; `events` tell why, the last one in the platform's words."""

    def __init__(self, *events: str, log: tuple[str, ...] = ()) -> None:
        super().__init__(*events)
        self.events: tuple[str, ...] = events
        self.log = log


@dataclass(frozen=True, slots=True)
class Job:
    """A deployment to prepare, as its rows have it."""

    environment_id: str
    environment_name: str
    account: str
    region: str
    number: int
    version_label: str | None
    bucket: str | None
    key: str | None
    platform_arn: str
    tier: str
    settings: tuple[Mapping[str, Any], ...]
    reads: bool
    """Its option settings are still to be read."""
    configuration: bool
    """The version is the one that is deployed: only settings change."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deployment that instances can carry out."""

    task_definition: Any
    """A RegisterTaskDefinition request."""
    port: int | None
    """The container's port behind the instance's proxy; None: containers publish ports of the host themselves."""
    events: tuple[Said, ...] = ()
    outcome: dict[str, Any] = field(default_factory=dict)


def folder_of(emulator: Emulator, environment_id: str) -> Path:
    """Where everything of an environment is on this machine."""
    return emulator.settings.state_dir / _FOLDER / environment_id


def folders(emulator: Emulator) -> list[str]:
    """Ids of the environments of which something is on this machine."""
    return sorted(found.name for found in (emulator.settings.state_dir / _FOLDER).glob("e-*"))


async def read_settings(emulator: Emulator, job: Job) -> list[dict[str, Any]]:
    """The option settings of a bundle's `.ebextensions`.

    Raises:
        PreparingError: it cannot be read, or they do not hold.

    """
    try:
        return await asyncio.to_thread(_settings, emulator, job)
    except BundleError as error:
        raise PreparingError(*_told(error)) from error


def _told(error: BundleError) -> tuple[str, ...]:
    return (str(error),) if error.cause is None else (error.cause, str(error))


def _settings(emulator: Emulator, job: Job) -> list[dict[str, Any]]:
    read = read_extensions(FolderFiles(_unpacked(emulator, job)), job.version_label or "")
    found = [
        {"Namespace": one.namespace, "OptionName": one.name, "Value": one.value}
        | ({"ResourceName": one.resource} if one.resource else {})
        for one in read.settings
    ]
    wrong = faults(found, put_together(found, job.settings), job.platform_arn)
    if wrong:
        raise PreparingError(_BAD_SETTINGS, *wrong)
    return found


def _unpacked(emulator: Emulator, job: Job) -> Path:
    """The folder of the bundle; made at the first call."""
    place = folder_of(emulator, job.environment_id) / str(job.number)
    folder = place / "bundle"
    if folder.exists():
        return folder
    place.mkdir(parents=True, exist_ok=True)
    if job.bucket is None or job.key is None:
        branch = platform_of_arn(job.platform_arn).branch.name
        write_sample(folder, platform_of(branch), branch, emulator.settings.platform_images)
        return folder
    body = objects_of(emulator).get(job.account, job.bucket, job.key)
    if body is None:
        raise BundleError(f"Unable to download the source bundle s3://{job.bucket}/{job.key}.")  # (unconfirmed) text
    source = place / "source"
    source.write_bytes(body)
    unpack(source, job.key, folder)
    source.unlink(missing_ok=True)
    return folder


async def prepare(emulator: Emulator, job: Job) -> Prepared:
    """Prepare a deployment: build and pull its images, say what instances run.

    Raises:
        PreparingError: it cannot be deployed.

    """
    try:
        folder, found, periodic = await asyncio.to_thread(_planned, emulator, job)
        prepared = await _carried_out(emulator, job, folder, found)
    except BundleError as error:
        raise PreparingError(*_told(error)) from error
    return replace(prepared, outcome={**prepared.outcome, "periodic": periodic})


def _planned(emulator: Emulator, job: Job) -> tuple[Path, ApplicationPlan, list[dict[str, str]]]:
    folder = _unpacked(emulator, job)
    files, label = FolderFiles(folder), job.version_label or "Sample Application"
    options = whole(job.platform_arn, job.tier, job.settings)
    branch = platform_of_arn(job.platform_arn).branch.name
    subject = Subject(
        environment_id=job.environment_id,
        environment_name=job.environment_name,
        version_label=label,
        deployment=job.number,
        platform_branch=branch,
        options=options,
        images=emulator.settings.platform_images,
        configuration=job.configuration,
    )
    periodic = [asdict(task) for task in read_periodic_tasks(files)] if job.tier == "Worker" else []
    return folder, plan(files, read_extensions(files, label), subject), periodic


async def _carried_out(emulator: Emulator, job: Job, folder: Path, found: ApplicationPlan) -> Prepared:
    credentials = await asyncio.to_thread(_credentials, emulator, job, found)
    log: list[str] = []
    events = list(found.told)
    for one in found.pulls:
        known = credentials.get(registry_of_image(one.image))
        try:
            ours = credentials_for(emulator, job.account, job.region, one.image)
            await emulator.runtime.pull(one.image, known or ours, always=one.always)
        except CannotPullContainerError as error:
            if found.mode is Mode.LANGUAGE:
                branch = platform_of_arn(job.platform_arn).branch.name
                raise BaseImageError(branch, one.image, str(error)) from error
            text = f"Failed to pull Docker image {one.image}: {error}. Tail the logs for more details."
            raise PreparingError(text, str(ImagePullError())) from error
        if found.mode is not Mode.LANGUAGE:
            events.append(Said(f"Successfully pulled {one.image}"))
    exposed: tuple[int, ...] = ()
    for build in found.builds:
        built = await _built(emulator, job, folder, build, found.mode, credentials, log)
        exposed = exposed or built.exposed_ports
        if found.mode is not Mode.LANGUAGE:
            events.append(Said("Successfully built aws_beanstalk/staging-app"))
    static = await _static_files(emulator, folder, found)
    port = forward_port(found.proxy, exposed) if found.proxy is not None else None
    instance = folder_of(emulator, job.environment_id) / "instance"
    family = f"awseb-{job.environment_name}-{job.environment_id.removeprefix('e-')}"
    definition: dict[str, Any] = {
        "family": family,
        "networkMode": "bridge",
        "containerDefinitions": [_published(dict(one), found, port) for one in found.containers],
        "volumes": list(on_this_machine(found.volumes, folder, instance)),
    }
    if found.execution_role_arn:
        definition["executionRoleArn"] = found.execution_role_arn
    return Prepared(
        definition,
        port,
        (*events, *found.not_honoured),
        {"log": log, "mode": found.mode.value, "built": bool(found.builds), "static": static},
    )


async def _static_files(emulator: Emulator, folder: Path, found: ApplicationPlan) -> list[tuple[str, str]]:
    """URL path → folder of this machine. An image of ours has `/var/app/current` with what its build has added."""
    served = []
    for number, (path, name) in enumerate(found.static):
        place = folder / name
        if found.mode is Mode.LANGUAGE:
            copied = folder.parent / "static" / str(number)
            if await emulator.runtime.copy_out(found.builds[0].tag, f"{CURRENT}/{name}", copied):
                place = copied
        served.append((path, str(place)))
    return served


def _published(container: dict[str, Any], found: ApplicationPlan, port: int | None) -> dict[str, Any]:
    """The proxied container publishes its port, whatever port of the host it gets."""
    if found.proxy is None or container["name"] != found.proxy.container:
        return container
    mappings = container.get("portMappings", [])
    if any(mapping["containerPort"] == port for mapping in mappings):
        return container
    return {**container, "portMappings": [*mappings, {"containerPort": port, "hostPort": 0}]}


def _credentials(emulator: Emulator, job: Job, found: ApplicationPlan) -> Mapping[str, RegistryCredentials]:
    if found.authentication is None:
        return {}
    bucket, key = found.authentication.bucket, found.authentication.key
    body = objects_of(emulator).get(job.account, bucket, key)
    if body is None:
        raise CredentialsUnavailableError(bucket, key)
    return read_credentials(body, key)


def _own_registry(emulator: Emulator, job: Job) -> Mapping[str, RegistryCredentials]:
    """What base images of the environment's own account are had with, by each name that our registry has."""
    names = [f"{job.account}.dkr.ecr.{job.region}.localhost", "localhost", "127.0.0.1"]
    hosts = [f"{name}:{emulator.port}" for name in names]
    found = {host: credentials_for(emulator, job.account, job.region, f"{host}/any") for host in hosts}
    return {host: credentials for host, credentials in found.items() if credentials is not None}


async def _built(  # noqa: PLR0913, PLR0917 - the parts of one build
    emulator: Emulator,
    job: Job,
    folder: Path,
    build: ImageBuild,
    mode: Mode,
    credentials: Mapping[str, RegistryCredentials],
    log: list[str],
) -> BuiltImage:
    known = {**_own_registry(emulator, job), **credentials}
    spec = build_spec(build, mode, folder, labels_of(job.environment_id, job.number))
    try:
        return await emulator.runtime.build(spec, known, lambda line: log.append(line) if len(log) < _LINES else None)
    except CannotBuildImageError as error:
        told = str(build_failure(mode, error))
        text = f"Failed to build Docker image aws_beanstalk/staging-app: {error}. Check snapshot logs for details."
        events = (told,) if mode is Mode.LANGUAGE else (text, told)
        raise PreparingError(*events, log=(*error.lines, str(error))) from error


async def forget_deployment(emulator: Emulator, environment_id: str, number: int) -> bool:
    """Remove what was unpacked and built for a deployment; False: a container still uses an image of it."""
    gone = await emulator.runtime.remove_images(labels_of(environment_id, number))
    if gone:
        folder = folder_of(emulator, environment_id) / str(number)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return gone

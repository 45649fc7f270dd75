"""An image of a plan → what the runtime builds."""

import re
from collections.abc import Mapping
from pathlib import Path

from emulator.beanstalk.bundles.errors import BundleError, DependencyError, ImageBuildError, StageError
from emulator.beanstalk.bundles.plan import ImageBuild, Mode
from emulator.runtime.builds import BuildSpec
from emulator.runtime.faults import CannotBuildImageError


def labels_of(environment_id: str, deployment: int | None = None) -> dict[str, str]:
    """By these labels images are removed: of one deployment when it is superseded, of all when the environment ends."""
    found = {"ashore.beanstalk.environment": environment_id}
    return found if deployment is None else {**found, "ashore.beanstalk.deployment": str(deployment)}


def build_spec(build: ImageBuild, mode: Mode, bundle: Path, labels: Mapping[str, str]) -> BuildSpec:
    """What to ask of `ContainerRuntime.build`.

    Args:
        build: of the plan.
        mode: of the plan: `.dockerignore` means something where the user builds an image only.
        bundle: the unpacked bundle.
        labels: `labels_of` the deployment.

    """
    return BuildSpec(
        tag=build.tag,
        context=bundle.joinpath(build.context),
        dockerfile=build.dockerfile,
        labels=labels,
        files=build.files,
        arguments=build.arguments,
        target=build.target,
        ignore=mode is not Mode.LANGUAGE,
    )


_STAGES = {
    "prebuild": "the prebuild hooks",
    "build": "the Buildfile",
    "container_commands": "the container_commands",
    "predeploy": "the predeploy hooks",
}
_FAILED = re.compile(r"\[ERROR\] deployment stage ([a-z_]+) failed")


def build_failure(mode: Mode, fault: CannotBuildImageError) -> BundleError:
    """What the event says of a build that failed; the fault's own text and lines belong in eb-engine.log."""
    if mode is not Mode.LANGUAGE:
        return ImageBuildError()
    if "/prepare.sh" in str(fault):
        return StageError("the configuration files (.ebextensions)")
    stages = [match[1] for line in fault.lines if (match := _FAILED.search(line))]
    if "install" in stages:
        return DependencyError()
    return next((StageError(_STAGES[stage]) for stage in stages if stage in _STAGES), ImageBuildError())

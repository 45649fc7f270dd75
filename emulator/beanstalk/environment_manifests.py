"""What the env.yaml of a version says of the environment that is made of it (reference: beanstalk.md §3, §7.5)."""

from collections.abc import Mapping
from typing import Any

from emulator.beanstalk.bundles.manifests import Manifest, manifest_of
from emulator.beanstalk.deployments import version_of
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.context import Context

_PLATFORMS = ("SolutionStackName", "PlatformArn", "TemplateName")


def by_manifest(context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
    """A CreateEnvironment request that names no environment, completed from its version's env.yaml.

    What the request itself says wins (unconfirmed). See `environment_creation.create`.

    Raises:
        InvalidParameterValue: no version is named, or it describes no environment.

    """
    label = request.get("VersionLabel")
    if label is None:
        raise InvalidParameterValue("You must specify an EnvironmentName.")  # (unconfirmed) text
    manifest = manifest_of_version(context, request["ApplicationName"], label)
    group = request.get("GroupName")
    said = request_of(manifest, label, group)
    if any(name in request for name in _PLATFORMS):
        said = {name: value for name, value in said.items() if name not in _PLATFORMS}
    lists = {
        name: [*said.get(name, []), *request.get(name, [])]
        for name in ("OptionSettings", "Tags")
        if name in said or name in request
    }
    return {**said, **request, **lists}


def manifest_of_version(context: Context, application: str, label: str) -> Manifest:
    """The env.yaml of a version.

    Raises:
        InvalidParameterValue: there is no such version, it was not processed, or it has none; texts are (unconfirmed).

    """
    version = version_of(context, application, label)
    if version.status != "PROCESSED":
        raise InvalidParameterValue(
            f"Application Version '{label}' must be processed before an environment is made by its env.yaml. "
            f"Its status is {version.status}."
        )
    if version.manifest is None:
        raise InvalidParameterValue(f"Application Version '{label}' does not contain an env.yaml file.")
    return manifest_of(version.manifest)


def name_of(manifest: Manifest, label: str, group: str | None) -> str:
    """The name of the environment that a manifest describes, in a group.

    Raises:
        InvalidParameterValue: it has none.

    """
    if manifest.environment_name is None:
        raise InvalidParameterValue(f"The env.yaml of Application Version '{label}' has no EnvironmentName.")
    return in_group(manifest.environment_name, group)


def in_group(name: str, group: str | None) -> str:
    """`front+` in the group dev is `front-dev`.

    Raises:
        InvalidParameterValue: the name is to be completed, and there is no group; the text is (unconfirmed).

    """
    if not name.endswith("+"):
        return name
    if not group:
        raise InvalidParameterValue(f"You must specify a GroupName for the environment name '{name}' of env.yaml.")
    return f"{name[:-1]}-{group}"


def links_of(manifest: Manifest, group: str | None) -> list[dict[str, str]]:
    """EnvironmentLinks as answers show them."""
    return [{"LinkName": name, "EnvironmentName": in_group(other, group)} for name, other in manifest.links]


def request_of(manifest: Manifest, label: str, group: str | None) -> dict[str, Any]:
    """What a manifest says, as members of a CreateEnvironment request and EnvironmentLinks."""
    tier = {"Name": manifest.tier_name, "Type": manifest.tier_type}
    said = {
        "EnvironmentName": name_of(manifest, label, group),
        "SolutionStackName": manifest.solution_stack if manifest.platform_arn is None else None,
        "PlatformArn": manifest.platform_arn,
        "Tier": {name: value for name, value in tier.items() if value is not None},
        "CNAMEPrefix": None if manifest.cname is None else in_group(manifest.cname, group),
        "EnvironmentLinks": links_of(manifest, group),
        "OptionSettings": [
            {"Namespace": one.namespace, "OptionName": one.name, "Value": one.value} for one in manifest.settings
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in manifest.tags],
    }
    return {name: value for name, value in said.items() if value}

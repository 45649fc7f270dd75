"""UpdateEnvironment: another version, other settings, another platform, or several of these at once.

What the instances must do about it is known once the version's bundle has been read: it may hold option settings.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emulator.beanstalk.configurations import find_template
from emulator.beanstalk.deployments import new_deployment, version_of
from emulator.beanstalk.endings import starting
from emulator.beanstalk.environment_creation import LAUNCH_STAGES, LOOP
from emulator.beanstalk.environment_finding import find_ready
from emulator.beanstalk.environment_links import awaited
from emulator.beanstalk.environment_manifests import manifest_of_version, name_of
from emulator.beanstalk.environment_options import change, check, put_together
from emulator.beanstalk.environment_resources import is_made
from emulator.beanstalk.environment_sources import platform_of
from emulator.beanstalk.environment_states import Status, move
from emulator.beanstalk.environment_views import describe
from emulator.beanstalk.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    no_application,
    not_ready,
)
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.operation_documents import Operation, OperationName, Stage
from emulator.beanstalk.option_values import PROPERTIES
from emulator.beanstalk.options.changes import Change
from emulator.context import Context
from emulator.state.beanstalk import (
    ApplicationVersionRow,
    EnvironmentRow,
)
from scheduler.beanstalk.model import OperationKind

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import UpdateEnvironmentMessageTypeDef

_SETTINGS = ("OptionSettings", "OptionsToRemove", "TemplateName")
_FIXED = ("LoadBalancerType", "LoadBalancerIsShared")
_ENVIRONMENT = "aws:elasticbeanstalk:environment"


def update_environment(context: Context, request: "UpdateEnvironmentMessageTypeDef") -> dict[str, Any]:
    """Begin to update an environment: the one that is named, or that of the group which the version's env.yaml names."""
    row = find_ready(context, _named(context, request))
    if request.get("ApplicationName", row.application) != row.application:
        raise no_application(request["ApplicationName"])  # (unconfirmed)
    _check_tier(row, request)
    stack, arn = request.get("SolutionStackName"), request.get("PlatformArn")
    if stack is not None and arn is not None:
        raise InvalidParameterCombination(
            "SolutionStackName and PlatformArn cannot both be specified."
        )  # (unconfirmed)
    platform = platform_of(context, stack, arn) or row.platform_arn
    label = request.get("VersionLabel")
    version = version_of(context, row.application, label) if label is not None else None
    template = _template(context, row, request)
    settings = _settings(row, template, request)
    check([*template, *request.get("OptionSettings", [])], settings, platform)
    _check_fixed(row, settings)
    if "Description" in request:
        row.description = request["Description"]
    asked = label is not None or platform != row.platform_arn or any(request.get(member) for member in _SETTINGS)
    if not asked:
        row.updated_at = context.now
        return describe(context, row)
    _begin(context, row, version, settings, platform)
    return {**describe(context, row), "Health": "Grey"}


def _named(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the name that env.yaml gives, where the request names a group and no environment."""
    names, needed = ("EnvironmentName", "EnvironmentId"), ("GroupName", "ApplicationName", "VersionLabel")
    if any(name in request for name in names) or any(request.get(name) is None for name in needed):
        return request
    application, label = request["ApplicationName"], request["VersionLabel"]
    manifest = manifest_of_version(context, application, label)
    return {"EnvironmentName": name_of(manifest, label, request["GroupName"])}


def deploy_linked(
    context: Context,
    row: EnvironmentRow,
    label: str,
    links: Sequence[Mapping[str, Any]],
    properties: Sequence[Mapping[str, Any]],
) -> None:
    """Begin to deploy a version with new links to an environment, once those that it links to are at rest.

    Args:
        context: the transaction.
        row: the environment.
        label: of the version.
        links: all that it is to have.
        properties: what tells the application where they lead.

    Raises:
        InvalidParameterValue: the environment is busy, or there is no such version.

    """
    if row.status != Status.READY:
        raise not_ready(row.name)
    version = version_of(context, row.application, label)
    gone = {link["LinkName"] for link in row.links}
    kept = [one for one in row.settings if one["Namespace"] != PROPERTIES or one["OptionName"] not in gone]
    row.links = [dict(link) for link in links]
    _begin(context, row, version, put_together(kept, properties), row.platform_arn)


def _check_tier(row: EnvironmentRow, request: Mapping[str, Any]) -> None:
    wanted = request.get("Tier") or {}
    if any(wanted.get(member, row.tier[member]) != row.tier[member] for member in ("Name", "Type")):
        raise InvalidParameterValue("Changing the tier of an environment is not supported.")  # (unconfirmed) text


def _template(context: Context, row: EnvironmentRow, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = request.get("TemplateName")
    return [] if name is None else find_template(context, row.application, name).settings


def _settings(row: EnvironmentRow, template: list[dict[str, Any]], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    given, removed = request.get("OptionSettings", []), request.get("OptionsToRemove", [])
    return put_together(put_together(row.settings, template, removed=removed), given)


def _check_fixed(row: EnvironmentRow, settings: list[dict[str, Any]]) -> None:
    """What kind of load balancer an environment has is decided when it is created."""

    def fixed(documents: list[dict[str, Any]]) -> dict[str, Any]:
        mine = [item for item in documents if item["Namespace"] == _ENVIRONMENT and item["OptionName"] in _FIXED]
        return {item["OptionName"]: item.get("Value") for item in mine}

    before, after = fixed(row.settings), fixed(settings)
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            raise InvalidParameterValue(
                f"You can't change the {name} option of an environment after it was created."  # (unconfirmed) text
            )


def _begin(
    context: Context,
    row: EnvironmentRow,
    version: ApplicationVersionRow | None,
    settings: list[dict[str, Any]],
    platform: str,
) -> None:
    _draft(context, row, settings, platform)
    stages: tuple[Stage, ...]
    facts: dict[str, Any]
    found = change(platform, row.tier["Name"], (row.bundle_settings, row.settings), (row.bundle_settings, settings))
    if not is_made(row):
        stages, facts = LAUNCH_STAGES, {"kind": OperationKind.LAUNCH.value}
        number = new_deployment(context, row, version or _deployed(context, row), settings, platform)
    elif version is None and platform == row.platform_arn and found <= Change.IN_PLACE:
        stages, facts = (Stage.ADJUST, Stage.END), {"in_place": True}
        number = 0
    else:
        stages, facts = (Stage.READ, Stage.ADJUST, Stage.CARRY, Stage.END), {"version": version is not None}
        number = new_deployment(context, row, version or _deployed(context, row), settings, platform)
    if number and awaited(context, row):
        stages = (Stage.LINK, *stages)
    operation = Operation(OperationName.UPDATE, context.request_id, stages, deployment=number, facts=facts)
    starting(context, row, operation)
    if number == 0:
        message = f"Updating environment {row.name}'s configuration settings."
        tell_environment(context, row, message, request_id=operation.request_id)
    context.wake(LOOP, row.id)


def begin_replacement(
    context: Context,
    row: EnvironmentRow,
    platform: str,
    way: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any],
) -> None:
    """Begin to replace every instance of a Ready environment, which the service does of its own accord.

    Args:
        context: the transaction.
        row: the environment.
        platform: of the new instances.
        way: settings that say how it is done; the environment does not keep them.
        facts: what the operation's end is to know.

    Raises:
        InvalidParameterValue: it has no instances, or the version that runs is not there any more; nothing is changed.

    """
    if not is_made(row):
        raise not_ready(row.name)
    version = _deployed(context, row)
    _draft(context, row, list(row.settings), platform)
    number = new_deployment(context, row, version, put_together(row.settings, way), platform)
    stages = (Stage.READ, Stage.ADJUST, Stage.CARRY, Stage.END)
    known = {**facts, "version": False, "replace": True}
    starting(context, row, Operation(OperationName.UPDATE, context.request_id, stages, deployment=number, facts=known))
    context.wake(LOOP, row.id)


def _draft(context: Context, row: EnvironmentRow, settings: list[dict[str, Any]], platform: str) -> None:
    move(context, row, Status.UPDATING)
    row.draft = {
        "status": "pending",
        "settings": settings,
        "bundle_settings": row.bundle_settings,
        "platform_arn": platform,
        "created_at": context.now.isoformat(),
    }


def _deployed(context: Context, row: EnvironmentRow) -> ApplicationVersionRow | None:
    if row.version_label is None:
        return None
    return version_of(context, row.application, row.version_label)

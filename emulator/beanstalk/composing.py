"""ComposeEnvironments: a group of environments, one a version, as the env.yaml of each describes it.

Environments that are linked to come first, and those that link to them wait until they are launched.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.beanstalk.bundles.manifests import Manifest
from emulator.beanstalk.configurations import find_living_application
from emulator.beanstalk.environment_creation import create
from emulator.beanstalk.environment_finding import by_name
from emulator.beanstalk.environment_links import properties_of
from emulator.beanstalk.environment_manifests import links_of, manifest_of_version, name_of, request_of
from emulator.beanstalk.environment_updates import deploy_linked
from emulator.beanstalk.environment_views import describe
from emulator.beanstalk.errors import InvalidParameterValue, MissingRequiredParameter, environment_exists
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.composition import LinkCycleError, linked_first

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import ComposeEnvironmentsMessageTypeDef


class ComposeResult(TypedDict):
    """The environments, in the order of the versions."""

    Environments: list[dict[str, Any]]


def compose_environments(context: Context, request: "ComposeEnvironmentsMessageTypeDef") -> ComposeResult:
    """Begin to create, or to deploy to, the environment of each version. One that cannot be is refused with all of them."""
    application, labels = request.get("ApplicationName"), request.get("VersionLabels", [])
    if not application:
        raise MissingRequiredParameter("You must specify an ApplicationName.")  # (unconfirmed) text
    if not labels:
        raise MissingRequiredParameter("You must specify at least one VersionLabel.")  # (unconfirmed) text
    find_living_application(context, application)
    group = request.get("GroupName")
    found = _manifests(context, application, labels, group)
    links = {name: [link["EnvironmentName"] for link in links_of(one, group)] for name, (_, one) in found.items()}
    try:
        ordered = linked_first(links)
    except LinkCycleError as error:
        raise InvalidParameterValue(f"Environment links form a cycle: {error}.") from error  # (unconfirmed) text
    rows = {name: _compose(context, application, name, found[name], group) for name in ordered}
    return {"Environments": [describe(context, rows[name]) for name in found]}


def _manifests(
    context: Context, application: str, labels: Sequence[str], group: str | None
) -> dict[str, tuple[str, Manifest]]:
    """Environment → version and manifest, in the order of the versions."""
    found: dict[str, tuple[str, Manifest]] = {}
    for label in labels:
        manifest = manifest_of_version(context, application, label)
        name = name_of(manifest, label, group)
        if name in found:
            raise InvalidParameterValue(
                f"Application Versions '{found[name][0]}' and '{label}' are both of environment {name}."
            )  # (unconfirmed) text
        found[name] = (label, manifest)
    return found


def _compose(
    context: Context, application: str, name: str, version: tuple[str, Manifest], group: str | None
) -> EnvironmentRow:
    label, manifest = version
    row = by_name(context, name)
    if row is None:
        said = request_of(manifest, label, group)
        grouped = {"GroupName": group} if group else {}
        return create(context, {**said, **grouped, "ApplicationName": application, "VersionLabel": label})
    if row.application != application:
        raise environment_exists(name)
    links = links_of(manifest, group)
    deploy_linked(context, row, label, links, properties_of(context, links))
    return row

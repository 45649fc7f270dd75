"""Elastic Beanstalk: what a request names (reference: iam_elb_autoscaling.md §6.3, §3.3).

What an operation does beside (buckets, instances, load balancers) runs with the service's own rights: AWS would ask the
caller's for these, too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.beanstalk.environment_finding import by_id, by_name
from emulator.beanstalk.option_values import ENVIRONMENT, LAUNCH
from emulator.beanstalk.tags import list_tags_for_resource
from emulator.context import Context
from emulator.errors import AwsError
from emulator.iam.checks import ANY, Check, pass_role, request_tags, resource_tags

_SERVICE = "elasticbeanstalk"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("CreateApplication", "DeleteApplication", "UpdateApplication", "UpdateApplicationResourceLifecycle"),
            *("DescribeApplications", "ComposeEnvironments"),
        ),
        "application",
    ),
    **dict.fromkeys(
        (
            *("CreateApplicationVersion", "DeleteApplicationVersion", "UpdateApplicationVersion"),
            "DescribeApplicationVersions",
        ),
        "applicationversion",
    ),
    **dict.fromkeys(
        ("CreateConfigurationTemplate", "UpdateConfigurationTemplate", "DeleteConfigurationTemplate"),
        "configurationtemplate",
    ),
    **dict.fromkeys(
        (
            *("CreateEnvironment", "UpdateEnvironment", "TerminateEnvironment", "RebuildEnvironment"),
            *("RestartAppServer", "RequestEnvironmentInfo", "RetrieveEnvironmentInfo", "DescribeEnvironments"),
            *("DescribeEnvironmentResources", "DescribeEnvironmentHealth", "DescribeInstancesHealth"),
            *("DescribeEnvironmentManagedActions", "DescribeEnvironmentManagedActionHistory"),
            *("ApplyEnvironmentManagedAction", "DeleteEnvironmentConfiguration", "AbortEnvironmentUpdate"),
            *("AssociateEnvironmentOperationsRole", "DisassociateEnvironmentOperationsRole", "SwapEnvironmentCNAMEs"),
            *("DescribeConfigurationSettings", "DescribeConfigurationOptions", "ValidateConfigurationSettings"),
            "DescribeEvents",
        ),
        "environment",
    ),
}
_MAKING = {"CreateEnvironment", "UpdateEnvironment"}


def checks(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """What the request needs."""
    keys = {**request_tags(request), **_keys(context, request)}
    for action in _actions(operation, request):
        for arn in _resources(context, operation, request):
            yield Check(f"{_SERVICE}:{action}", arn, {**_tags(context, arn), **keys})
    yield from _passed(context, operation, request)


def _actions(operation: str, request: Mapping[str, Any]) -> list[str]:
    """UpdateTagsForResource is two actions, which are no operations."""
    if operation != "UpdateTagsForResource":
        return [operation]
    return [name for name, member in (("AddTags", "TagsToAdd"), ("RemoveTags", "TagsToRemove")) if request.get(member)]


def _resources(context: Context, operation: str, request: Mapping[str, Any]) -> list[str]:
    kind, application = _KINDS.get(operation), str(request.get("ApplicationName", ANY))
    if operation in {"DescribeConfigurationSettings", "DescribeConfigurationOptions"} and request.get("TemplateName"):
        kind = "configurationtemplate"
    match kind:
        case "application":
            names = request.get("ApplicationNames") or [application]
            return [_arn(context, kind, str(name)) for name in names]
        case "applicationversion":
            labels = request.get("VersionLabels") or [request.get("VersionLabel", ANY)]
            return [_arn(context, kind, application, str(label)) for label in labels]
        case "configurationtemplate":
            return [_arn(context, kind, application, str(request.get("TemplateName", ANY)))]
        case "environment":
            return _environments(context, request, application)
    return [str(request.get("ResourceArn") or request.get("PlatformArn") or ANY)]


def _environments(context: Context, request: Mapping[str, Any], application: str) -> list[str]:
    sides = [(request.get(f"{side}EnvironmentName"), request.get(f"{side}EnvironmentId")) for side in _SIDES]
    named = [pair for pair in sides if any(pair)]
    named += [(name, None) for name in request.get("EnvironmentNames") or ()]
    named += [(None, one) for one in request.get("EnvironmentIds") or ()]
    found = []
    for name, environment_id in named:
        row = by_id(context, environment_id) if environment_id else by_name(context, name or "")
        pair = (row.application, row.name) if row is not None else (application, name or ANY)
        found.append(_arn(context, "environment", *pair))
    return found or [_arn(context, "environment", application, ANY)]


_SIDES = ("", "Source", "Destination")


def _arn(context: Context, kind: str, *names: str) -> str:
    return context.arn(_SERVICE, "/".join((kind, *names)))


def _keys(context: Context, request: Mapping[str, Any]) -> dict[str, list[str]]:
    application = request.get("ApplicationName")
    keys: dict[str, list[str]] = {}
    if application:
        keys["inapplication"] = [_arn(context, "application", application)]
        if label := request.get("VersionLabel"):
            keys["fromapplicationversion"] = [_arn(context, "applicationversion", application, label)]
        if template := request.get("TemplateName"):
            keys["fromconfigurationtemplate"] = [_arn(context, "configurationtemplate", application, template)]
    if stack := request.get("SolutionStackName"):
        keys["fromsolutionstack"] = [f"arn:aws:{_SERVICE}:{context.region}::solutionstack/{stack}"]
    if platform := request.get("PlatformArn"):
        keys["fromplatform"] = [platform]
    return {f"{_SERVICE}:{name}": value for name, value in keys.items()}


def _tags(context: Context, arn: str) -> dict[str, list[str]]:
    """The tags of a resource that exists."""
    try:
        return resource_tags(_SERVICE, list_tags_for_resource(context, {"ResourceArn": arn})["ResourceTags"])
    except AwsError:
        return {}


def _passed(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """Service role, operations role and the role of the instance profile."""
    settings = request.get("OptionSettings", ()) if operation in _MAKING else ()
    given = {(item.get("Namespace"), item.get("OptionName")): item.get("Value") for item in settings}
    own = [given.get((ENVIRONMENT, "ServiceRole")), request.get("OperationsRole")]
    yield from pass_role(context.account, f"{_SERVICE}.amazonaws.com", own)
    profile, identities = given.get((LAUNCH, "IamInstanceProfile")), context.emulator.identities
    role = identities.profile_role(context.account, profile) if profile and identities is not None else None
    yield from pass_role(context.account, "ec2.amazonaws.com", [role])

"""Platforms: which there are, and which one a solution stack's name or an ARN means."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from emulator.arns import make_arn, parse_arn
from emulator.beanstalk.errors import no_platform, no_solution_stack
from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.platform_catalogue import Branch, branches
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow, PlatformVersionRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import DescribePlatformVersionRequestTypeDef

_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", re.ASCII)
_STACK = re.compile(r"(?P<stack>.+) v(?P<version>\d+\.\d+\.\d+) running (?P<shorthand>.+)")
_OWNER = "AWSElasticBeanstalk"
_ADDONS = ["Log/S3", "Monitoring/Healthd", "WorkerDaemon/SQSD"]
_SINCE = datetime(2025, 7, 13, tzinfo=UTC)
"""When the catalogue was taken."""

_SYSTEM = ("OperatingSystemName", "OperatingSystemVersion")
_ABOUT = ("Description", "Maintainer")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Platform:
    """One version of a branch of AWS's."""

    branch: Branch
    version: Version

    @property
    def stack_name(self) -> str:
        """The name of the solution stack."""
        return f"{self.branch.stack} v{dotted(self.version)} running {self.branch.shorthand}"

    def arn(self, region: str) -> str:
        """As AWS writes it: without an account, the branch's name with its blanks."""
        return make_arn("elasticbeanstalk", region, "", f"platform/{self.branch.name}/{dotted(self.version)}")

    @property
    def is_newest(self) -> bool:
        """It is the version that AWS recommends."""
        return self.version == self.branch.newest


def dotted(version: Version) -> str:
    """`(4, 6, 0)` as `4.6.0`."""
    return ".".join(map(str, version))


def version_of(text: str) -> Version:
    """`4.6.0` as numbers.

    Raises:
        ValueError: it is no version.

    """
    if _VERSION.fullmatch(text) is None:
        raise ValueError(text)
    first, second, third = text.split(".")
    return int(first), int(second), int(third)


def platform_of_stack(name: str) -> Platform:
    """The platform that a solution stack is.

    Raises:
        InvalidParameterValue: there is none of this name; an older version of a branch that is known does.

    """
    found = _STACK.fullmatch(name)
    for branch in branches() if found else ():
        if found and (branch.stack, branch.shorthand) == (found["stack"], found["shorthand"]):
            try:
                version = version_of(found["version"])
            except ValueError:
                break
            if version <= branch.newest:
                return Platform(branch, version)
    raise no_solution_stack(name)


def platform_of_arn(arn: str) -> Platform:
    """The platform of an ARN, of AWS's own.

    Raises:
        InvalidParameterValue: there is none.

    """
    parsed = parse_arn(arn)
    parts = parsed.resource.split("/") if parsed is not None else []
    if parsed is None or parsed.service != "elasticbeanstalk" or len(parts) not in {2, 3} or parts[0] != "platform":
        raise no_platform(arn)
    for branch in branches():
        if branch.name == parts[1]:
            try:
                version = version_of(parts[2]) if len(parts) > 2 else branch.newest
            except ValueError:
                break
            if version <= branch.newest:
                return Platform(branch, version)
    raise no_platform(arn)


def trait_of(platform_arn: str) -> Trait:
    """What options and bundles depend on.

    Raises:
        InvalidParameterValue: no such platform, or one that cannot run here (Windows).

    """
    trait = platform_of_arn(platform_arn).branch.trait
    if trait is None:
        raise no_platform(platform_arn)
    return trait


def platforms_listed(context: Context) -> list[Platform]:
    """The newest version of each branch, then older ones that environments of the account use."""
    newest = [Platform(branch, branch.newest) for branch in branches()]
    used = context.session.scalars(
        select(EnvironmentRow.platform_arn)
        .where(EnvironmentRow.account == context.account, EnvironmentRow.region == context.region)
        .distinct()
        .order_by(EnvironmentRow.platform_arn)
    )
    found = [platform_of_arn(arn) for arn in used if parse_arn(arn) is not None and _is_aws_own(arn)]
    return newest + [platform for platform in found if platform not in newest]


def _is_aws_own(arn: str) -> bool:
    parsed = parse_arn(arn)
    return parsed is not None and not parsed.account


def list_available_solution_stacks(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The stacks of current versions and those in use, without what is retired."""
    del request
    found = [platform for platform in platforms_listed(context) if platform.branch.state != "Retired"]
    return {
        "SolutionStacks": [platform.stack_name for platform in found],
        "SolutionStackDetails": [
            {"SolutionStackName": platform.stack_name, "PermittedFileTypes": list(platform.branch.file_types)}
            for platform in found
        ],
    }


def describe_platform_version(context: Context, request: "DescribePlatformVersionRequestTypeDef") -> dict[str, Any]:
    """All of a platform version, AWS's or the account's own."""
    arn = request.get("PlatformArn") or ""
    row = context.session.get(PlatformVersionRow, arn)
    if row is not None and (row.account, row.region) == (context.account, context.region):
        return {"PlatformDescription": describe_custom(row)}
    return {"PlatformDescription": describe_platform(context, platform_of_arn(arn))}


def summary(context: Context, platform: Platform) -> dict[str, Any]:
    """As ListPlatformVersions shows it."""
    branch = platform.branch
    found = {
        "PlatformArn": platform.arn(context.region),
        "PlatformOwner": _OWNER,
        "PlatformStatus": "Ready",
        "PlatformCategory": branch.family,
        "OperatingSystemName": branch.system,
        "OperatingSystemVersion": branch.system_version,
        "SupportedTierList": list(branch.tiers),
        "SupportedAddonList": _ADDONS,
        "PlatformVersion": dotted(platform.version),
        "PlatformBranchName": branch.name,
        "PlatformBranchLifecycleState": branch.state,
    }
    return found | ({"PlatformLifecycleState": "Recommended"} if platform.is_newest else {})


def describe_platform(context: Context, platform: Platform) -> dict[str, Any]:
    """As DescribePlatformVersion shows it."""
    branch = platform.branch
    return summary(context, platform) | {
        "PlatformName": branch.name,
        "SolutionStackName": platform.stack_name,
        "DateCreated": _SINCE,
        "DateUpdated": _SINCE,
        "Description": platform.stack_name,
        "Maintainer": "AWSElasticBeanstalk",
        "ProgrammingLanguages": [{"Name": name, "Version": version} for name, version in branch.languages],
        "Frameworks": [],
        "CustomAmiList": [],
    }


def describe_custom_summary(row: PlatformVersionRow) -> dict[str, Any]:
    """A custom platform version as ListPlatformVersions shows it."""
    told: dict[str, Any] = {name: row.description[name] for name in _SYSTEM if name in row.description}
    return told | {
        "PlatformArn": row.arn,
        "PlatformOwner": "self",
        "PlatformStatus": row.status,
        "PlatformCategory": "custom",
        "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
        "SupportedAddonList": _ADDONS,
        "PlatformVersion": row.version,
    }


def describe_custom(row: PlatformVersionRow) -> dict[str, Any]:
    """A custom platform version as DescribePlatformVersion shows it."""
    told: dict[str, Any] = {name: row.description[name] for name in _ABOUT if name in row.description}
    return (
        describe_custom_summary(row)
        | told
        | {
            "PlatformName": row.name,
            "DateCreated": row.created_at,
            "DateUpdated": row.updated_at,
            "ProgrammingLanguages": row.description.get("ProgrammingLanguages", []),
            "Frameworks": row.description.get("Frameworks", []),
            "CustomAmiList": [],
        }
    )

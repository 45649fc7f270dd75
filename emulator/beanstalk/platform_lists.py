"""ListPlatformBranches and ListPlatformVersions: filters, pages (reference: beanstalk.md §8.2).

The documentation writes life-cycle states in lower case, the wire capitalised: values are compared without regard to case.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.pages import cut
from emulator.beanstalk.platform_catalogue import Branch, branches
from emulator.beanstalk.platforms import (
    describe_custom,
    describe_custom_summary,
    describe_platform,
    platforms_listed,
    summary,
    version_of,
)
from emulator.context import Context
from emulator.state.beanstalk import PlatformVersionRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        ListPlatformBranchesRequestTypeDef,
        ListPlatformVersionsRequestTypeDef,
    )

Texts = Sequence[str]
"""The values of an attribute, in lower case: several where it is a list."""


def _version(text: str) -> tuple[int, ...]:
    try:
        return version_of(text)
    except ValueError:
        return ()


_OPERATORS: Mapping[str, Callable[[Texts, Texts], bool]] = {
    "=": lambda have, want: want[0] in have,
    "!=": lambda have, want: want[0] not in have,
    "<": lambda have, want: any(_version(one) < _version(want[0]) for one in have),
    "<=": lambda have, want: any(_version(one) <= _version(want[0]) for one in have),
    ">": lambda have, want: any(_version(one) > _version(want[0]) for one in have),
    ">=": lambda have, want: any(_version(one) >= _version(want[0]) for one in have),
    "begins_with": lambda have, want: any(one.startswith(want[0]) for one in have),
    "ends_with": lambda have, want: any(one.endswith(want[0]) for one in have),
    "contains": lambda have, want: any(want[0] in one for one in have),
    "in": lambda have, want: any(one in want for one in have),
    "not_in": lambda have, want: not any(one in want for one in have),
}
_TEXT = frozenset({"=", "!=", "begins_with", "ends_with", "contains", "in", "not_in"})
_BRANCH_OPERATORS = {
    "BranchName": _TEXT,
    "PlatformName": _TEXT,
    "LifecycleState": frozenset({"=", "!=", "in", "not_in"}),
    "TierType": frozenset({"=", "!="}),
}
_VERSION_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "contains", "begins_with", "ends_with"})
_VERSION_TYPES = {
    "PlatformName": "PlatformName",
    "PlatformVersion": "PlatformVersion",
    "PlatformStatus": "PlatformStatus",
    "PlatformBranchName": "PlatformBranchName",
    "PlatformLifecycleState": "PlatformLifecycleState",
    "PlatformOwner": "PlatformOwner",
    "SupportedTier": "SupportedTierList",
    "SupportedAddon": "SupportedAddonList",
    "ProgrammingLanguageName": "ProgrammingLanguages",
    "OperatingSystemName": "OperatingSystemName",
}


def list_platform_branches(context: Context, request: "ListPlatformBranchesRequestTypeDef") -> dict[str, Any]:
    """Branches, in AWS's order."""
    del context
    found = list(enumerate(branches(), 1))
    for wanted in request.get("Filters") or []:
        attribute, operator = wanted.get("Attribute") or "", wanted.get("Operator") or ""
        values = [value.lower() for value in wanted.get("Values") or []]
        if operator not in _BRANCH_OPERATORS.get(attribute, ()) or not values:
            raise _bad_filter(attribute, operator)
        found = [
            (order, branch) for order, branch in found if _OPERATORS[operator](_branch_texts(branch, attribute), values)
        ]
    shown, token = cut(found, lambda item: f"{item[0]:06}", request.get("MaxRecords"), request.get("NextToken"))
    return {
        "PlatformBranchSummaryList": [
            {
                "PlatformName": branch.family,
                "BranchName": branch.name,
                "LifecycleState": branch.state,
                "BranchOrder": order,
                "SupportedTierList": list(branch.tiers),
            }
            for order, branch in shown
        ]
    } | token


def _branch_texts(branch: Branch, attribute: str) -> Texts:
    found = {
        "BranchName": [branch.name],
        "PlatformName": [branch.family],
        "LifecycleState": [branch.state],
        "TierType": list(branch.tiers),
    }[attribute]
    return [text.lower() for text in found]


def list_platform_versions(context: Context, request: "ListPlatformVersionsRequestTypeDef") -> dict[str, Any]:
    """Versions of AWS's platforms and of the account's own, sorted by their ARN."""
    own = context.session.scalars(
        select(PlatformVersionRow).where(
            PlatformVersionRow.account == context.account, PlatformVersionRow.region == context.region
        )
    )
    found: list[tuple[dict[str, Any], dict[str, Any]]] = [
        *((summary(context, one), describe_platform(context, one)) for one in platforms_listed(context)),
        *((describe_custom_summary(row), describe_custom(row)) for row in own),
    ]
    latest = _latest(whole for _, whole in found)
    for wanted in request.get("Filters") or []:
        kind, operator = wanted.get("Type") or "", wanted.get("Operator") or ""
        values = [value.lower() for value in wanted.get("Values") or []]
        if kind not in _VERSION_TYPES or operator not in _VERSION_OPERATORS or len(values) != 1:
            raise _bad_filter(kind, operator)
        found = [
            (short, whole)
            for short, whole in found
            if (
                whole["PlatformArn"] in latest
                if (kind, values) == ("PlatformVersion", ["latest"])
                else _OPERATORS[operator](_version_texts(whole, kind), values)
            )
        ]
    found.sort(key=lambda item: str(item[0]["PlatformArn"]))
    shown, token = cut(
        found, lambda item: str(item[0]["PlatformArn"]), request.get("MaxRecords"), request.get("NextToken")
    )
    return {"PlatformSummaryList": [short for short, _ in shown]} | token


def _latest(described: Any) -> set[str]:
    """ARNs of the newest version of each platform."""
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    for one in described:
        mine = (_version(one["PlatformVersion"]), one["PlatformArn"])
        newest[one["PlatformName"]] = max(newest.get(one["PlatformName"], mine), mine)
    return {arn for _, arn in newest.values()}


def _version_texts(whole: Mapping[str, Any], kind: str) -> Texts:
    found = whole.get(_VERSION_TYPES[kind])
    if kind == "ProgrammingLanguageName":
        return [item["Name"].lower() for item in whole["ProgrammingLanguages"]]
    if isinstance(found, list):
        return [item.lower() for item in found]
    return [] if found is None else [str(found).lower()]


def _bad_filter(name: str, operator: str) -> InvalidParameterValue:
    """The text is (unconfirmed)."""
    return InvalidParameterValue(f"Invalid filter: '{name}' with operator '{operator}'.")

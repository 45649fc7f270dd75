"""What a request must be permitted: actions on resources, each with its condition keys."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.iam.conditions import Keys

ANY = "*"
"""The resource of an action that has none."""


@dataclass(frozen=True, slots=True)
class Check:
    """One action on one resource."""

    action: str
    resource: str = ANY
    keys: Keys = field(default_factory=dict)
    """In lower case."""


def request_tags(request: Mapping[str, Any]) -> dict[str, list[str]]:
    """`aws:RequestTag/…` and `aws:TagKeys` of a request, however its service spells tags."""
    listed = next((request[name] for name in ("tags", "Tags", "TagsToAdd") if request.get(name)), ())
    given = {str(tag.get("key", tag.get("Key"))): str(tag.get("value", tag.get("Value", ""))) for tag in listed}
    removed = next((request[name] for name in ("tagKeys", "TagsToRemove") if request.get(name)), ())
    names = [*given, *map(str, removed)]
    keys = {f"aws:requesttag/{key}".lower(): [value] for key, value in given.items()}
    return keys | ({"aws:tagkeys": names} if names else {})


def resource_tags(service: str, tags: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """`aws:ResourceTag/…` and the service's own twin."""
    found = {str(tag.get("key", tag.get("Key"))): str(tag.get("value", tag.get("Value", ""))) for tag in tags}
    return {
        f"{prefix}:resourcetag/{key}".lower(): [value] for key, value in found.items() for prefix in ("aws", service)
    }


def pass_role(account: str, to: str, roles: Iterable[str | None]) -> Iterator[Check]:
    """`iam:PassRole` on each of the roles (names or ARNs) that a request hands to the service `to`."""
    for role in dict.fromkeys(filter(None, roles)):
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"
        yield Check("iam:PassRole", arn, {"iam:passedtoservice": [to]})

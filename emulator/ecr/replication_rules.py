"""Where images of a repository are replicated to. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

EMPTY: Mapping[str, Any] = {"rules": []}


class Destination(NamedTuple):
    """A registry."""

    account: str
    region: str


def destinations_of(configuration: Mapping[str, Any], name: str) -> dict[Destination, bool]:
    """The registries that get what is pushed to the repository `name`, and whether deletions reach them, too.

    A rule without filters holds for every repository. Where two rules name one destination, either may bring deletions.
    """
    found: dict[Destination, bool] = {}
    for rule in configuration["rules"]:
        filters = rule.get("repositoryFilters") or []
        if filters and not any(name.startswith(item["filter"]) for item in filters):
            continue
        deletes = bool(rule.get("deleteReplication", {}).get("enabled", False))
        for item in rule["destinations"]:
            destination = Destination(item["registryId"], item["region"])
            found[destination] = found.get(destination, False) or deletes
    return found


def all_destinations(configuration: Mapping[str, Any]) -> set[Destination]:
    """Every registry that the configuration names."""
    return {
        Destination(item["registryId"], item["region"])
        for rule in configuration["rules"]
        for item in rule["destinations"]
    }

"""How often the images of a repository are scanned, by the registry's configuration. Pure (reference: ecr.md §8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.iam.conditions import like

Frequency = Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]

DEFAULT: Mapping[str, Any] = {"scanType": "BASIC", "rules": []}


@dataclass(frozen=True, slots=True)
class Scanning:
    """What holds for one repository."""

    scan_type: Literal["BASIC", "ENHANCED"]
    frequency: Frequency
    filters: tuple[Mapping[str, str], ...]
    """The filters of the rule that holds, those that match the name."""

    @property
    def on_push(self) -> bool:
        """Whether a push is scanned."""
        return self.frequency != "MANUAL"


def scanning_of(configuration: Mapping[str, Any], name: str, *, scan_on_push: bool) -> Scanning:
    """What holds for the repository `name`. Its own setting counts under BASIC only; a continuous rule goes first."""
    kind = configuration.get("scanType", "BASIC")
    found: dict[str, tuple[Mapping[str, str], ...]] = {}
    for rule in configuration.get("rules") or ():
        matching = tuple(item for item in rule["repositoryFilters"] if like(item["filter"], name))
        if matching:
            found[rule["scanFrequency"]] = matching
    if "CONTINUOUS_SCAN" in found and kind == "ENHANCED":
        return Scanning(kind, "CONTINUOUS_SCAN", found["CONTINUOUS_SCAN"])
    if "SCAN_ON_PUSH" in found:
        return Scanning(kind, "SCAN_ON_PUSH", found["SCAN_ON_PUSH"])
    own = scan_on_push and kind == "BASIC"
    return Scanning(kind, "SCAN_ON_PUSH" if own else "MANUAL", ())

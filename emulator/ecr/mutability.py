"""Whether a tag may be moved to another image."""

import re
from typing import TYPE_CHECKING, Any

from emulator.ecr.errors import invalid
from emulator.state.ecr import RepositoryRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_ecr.type_defs import ImageTagMutabilityExclusionFilterTypeDef

_MODES = ("IMMUTABLE", "MUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")
_FILTER = re.compile(r"[0-9a-zA-Z._*-]{1,128}")
_MAX_FILTERS = 5
_MAX_WILDCARDS = 2


def checked_mutability(
    mode: str, filters: "Sequence[ImageTagMutabilityExclusionFilterTypeDef]"
) -> tuple[str, list[dict[str, Any]]]:
    """The mode and its filters. Plain IMMUTABLE or MUTABLE takes none; the modes with exclusion need one to five."""
    if mode not in _MODES:
        raise invalid("imageTagMutability", f"Member must satisfy enum value set: [{', '.join(_MODES)}]")
    parameter = "imageTagMutabilityExclusionFilters"
    if mode.endswith("_WITH_EXCLUSION") != bool(filters):  # both texts (unconfirmed)
        reason = "must be given" if not filters else "must not be given"
        raise invalid(parameter, f"{reason} with imageTagMutability {mode}")
    if len(filters) > _MAX_FILTERS:
        raise invalid(parameter, f"Member must have length less than or equal to {_MAX_FILTERS}")
    for item in filters:
        text = item["filter"]
        if not _FILTER.fullmatch(text):
            raise invalid(parameter, "Member must satisfy regular expression pattern: ^[0-9a-zA-Z._*-]{1,128}$")
        if text.count("*") > _MAX_WILDCARDS:  # (unconfirmed)
            raise invalid(parameter, f"Member must have no more than {_MAX_WILDCARDS} wildcards")
    return mode, [{"filterType": item["filterType"], "filter": item["filter"]} for item in filters]


def is_immutable(repository: RepositoryRow, tag: str) -> bool:
    """Whether `tag`, once it names an image, must name it for ever."""
    excluded = any(matches(item["filter"], tag) for item in repository.exclusion_filters)
    match repository.tag_mutability:
        case "IMMUTABLE":
            return True
        case "IMMUTABLE_WITH_EXCLUSION":
            return not excluded
        case "MUTABLE_WITH_EXCLUSION":
            return excluded
        case _:
            return False


def matches(wildcard: str, tag: str) -> bool:
    """Whether the whole of `tag` matches; `*` stands for any run of characters."""
    return re.fullmatch(".*".join(map(re.escape, wildcard.split("*"))), tag, re.DOTALL) is not None

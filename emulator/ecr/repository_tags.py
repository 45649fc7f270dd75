"""The resource tags of repositories (cost centre, owner …); an image's tags are in `images.py`."""

from typing import TYPE_CHECKING, Any, TypedDict, cast

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.errors import (
    InvalidTagParameterException,
    RepositoryNotFoundException,
    TooManyTagsException,
    invalid,
)
from emulator.state.ecr import RepositoryRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_ecr.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        TagTypeDef,
        UntagResourceRequestTypeDef,
    )

_MAX_TAGS = 50


class Nothing(TypedDict):
    """An empty result."""


class ListTagsForResourceResult(TypedDict):
    """A repository's tags."""

    tags: "list[TagTypeDef]"


def tag_resource(context: Context, request: "TagResourceRequestTypeDef") -> Nothing:
    """TagResource: adds tags, and gives those that are there new values."""
    row = _resource(context, request["resourceArn"])
    added = checked_tags(request["tags"])
    merged = {tag["Key"]: tag["Value"] for tag in (*row.tags, *added)}
    row.tags = checked_tags([{"Key": key, "Value": value} for key, value in merged.items()])
    return {}


def untag_resource(context: Context, request: "UntagResourceRequestTypeDef") -> Nothing:
    """UntagResource: keys that are not there are no error."""
    row = _resource(context, request["resourceArn"])
    row.tags = [tag for tag in row.tags if tag["Key"] not in request["tagKeys"]]
    return {}


def list_tags_for_resource(context: Context, request: "ListTagsForResourceRequestTypeDef") -> ListTagsForResourceResult:
    """ListTagsForResource."""
    return {"tags": cast("list[TagTypeDef]", list(_resource(context, request["resourceArn"]).tags))}


def checked_tags(tags: "Sequence[TagTypeDef]") -> list[dict[str, Any]]:
    """The tags, once they keep AWS's rules (all three texts unconfirmed)."""
    result = {tag["Key"]: tag["Value"] for tag in tags}
    if len(result) != len(tags):
        raise InvalidTagParameterException("Duplicate tag keys found.")
    if len(result) > _MAX_TAGS:
        raise TooManyTagsException(f"The number of tags must be no more than {_MAX_TAGS}.")
    for key, value in result.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise InvalidTagParameterException(f"Invalid tag '{key}'.")
    return [{"Key": key, "Value": value} for key, value in result.items()]


def _resource(context: Context, arn: str) -> RepositoryRow:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "ecr" or parsed.kind != "repository":
        raise invalid("resourceArn", "Invalid ARN")
    row = context.session.get(RepositoryRow, arn)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise RepositoryNotFoundException(parsed.resource.partition("/")[2], parsed.account)
    return row

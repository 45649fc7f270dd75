"""Resource tags of public repositories."""

from typing import Any

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.errors import RepositoryNotFoundException, invalid
from emulator.ecr.repository_tags import checked_tags
from emulator.state.ecr import RepositoryRow


def tag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags, and gives those that are there new values."""
    row = _resource(context, request["resourceArn"])
    merged = {tag["Key"]: tag["Value"] for tag in (*row.tags, *checked_tags(request["tags"]))}
    row.tags = checked_tags([{"Key": key, "Value": value} for key, value in merged.items()])
    return {}


def untag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: keys that are not there are no error."""
    row = _resource(context, request["resourceArn"])
    row.tags = [tag for tag in row.tags if tag["Key"] not in request["tagKeys"]]
    return {}


def list_tags_for_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource."""
    return {"tags": list(_resource(context, request["resourceArn"]).tags)}


def _resource(context: Context, arn: str) -> RepositoryRow:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "ecr-public" or parsed.kind != "repository":
        raise invalid("resourceArn", "Invalid ARN")
    row = context.session.get(RepositoryRow, arn)
    if row is None or row.account != context.account:
        raise RepositoryNotFoundException(parsed.resource.partition("/")[2], parsed.account)
    return row

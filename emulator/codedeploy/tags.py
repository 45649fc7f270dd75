"""Tags of applications and deployment groups."""

from collections.abc import Mapping
from typing import Any

from emulator.arns import parse_arn
from emulator.codedeploy.applications import find_application
from emulator.codedeploy.deployment_groups import find_group
from emulator.codedeploy.errors import ArnNotSupportedException
from emulator.context import Context
from emulator.state.codedeploy import ApplicationRow, DeploymentGroupRow


def _tagged(context: Context, text: str) -> ApplicationRow | DeploymentGroupRow:
    arn = parse_arn(text)
    kind, _, name = arn.resource.partition(":") if arn is not None else ("", "", "")
    if kind == "application":
        return find_application(context, name)
    if kind == "deploymentgroup":
        application, _, group = name.partition("/")
        return find_group(context, application, group)
    raise ArnNotSupportedException(f"{text} is not the ARN of an application or a deployment group.")  # (unconfirmed)


def list_tags_for_resource(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """All tags of a resource."""
    return {"Tags": _tagged(context, request["ResourceArn"]).tags}


def tag_resource(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add tags, or give them other values."""
    row = _tagged(context, request["ResourceArn"])
    tags = {tag["Key"]: tag for tag in [*row.tags, *request["Tags"]]}
    row.tags = [dict(tag) for tag in tags.values()]
    return {}


def untag_resource(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take tags away."""
    row = _tagged(context, request["ResourceArn"])
    row.tags = [tag for tag in row.tags if tag["Key"] not in request["TagKeys"]]
    return {}

"""DescribeEnvironmentResources."""

from typing import TYPE_CHECKING, Any

from emulator.beanstalk.environment_finding import find_shown
from emulator.beanstalk.instances import living
from emulator.beanstalk.resources.queues import url_of
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import DescribeEnvironmentResourcesMessageTypeDef


def describe_environment_resources(
    context: Context, request: "DescribeEnvironmentResourcesMessageTypeDef"
) -> dict[str, Any]:
    """What an environment has in other services; what it has none of is an empty list."""
    row = find_shown(context, request)
    known = row.resources
    balancer, group = known.get("balancer"), known.get("group")
    found = {
        "EnvironmentName": row.name,
        "AutoScalingGroups": [{"Name": group}] if group else [],
        "Instances": [{"Id": item.id} for item in living(context, row.id)],
        "LaunchConfigurations": [],
        "LaunchTemplates": [
            {"Id": template["id"]}
            for number, template in (known.get("templates") or {}).items()
            if int(number) == row.generation
        ],
        "LoadBalancers": [{"Name": balancer["arn"]}] if balancer else [],
        "Triggers": [{"Name": alarm} for _, _, alarm in known.get("triggers") or []],
        "Queues": [
            {"Name": name, "URL": url_of(queue, row.account, context.emulator.port)}
            for name, queue in (known.get("queues") or {}).items()
        ],
    }
    return {"EnvironmentResources": found}


def is_made(row: EnvironmentRow) -> bool:
    """Whether its launch made what instances need; one that failed before made nothing to update."""
    return "group" in row.resources

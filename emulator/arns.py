"""Amazon Resource Names: the one place that takes them apart and puts them together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arn:
    """`arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; the resource keeps its own separators."""

    service: str
    region: str
    account: str
    resource: str
    partition: str = "aws"

    @property
    def kind(self) -> str:
        """The first part of the resource, such as `cluster` in `cluster/demo`."""
        return self.resource.partition("/")[0]

    @property
    def name(self) -> str:
        """The last part of the resource, such as the task id in `task/demo/0123…`."""
        return self.resource.rpartition("/")[2]

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn | None:
    """The parts of `text`, or None where it is not an ARN (callers then take it for a short name)."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    _, partition, service, region, account, resource = parts
    return Arn(service=service, region=region, account=account, resource=resource, partition=partition)


def partition_of(region: str) -> str:
    """The partition that holds `region`: `aws`, `aws-cn` or `aws-us-gov`."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def make_arn(service: str, region: str, account: str, resource: str) -> str:
    """The ARN of `resource` as text."""
    return f"arn:{partition_of(region)}:{service}:{region}:{account}:{resource}"

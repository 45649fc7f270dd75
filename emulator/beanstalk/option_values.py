"""The option settings that are in effect, as values: what was set, else the bundle's, else the default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.beanstalk.model import Policy, Settings

COMMAND = "aws:elasticbeanstalk:command"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
LAUNCH = "aws:autoscaling:launchconfiguration"
GROUP = "aws:autoscaling:asg"
TRIGGER = "aws:autoscaling:trigger"
SCHEDULED = "aws:autoscaling:scheduledaction:"
"""Followed by the name of an action: `values_of` gives the settings of each a namespace of its own."""
VPC = "aws:ec2:vpc"
INSTANCES = "aws:ec2:instances"
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
ROLLING = "aws:autoscaling:updatepolicy:rollingupdate"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
LISTENER = "aws:elbv2:listener:"
RULE = "aws:elbv2:listenerrule:"
BALANCER = "aws:elbv2:loadbalancer"
SQSD = "aws:elasticbeanstalk:sqsd"
PROXY = "aws:elasticbeanstalk:environment:proxy"

_CHECKS, _WORKER_CHECKS = 12, 18
"""Good checks in a row that an instance needs: two minutes, on the worker tier three (reference: beanstalk.md §5.2)."""
_DEFAULT_TYPE = "t3.micro"


@dataclass(frozen=True, slots=True)
class Values:
    """Namespace and name → value."""

    settings: Mapping[tuple[str, str], str]

    def get(self, namespace: str, name: str, default: str = "") -> str:
        """The value, or `default` where nothing was set or nothing stands there."""
        return self.settings.get((namespace, name)) or default

    def number(self, namespace: str, name: str, default: int) -> int:
        """A whole number; `default` where the value is none."""
        try:
            return int(self.get(namespace, name))
        except ValueError:
            return default

    def is_true(self, namespace: str, name: str, *, default: bool = False) -> bool:
        """A switch."""
        return self.get(namespace, name, "true" if default else "false").lower() == "true"

    def listed(self, namespace: str, name: str) -> tuple[str, ...]:
        """A list with commas."""
        return tuple(part.strip() for part in self.get(namespace, name).split(",") if part.strip())

    def named(self, prefix: str) -> tuple[str, ...]:
        """What follows `prefix` in the namespaces that begin so, in order."""
        return tuple(sorted({space.removeprefix(prefix) for space, _ in self.settings if space.startswith(prefix)}))

    def of(self, namespace: str) -> dict[str, str]:
        """Name → value of a namespace."""
        return {name: value for (space, name), value in self.settings.items() if space == namespace}

    @property
    def single(self) -> bool:
        """One instance, no load balancer."""
        return self.get(ENVIRONMENT, "EnvironmentType", "LoadBalanced") == "SingleInstance"

    @property
    def size(self) -> tuple[int, int]:
        """MinSize and MaxSize."""
        if self.single:
            return 1, 1
        return self.number(GROUP, "MinSize", 1), self.number(GROUP, "MaxSize", 4)

    @property
    def instance_type(self) -> str:
        """The first of InstanceTypes, else InstanceType."""
        types = self.listed(INSTANCES, "InstanceTypes")
        return types[0] if types else self.get(LAUNCH, "InstanceType", _DEFAULT_TYPE)

    @property
    def enhanced(self) -> bool:
        """Enhanced health reporting."""
        return self.get(HEALTH, "SystemType", "enhanced") == "enhanced"


def values_of(*layers: Iterable[Mapping[str, Any]]) -> Values:
    """The values of settings documents; later layers win."""
    found: dict[tuple[str, str], str] = {}
    for layer in layers:
        for item in layer:
            if item.get("Value") is not None:
                found[_space(item), item["OptionName"]] = str(item["Value"])
    return Values(found)


def _space(item: Mapping[str, Any]) -> str:
    space = str(item["Namespace"])
    scheduled = f"{space}:" == SCHEDULED and item.get("ResourceName")
    return f"{space}:{item['ResourceName']}" if scheduled else space


def deployment_settings(values: Values, *, worker: bool) -> Settings:
    """What the policies of deployments read."""
    minimum, maximum = values.size
    rolling = values.is_true(ROLLING, "RollingUpdateEnabled")
    checks = (_WORKER_CHECKS if worker else _CHECKS) if values.enhanced else 0
    return Settings(
        policy=Policy(values.get(COMMAND, "DeploymentPolicy", "AllAtOnce")),
        batch_size=values.number(COMMAND, "BatchSize", 100),
        batch_fixed=values.get(COMMAND, "BatchSizeType", "Percentage") == "Fixed",
        command_timeout=float(values.number(COMMAND, "Timeout", 600)),
        ignore_health=values.is_true(COMMAND, "IgnoreHealthCheck"),
        needed_checks=checks,
        new_version_percent=values.number(SPLITTING, "NewVersionPercent", 10),
        evaluation_seconds=60.0 * values.number(SPLITTING, "EvaluationTime", 5),
        rolling_update=values.get(ROLLING, "RollingUpdateType", "Time") if rolling else None,
        max_batch=values.number(ROLLING, "MaxBatchSize", max(1, -(-minimum // 3))),
        min_in_service=values.number(ROLLING, "MinInstancesInService", max(0, min(minimum, maximum - 1))),
        pause=seconds(values.get(ROLLING, "PauseTime", "PT0S")),
        update_timeout=seconds(values.get(ROLLING, "Timeout", "PT30M")),
        load_balanced=not values.single and not worker,
    )


def seconds(duration: str) -> float:
    """An ISO 8601 duration of hours, minutes and seconds (`PT1H30M`)."""
    total, digits = 0.0, ""
    for letter in duration.removeprefix("PT"):
        if letter in "HMS":
            total += float(digits or 0) * {"H": 3600, "M": 60, "S": 1}[letter]
            digits = ""
        else:
            digits += letter
    return total

"""Which logs of an environment go to CloudWatch Logs, and what their groups are called (reference: beanstalk.md §6.2, §7.4).

While logs are streamed, the row's `resources["log_paths"]` says how files of containers are called: `docker`, `ecs`, `language`.
"""

from collections.abc import Mapping
from typing import Any

from emulator.beanstalk.bundles.plan import MAIN
from emulator.beanstalk.option_values import Values

LOOP = "environment-streams"
LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
HEALTH_LOGS = "aws:elasticbeanstalk:cloudwatch:logs:health"
PATHS = "log_paths"
_DAYS = 7


def streams_logs(values: Values) -> bool:
    """Whether the files of instances are streamed."""
    return values.is_true(LOGS, "StreamLogs")


def streams_health(values: Values) -> bool:
    """Whether reports of enhanced health are."""
    return values.enhanced and values.is_true(HEALTH_LOGS, "HealthStreamingEnabled")


def retention(values: Values, namespace: str) -> int:
    """Days for which the groups of a namespace keep what is in them."""
    return values.number(namespace, "RetentionInDays", _DAYS)


def files_prefix(environment: str) -> str:
    """What the groups of files begin with."""
    return f"/aws/elasticbeanstalk/{environment}/var/log/"


def engine_group(environment: str) -> str:
    """Of the instances' own agent."""
    return f"{files_prefix(environment)}eb-engine.log"


def health_group(environment: str) -> str:
    """Of reports of enhanced health."""
    return f"/aws/elasticbeanstalk/{environment}/environment-health.log"


def container_group(environment: str, resources: Mapping[str, Any], container: str) -> str | None:
    """Of what a container writes; None: it is not streamed. Names but those of single containers are (unconfirmed)."""
    match resources.get(PATHS):
        case "docker":
            called = "current-app" if container == MAIN else container.removeprefix("eb-")
            file = f"eb-docker/containers/eb-{called}/stdouterr.log"
        case "ecs":
            file = f"containers/{container}-stdouterr.log"
        case "language":
            file = f"{'web' if container == MAIN else container}.stdout.log"
        case _:
            return None
    return f"{files_prefix(environment)}{file}"

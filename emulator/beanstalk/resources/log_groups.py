"""The steps that begin and end the streaming of logs to CloudWatch Logs."""

from emulator.beanstalk.log_streams import (
    HEALTH_LOGS,
    LOGS,
    PATHS,
    files_prefix,
    health_group,
    streams_logs,
)
from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.step import Made
from emulator.neighbours.environment_ports import EnvironmentResources

_PATHS = {Trait.DOCKER: "docker", Trait.ECS: "ecs"}


def note(_resources: EnvironmentResources, facts: Facts) -> Made:
    """From now on new containers write to their groups, or to none."""
    return Made({PATHS: _PATHS.get(facts.trait, "language") if streams_logs(facts.values) else None})


def remove(resources: EnvironmentResources, facts: Facts) -> Made:
    """Groups that are to go with their environment."""
    for namespace, prefix in ((LOGS, files_prefix(facts.name)), (HEALTH_LOGS, health_group(facts.name))):
        if facts.values.is_true(namespace, "DeleteOnTerminate"):
            resources.delete_logs(facts.place, prefix)
    return Made()


def goes(facts: Facts) -> bool:
    """Whether any are to go."""
    return any(facts.values.is_true(namespace, "DeleteOnTerminate") for namespace in (LOGS, HEALTH_LOGS))

"""What tasks of a service are made from: its deployment, or a task set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.ecs.cluster_capacity_providers import launch_type_of_strategy
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskSetRow


@dataclass(frozen=True, slots=True)
class Recipe:
    """What tasks are made from."""

    id: str
    """`ecs-svc/…`, which they bear as their deployment."""
    task_definition_arn: str
    launch_type: str
    network_configuration: Mapping[str, Any] | None
    target_groups: Sequence[Mapping[str, Any]] = ()
    """targetGroupArn, containerName and containerPort of each."""
    strategy: Sequence[Mapping[str, Any]] = ()
    """Of capacity providers; empty where the launch type says it all."""
    task_set: bool = False
    """Whether it is a task set of another controller."""


def recipe_of(service: ServiceRow, row: DeploymentRow) -> Recipe:
    """The tasks of a deployment."""
    network, groups = row.body.get("networkConfiguration"), row.body.get("targetGroups", ())
    strategy = service.body.get("capacityProviderStrategy", ())
    return Recipe(row.id, row.task_definition_arn, service.launch_type, network, groups, strategy)


def task_set_recipe(row: TaskSetRow) -> Recipe:
    """The tasks of a task set."""
    network, groups = row.body.get("networkConfiguration"), row.body.get("loadBalancers", ())
    strategy = row.body.get("capacityProviderStrategy", ())
    launch_type = launch_type_of_strategy(strategy) if strategy else row.body["launchType"]
    return Recipe(row.id, row.task_definition_arn, launch_type, network, groups, strategy, task_set=True)

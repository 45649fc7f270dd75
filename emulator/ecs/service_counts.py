"""What the counts of a service's tasks decide without a look at the tasks: most passes over a service of thousands.

A service is woken by each batch of its tasks that comes up; a look at all of them each time would cost more than the starts.
"""

from collections.abc import Sequence

from emulator.context import Context
from emulator.ecs.breaker import quiet
from emulator.ecs.deployment_alarms import enabled
from emulator.ecs.service_tasks import is_checked
from emulator.ecs.zone_balance import moving_to, stays_put
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow, TaskDefinitionRow
from scheduler.reconcile.service import Decision, grow, settled
from scheduler.reconcile.tally import Tally


def at_rest(context: Context, service: ServiceRow) -> bool:
    """Whether the service was steady and still is."""
    if not service.steady or service.status != "ACTIVE" or not _wants_a_number(service):
        return False
    found = _as_wanted(context, service)
    return found is not None and found <= {"RUNNING"}


def awaits_starts(context: Context, service: ServiceRow, deployments: Sequence[DeploymentRow]) -> bool:
    """Whether all tasks wanted are there and some only have to come up: nothing is to be decided until they have."""
    if service.status != "ACTIVE" or len(deployments) != 1 or not _wants_a_number(service):
        return False
    found = _as_wanted(context, service, deployments[0].id)
    return bool(found and found - {"RUNNING"})


def growth(
    context: Context,
    service: ServiceRow,
    deployments: Sequence[DeploymentRow],
    rollout: ServiceDeploymentRow | None,
) -> Decision | None:
    """The step of a service that only lacks tasks; None where its tasks have to be looked at."""
    tally = _plain(context, service, deployments, rollout)
    if tally is None or tally.total >= service.desired_count:
        return None
    return grow(service.desired_count, tally.total, service.body["deploymentConfiguration"]["maximumPercent"])


def has_settled(
    context: Context,
    service: ServiceRow,
    deployments: Sequence[DeploymentRow],
    rollout: ServiceDeploymentRow | None,
) -> Decision | None:
    """The step of a service that has all it wants, and did not have it before; None where its tasks have to be looked at."""
    tally = _plain(context, service, deployments, rollout)
    if tally is None or tally.total != service.desired_count:
        return None
    definition = context.session.get_one(TaskDefinitionRow, deployments[0].task_definition_arn)
    if not tally.well(checked=is_checked(definition)) or not stays_put(context, service, deployments[0]):
        return None
    return settled()


def _plain(
    context: Context,
    service: ServiceRow,
    deployments: Sequence[DeploymentRow],
    rollout: ServiceDeploymentRow | None,
) -> Tally | None:
    """The tally of a service whose tasks need nothing, all of its one deployment; None where that is not so."""
    if service.status != "ACTIVE" or len(deployments) != 1 or not _wants_a_number(service):
        return None
    primary, tallies = deployments[0], context.emulator.tallies
    if primary.rollout_state == "FAILED" or moving_to(primary) is not None or _watched(rollout, primary):
        return None
    tally = tallies.of(context.session, service.arn)
    return tally if tally.plain(tallies.draining(context.session, service.cluster_arn), primary.id) else None


def _watched(rollout: ServiceDeploymentRow | None, primary: DeploymentRow) -> bool:
    """Whether how its tasks fare may end the deployment now."""
    return rollout is not None and (enabled(rollout) or not quiet(rollout, primary))


def _wants_a_number(service: ServiceRow) -> bool:
    """Otherwise how many tasks are wanted is for hosts or task sets to say, and how they are for load balancers."""
    if service.body.get("loadBalancers"):
        return False
    return service.scheduling_strategy != "DAEMON" and service.body["deploymentController"]["type"] == "ECS"


def _as_wanted(context: Context, service: ServiceRow, deployment_id: str | None = None) -> set[str] | None:
    """The statuses of the tasks where as many as desired are wanted, none of them failing or leaving its host; else None.

    Where a deployment is named, all must be its own.
    """
    emulator = context.emulator
    tally = emulator.tallies.of(context.session, service.arn)
    draining = emulator.tallies.draining(context.session, service.cluster_arn)
    if tally.total != service.desired_count or not tally.plain(draining, deployment_id, protected=True):
        return None
    return set(tally.statuses())

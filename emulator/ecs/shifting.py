"""One step of a service whose deployment shifts traffic: each revision's tasks by themselves, then the deployment.

Green is the PRIMARY deployment. Blue, which serves production until the shift, keeps its tasks until the end; what is left
of deployments that were superseded on their way goes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from emulator.context import Context
from emulator.ecs import lifecycle_hooks, rollouts
from emulator.ecs.breaker import watch
from emulator.ecs.deployment_alarms import watch_alarms
from emulator.ecs.deployments import retire
from emulator.ecs.recipes import recipe_of
from emulator.ecs.routing import RoutingError, check_rules, route
from emulator.ecs.service_steps import carry_out
from emulator.ecs.service_tasks import LiveTask, view_of
from emulator.ecs.service_wakes import look_again
from emulator.ecs.shift_plans import enter, note_shifted, note_wait, place_of, plan_of, shift_of
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.service import Decision, step
from scheduler.reconcile.service_view import ServiceView
from scheduler.reconcile.traffic_shift import Done, GiveUp, Go, Stage, Wait, weights
from scheduler.reconcile.traffic_shift import step as next_place

_GREEN_FROM = frozenset(Stage) - {Stage.RECONCILE_SERVICE, Stage.PRE_SCALE_UP}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pass looks at."""

    service: ServiceRow
    deployments: Sequence[DeploymentRow]
    """PRIMARY first."""
    tasks: Sequence[LiveTask]
    may_start: bool

    @property
    def green(self) -> DeploymentRow:
        """What is deployed."""
        return self.deployments[0]


def step_each(
    context: Context, seen: Seen, rollout: ServiceDeploymentRow | None, wanted: Mapping[str, int]
) -> dict[str, tuple[ServiceView, Decision]]:
    """Bring the tasks of every deployment nearer to the number that is wanted of it."""
    found = {}
    for deployment in seen.deployments:
        own = [task for task in seen.tasks if task.deployment_id == deployment.id]
        desired = wanted[deployment.id]
        if deployment.desired_count != desired:
            deployment.desired_count, deployment.updated_at = desired, context.now
        recipe, may_start = recipe_of(seen.service, deployment), seen.may_start and deployment.rollout_state != "FAILED"
        view = view_of(context, seen.service, recipe, own, may_start=may_start, desired=desired)
        decision = step(view)
        carry_out(context, seen.service, recipe, decision, rollout if deployment is seen.green else None)
        found[deployment.id] = (view, decision)
    return found


def shift(context: Context, seen: Seen, rollout: ServiceDeploymentRow) -> Decision | None:
    """Take the deployment a step on; what was decided of green's tasks, or None where the deployment was given up."""
    if rollout.stage is None:
        enter(context, rollout, place_of(rollout))
    blue = _blue(context, seen, rollout)
    view, decision = step_each(context, seen, rollout, _wanted(seen, rollout, blue))[seen.green.id]
    if given_up(context, seen.service, rollout, seen.green, view):
        return None
    again = lifecycle_hooks.expire(context, rollout)
    if again is not None:
        look_again(context, seen.service, again)
    reason = lifecycle_hooks.failure(rollout) or _routed(context, seen, rollout, blue)
    reason = reason or _go_on(context, seen, rollout, blue, view)
    if reason is not None:
        _give_up(context, seen.service, rollout, reason)
        return None
    return decision


def given_up(
    context: Context, service: ServiceRow, rollout: ServiceDeploymentRow, primary: DeploymentRow, view: ServiceView
) -> bool:
    """Whether the circuit breaker or an alarm ends the deployment now."""
    if watch(context, service, rollout, primary, view):
        return True
    runs = any(task.primary and task.running_for is not None for task in view.tasks)
    return watch_alarms(context, service, rollout, runs=runs)


def _routed(context: Context, seen: Seen, rollout: ServiceDeploymentRow, blue: DeploymentRow | None) -> str | None:
    """Have traffic go where the deployment's place wants it; why that is not possible."""
    wanted = weights(plan_of(rollout), place_of(rollout))
    try:
        if "receiver" not in rollout.progress:  # nothing was moved yet
            check_rules(context, seen.service, rollout)
        route(context, seen.service, seen.green, wanted)
    except RoutingError as error:
        return str(error)
    note_shifted(context, rollout, wanted, seen.green.id, None if blue is None else blue.id)
    return None


def _go_on(
    context: Context, seen: Seen, rollout: ServiceDeploymentRow, blue: DeploymentRow | None, view: ServiceView
) -> str | None:
    """To the next place, if nothing keeps the deployment in its own; why it must be given up."""
    place = place_of(rollout)
    leaving = [row.id for row in seen.deployments[1:] if place.stage is Stage.CLEAN_UP or row is not blue]
    looked = shift_of(
        context,
        rollout,
        ready=view.desired <= sum(view.healthy(task) for task in view.tasks),
        alone=not any(task.up for task in seen.tasks if task.deployment_id in leaving),
        hooks_passed=lifecycle_hooks.passed(rollout),
    )
    match next_place(looked):
        case Go(following):
            if place.stage is Stage.RECONCILE_SERVICE:
                for row in seen.deployments[1:]:
                    if row is not blue:
                        retire(context, row)
            enter(context, rollout, following)
            context.wake("services", seen.service.arn)
        case Wait(why, seconds):
            note_wait(rollout, why)
            if seconds is not None:
                look_again(context, seen.service, context.now + timedelta(seconds=seconds))
        case GiveUp():
            return f"the lifecycle stage {place.stage} took longer than 24 hours."  # (unconfirmed) text
        case Done():
            for row in seen.deployments[1:]:
                retire(context, row)
    return None


def finished(rollout: ServiceDeploymentRow, seen: Seen) -> bool:
    """Whether the deployment is at the end of its way."""
    plan = plan_of(rollout)
    return rollout.stage == plan.stages[-1].value and all(row.status == "INACTIVE" for row in seen.deployments[1:])


def _blue(context: Context, seen: Seen, rollout: ServiceDeploymentRow) -> DeploymentRow | None:
    """What served production when the deployment began; on the way back what was green then."""
    if rollout.progress.get("back"):
        return next((row for row in seen.deployments if row.id == rollout.deployment_id), None)
    return rollouts.serving(context, seen.service, seen.deployments[1:])


def _wanted(seen: Seen, rollout: ServiceDeploymentRow, blue: DeploymentRow | None) -> dict[str, int]:
    """How many tasks each deployment is to have."""
    stage, desired = place_of(rollout).stage, seen.service.desired_count
    wanted = dict.fromkeys((row.id for row in seen.deployments), 0)
    wanted[seen.green.id] = desired if stage in _GREEN_FROM else 0
    if blue is not None and stage is not Stage.CLEAN_UP:
        alive = sum(task.wanted for task in seen.tasks if task.deployment_id == blue.id)
        kept = rollout.progress.get("back") or blue.rollout_state != "COMPLETED"  # and not made up for
        wanted[blue.id] = min(alive, desired) if kept else desired
    return wanted


def _give_up(context: Context, service: ServiceRow, rollout: ServiceDeploymentRow, because: str) -> None:
    cause = rollouts.Cause(  # (unconfirmed) texts of the rollout state
        because, "ECS deployment failed.", "ECS deployment failed: rolling back to deploymentId {id}."
    )
    if rollout.status == rollouts.Status.ROLLBACK_IN_PROGRESS:
        rollouts.stall(context, service, rollout, cause, rollouts.Status.ROLLBACK_FAILED)
    else:
        rollouts.roll_back(context, service, rollout, cause)

"""The loop `services`: brings each service a step nearer to what it asks for.

A pass is one transaction: rows are read, the pure `step` decides, tasks are written or told to stop. Nothing is polled:
a service is woken by its tasks, by hosts, by requests, and by the clock where `step` says when to look again.
"""

from collections.abc import Sequence

from sqlalchemy import select

from emulator.codedeploy.loop import CodeDeployments
from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs import service_events as events
from emulator.ecs.alarm_wakes import wake_watchers
from emulator.ecs.daemon_hosts import daemon_view
from emulator.ecs.deployment_alarms import baked
from emulator.ecs.deployments import complete, living, retire
from emulator.ecs.external import reconcile_task_sets
from emulator.ecs.first_deployments import waits_for_first
from emulator.ecs.hook_calls import HookCalls
from emulator.ecs.hook_targets import HookTargets, NoTargets
from emulator.ecs.recipes import recipe_of
from emulator.ecs.service_counts import at_rest, awaits_starts, growth, has_settled
from emulator.ecs.service_events import tell
from emulator.ecs.service_failures import count_failures, held_until
from emulator.ecs.service_steps import carry_out
from emulator.ecs.service_targets import attend
from emulator.ecs.service_tasks import LiveTask, live_tasks, view_of
from emulator.ecs.service_wakes import TargetWatch, look_again
from emulator.ecs.services import drain
from emulator.ecs.shift_plans import shifts_traffic
from emulator.ecs.shifting import Seen, finished, given_up, shift, step_each
from emulator.ecs.zone_balance import begin_move, end_move, lopsided, moving_to, rebalances
from emulator.emulator import Emulator
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.daemon import step as step_daemon
from scheduler.reconcile.service import Decision, in_zone, step
from scheduler.reconcile.service_view import ServiceView


class Controller:
    """Reconciles services."""

    def __init__(self, emulator: Emulator, targets: HookTargets | None = None) -> None:
        self._emulator = emulator
        self._targets = TargetWatch(emulator)
        self._hooks = HookCalls(emulator, targets or NoTargets())
        self._code_deploy = CodeDeployments(emulator, targets or NoTargets())
        emulator.loops.add("services", self.handle, batch=1)
        emulator.neighbours.watch_alarms(self._alarms_changed)

    def start(self) -> None:
        """Wake every service that is not gone."""
        with self._emulator.store.begin() as session:
            arns = session.scalars(select(ServiceRow.arn).where(ServiceRow.status != "INACTIVE")).all()
        self._emulator.loops.wake("services", *arns)
        self._hooks.start()
        self._code_deploy.start()

    def _alarms_changed(self, account: str, region: str) -> None:
        with self._emulator.transaction(account, region) as context:
            wake_watchers(context)

    async def handle(self, arns: list[str]) -> None:
        """One step for each service, each in a transaction of its own."""
        for arn in arns:
            with self._emulator.store.begin() as session:
                row = session.get(ServiceRow, arn)
                if row is not None and row.status != "INACTIVE":
                    self._targets.note(session, row)
                    role = f"arn:aws:iam::{row.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
                    request_id = self._emulator.ids.uuid()
                    context = Context(session, row.account, row.region, role, request_id, self._emulator)
                    if not waits_for_first(context, row):
                        reconcile(context, row)


def reconcile(context: Context, service: ServiceRow) -> None:
    """One step of one service."""
    if at_rest(context, service) and not lopsided(context, service):
        return
    if service.body["deploymentController"]["type"] != "ECS":
        reconcile_task_sets(context, service)
        return
    rollout = rollouts.current(context, service.arn)
    if rollout is not None and rollouts.answer(context, service, rollout):
        return  # another deployment is the PRIMARY one now, or none: that is for the next pass
    deployments = living(context, service)
    staged = shifts_traffic(rollout) or rollouts.halted(context, service, deployments)
    early = rollouts.early_success(rollout) is not None
    if not staged and not early and awaits_starts(context, service, deployments):
        return
    count_failures(context, service, deployments)
    held = held_until(context, service)
    by_counts = not (staged or early) and held is None
    if by_counts and _known_by_counts(context, service, deployments, rollout):
        return
    tasks = live_tasks(context, service)
    if any(row.body.get("targetGroups") for row in deployments) or service.body.get("loadBalancers"):
        tasks = attend(context, service, [recipe_of(service, row) for row in deployments], tasks)
    if held is not None:
        look_again(context, service, held)
    may_start = service.status == "ACTIVE" and held is None
    seen = Seen(service, deployments, tasks, may_start)
    if service.status == "ACTIVE" and staged:
        _shift(context, seen, rollout)
    else:
        _roll(context, seen, rollout)
    if service.status == "DRAINING":
        drain(context, service)


def _known_by_counts(
    context: Context,
    service: ServiceRow,
    deployments: Sequence[DeploymentRow],
    rollout: ServiceDeploymentRow | None,
) -> bool:
    """Take the step of a service that only lacks tasks, or lacks nothing any more; whether it is one."""
    grows = growth(context, service, deployments, rollout)
    if grows is not None:
        carry_out(context, service, recipe_of(service, deployments[0]), grows, rollout)
        service.steady = False
        return True
    found = has_settled(context, service, deployments, rollout)
    if found is not None:
        _report(context, service, deployments[0], found, rollout, alone=True)
    return found is not None


def _shift(context: Context, seen: Seen, rollout: ServiceDeploymentRow | None) -> None:
    """A deployment that goes by stages, or what such a one left where it was stopped."""
    if rollout is None:
        step_each(context, seen, None, {row.id: row.desired_count for row in seen.deployments})
        seen.service.steady = False
        return
    found = shift(context, seen, rollout)
    if found is not None:
        ended = finished(rollout, seen)
        _report(context, seen.service, seen.green, found, rollout if ended else None, alone=ended)


def _roll(context: Context, seen: Seen, rollout: ServiceDeploymentRow | None) -> None:
    """Replace task after task."""
    service, primary = seen.service, seen.green
    may_start = seen.may_start and primary.rollout_state != "FAILED"
    zone = moving_to(primary)
    desired = service.desired_count + (zone is not None)
    view = view_of(context, service, recipe_of(service, primary), seen.tasks, may_start=may_start, desired=desired)
    if rollout is not None and given_up(context, service, rollout, primary, view):
        return
    daemon = service.scheduling_strategy == "DAEMON"
    found = step_daemon(daemon_view(context, service, primary, seen.tasks, view)) if daemon else step(view)
    if zone is not None:
        found = in_zone(found, zone, view)
    carry_out(context, service, recipe_of(service, primary), found, rollout)
    old = _retire_empty(context, seen.deployments, seen.tasks)
    if service.status == "ACTIVE":
        if found.steady and not old and _rebalanced(context, seen, view):
            return
        criteria = rollouts.early_success(rollout)
        early = criteria is not None and criteria.reached(view, service.desired_count, cleaned_up=not old)
        done = baked(context, service, rollout, steady=early or (found.steady and not old))
        if early and done:
            _complete(context, service, primary, rollout)
        done = done and not old
        _report(context, service, primary, found, rollout if done else None, alone=done)


def _rebalanced(context: Context, seen: Seen, view: ServiceView) -> bool:
    """Whether a task is being moved to another zone: the service is not steady until none is."""
    service, primary = seen.service, seen.green
    if moving_to(primary) is not None:
        end_move(context, service, primary, view)
    elif (
        primary.rollout_state != "COMPLETED"
        or not rebalances(service)
        or not begin_move(context, service, primary, view)
    ):
        return False
    service.steady = False
    return True


def _retire_empty(
    context: Context, deployments: Sequence[DeploymentRow], tasks: Sequence[LiveTask]
) -> list[DeploymentRow]:
    """Drop older deployments without tasks that run or are about to; those that stay."""
    busy = {task.deployment_id for task in tasks if task.up}
    old = [deployment for deployment in deployments if deployment.status == "ACTIVE"]
    for deployment in old:
        if deployment.id not in busy:
            retire(context, deployment)
    return [deployment for deployment in old if deployment.id in busy]


def _report(
    context: Context,
    service: ServiceRow,
    primary: DeploymentRow,
    found: Decision,
    rollout: ServiceDeploymentRow | None,
    *,
    alone: bool,
) -> None:
    if found.blocked:
        tell(context, service, events.BLOCKED)
    if found.held_by_protection:
        tell(context, service, events.held_by_protection(primary.id))
    steady = found.steady and alone
    if steady and not service.steady:
        service.unhealthy_streak, service.start_not_before = 0, None
        _complete(context, service, primary, rollout)
        tell(context, service, events.STEADY)
    service.steady = steady


def _complete(
    context: Context, service: ServiceRow, primary: DeploymentRow, rollout: ServiceDeploymentRow | None
) -> None:
    if primary.rollout_state == "IN_PROGRESS":
        complete(context, primary)
        rollouts.carried_out(context, service, rollout)
        tell(context, service, events.completed(primary.id))

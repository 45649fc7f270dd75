"""How the balancer has the instances of an environment: registered, deregistered, in service."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from emulator.balancer.ports import Balancer, Target, TargetGroupNotFoundError, TargetKey
from emulator.beanstalk.option_values import values_of
from emulator.beanstalk.resources.processes import port_of
from emulator.context import Context
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from scheduler.beanstalk.model import Fleet, Serving

Groups = Callable[[BeanstalkInstanceRow], Iterable[str]]
"""An instance → ARNs of target groups."""
_STATES = {"healthy": Serving.IN_SERVICE, "draining": Serving.DRAINING}


def groups_of(row: EnvironmentRow, fleet: str) -> dict[str, str]:
    """Process → target group, for instances of a fleet: a temporary one may have its own."""
    found: dict[str, str] = dict(row.resources.get("target_groups") or {})
    own = (row.resources.get("temporary") or {}).get("target_group")
    if fleet == Fleet.TEMPORARY and own:
        found["default"] = own
    return found


def register(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow]) -> None:
    """Put instances into the balancer."""
    values = values_of(row.bundle_settings, row.settings)
    simulated = context.emulator.runtime.kind == "simulated"
    for item in instances:
        host = context.session.get_one(ContainerInstanceRow, item.host_arn)
        for process, arn in groups_of(row, item.fleet).items():
            key = TargetKey(item.id, port_of(values, process))
            _balancer(context).register_targets(
                _own(context, row), arn, [Target(key, host.zone, revision_of(item), simulated)]
            )


def complete(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow]) -> None:
    """Instances that the balancer has are targets of every process, also of one that settings have just added."""
    for item in instances:
        if item.leaving or serving_of(context, row, item) not in {Serving.WAITING, Serving.IN_SERVICE}:
            continue
        balancer, own = _balancer(context), _own(context, row)
        known = (balancer.target_health(own, arn) for arn in groups_of(row, item.fleet).values())
        if not all(any(key.id == item.id for key in found) for found in known):
            register(context, row, [item])


def revision_of(item: BeanstalkInstanceRow) -> str:
    """What requests to an instance are counted for, and what a simulated one answers: itself and its version."""
    return f"{item.id} {item.version_label or 'Sample Application'}"


def deregister(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow]) -> None:
    """Take instances out of the balancer; they drain."""
    _leave(context, row, instances, lambda item: groups_of(row, item.fleet).values())


def deregister_everywhere(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow]) -> None:
    """Take instances out of every target group of the environment."""
    _leave(context, row, instances, lambda _item: [*groups_of(row, Fleet.PERMANENT).values(), *_own_group(row)])


def leave_own_group(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow]) -> None:
    """Take instances out of the target group of the temporary fleet."""
    _leave(context, row, instances, lambda _item: _own_group(row))


def _own_group(row: EnvironmentRow) -> Sequence[str]:
    own = (row.resources.get("temporary") or {}).get("target_group")
    return [own] if own else []


def serving_of(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> Serving:
    """How the balancer has an instance; without one, whether its application runs."""
    arn = groups_of(row, item.fleet).get("default")
    if arn is None:
        task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
        runs = task is not None and task.last_status == "RUNNING" and task.desired_status == "RUNNING"
        return Serving.IN_SERVICE if runs and item.command == "Succeeded" else Serving.OUT
    found = _balancer(context).target_health(_own(context, row), arn)
    states = [health.state for key, health in found.items() if key.id == item.id]
    return _STATES.get(states[0], Serving.WAITING) if states else Serving.OUT


def has_drained(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow, *, own: bool = False) -> bool:
    """Nothing of the balancer's is under way at an instance that has left it (`own`: the temporary fleet's group only)."""
    for arn in _own_group(row) if own else [*groups_of(row, Fleet.PERMANENT).values(), *_own_group(row)]:
        found = _balancer(context).target_health(_own(context, row), arn)
        for key, health in found.items():
            if key.id == item.id and not (health.state == "draining" and health.drained):
                return False
    return True


def _leave(context: Context, row: EnvironmentRow, instances: Iterable[BeanstalkInstanceRow], groups: Groups) -> None:
    for item in instances:
        for arn in groups(item):
            found = _balancer(context).target_health(_own(context, row), arn)
            keys = [key for key in found if key.id == item.id]
            try:
                _balancer(context).deregister_targets(_own(context, row), arn, keys)
            except TargetGroupNotFoundError:
                continue


def _balancer(context: Context) -> Balancer:
    found = context.emulator.balancer
    assert found is not None  # noqa: S101 - servers have one
    return found


def _own(context: Context, row: EnvironmentRow) -> Context:
    """On behalf of the environment's account: its target groups are there."""
    return replace(context, account=row.account, region=row.region)

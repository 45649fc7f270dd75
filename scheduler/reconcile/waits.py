"""What a service waits for, in words."""

from collections.abc import Callable, Iterable

from scheduler.reconcile.service_view import ServiceTask, ServiceView


def waits(service: ServiceView) -> tuple[str, ...]:
    """One sentence for everything that keeps the service from being as desired; none where nothing does."""
    present = sum(task.primary and not task.draining for task in service.tasks)
    found = [
        _told(service.desired - present, "is missing", "are missing", f" ({service.desired} are desired)"),
        _told(_count(service, _starts), "is not RUNNING yet", "are not RUNNING yet"),
        _told(_count(service, _unknown), "has not answered its health check yet", "have not answered their checks yet"),
        _settling(service),
        _told(_count(service, service.failing), "fails its health checks", "fail their health checks"),
        _older(service),
        _told(sum(task.held for task in service.tasks), "is protected", "are protected", _protection(service)),
        _told(service.stopping, "is stopping", "are stopping"),
    ]
    held = [] if service.may_start else ["Starts are held back."]
    return (*(line for line in found if line), *held)


def _starts(task: ServiceTask) -> bool:
    """It is on its way to RUNNING."""
    return task.running_for is None


def _unknown(task: ServiceTask) -> bool:
    return task.running_for is not None and task.health == "UNKNOWN"


def _count(service: ServiceView, what: Callable[[ServiceTask], bool]) -> int:
    return sum(what(task) for task in service.tasks if task.primary)


def _told(count: int, one: str, many: str, more: str = "") -> str:
    if count <= 0:
        return ""
    return f"1 task {one}{more}." if count == 1 else f"{count} tasks {many}{more}."


def _settling(service: ServiceView) -> str:
    young = [
        task.running_for
        for task in service.tasks
        if task.primary and task.running_for is not None and task.health is None and not service.healthy(task)
    ]
    if not young:
        return ""
    left = service.settling - min(young)
    return f"{len(young)} of the new tasks run for less than {service.settling:g} s; they count in {left:.0f} s."


def _older(service: ServiceView) -> str:
    older = sum(not task.primary for task in service.tasks)
    if not older:
        return ""
    return _told(older, "is", "are", f" of an older deployment; at least {service.minimum_healthy} must stay healthy")


def _protection(service: ServiceView) -> str:
    return f", the last for {max(_held(service.tasks), default=0.0):.0f} s"


def _held(tasks: Iterable[ServiceTask]) -> list[float]:
    return [task.protected_for for task in tasks if task.held]

"""When a rolling deployment is successful before the service is stable: enough of its tasks are healthy."""

from dataclasses import dataclass

from scheduler.reconcile.service_view import ServiceView


@dataclass(frozen=True, slots=True)
class EarlySuccess:
    """`earlySuccessCriteria`."""

    healthy_percent: int
    """Of the tasks desired, rounded up (unconfirmed)."""
    waits_for_cleanup: bool
    """BLOCKING: the tasks of older revisions must have gone, too; DEFERRED: they go afterwards."""

    def reached(self, service: ServiceView, desired: int, *, cleaned_up: bool) -> bool:
        """Whether so many tasks of the PRIMARY deployment are healthy, and what else is waited for has come."""
        healthy = sum(task.primary and service.healthy(task) for task in service.tasks)
        return healthy >= -(-desired * self.healthy_percent // 100) and (cleaned_up or not self.waits_for_cleanup)

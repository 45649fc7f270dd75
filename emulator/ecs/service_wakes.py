"""What makes a service be looked at again beside its tasks and requests: the clock, and the health of its targets."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from emulator.balancer.ports import TargetKey
from emulator.context import Context
from emulator.ecs.task_targets import look_at_drains
from emulator.emulator import Emulator
from emulator.state.ecs import ServiceRow, TaskRow, TaskSetRow


def look_again(context: Context, service: ServiceRow, at: datetime) -> None:
    """Have the service looked at once the clock shows `at`."""
    context.after_commit(lambda: context.emulator.loops.wake_at("services", service.arn, at))


class TargetWatch:
    """Wakes the services, and the tasks that drain, of a target group in which something changed."""

    def __init__(self, emulator: Emulator) -> None:
        self._services: defaultdict[str, set[str]] = defaultdict(set)
        """Target group → services that use it, or did since the start of the server: each is noted when it is woken first."""
        if emulator.balancer is not None:
            emulator.balancer.watch_health(self.changed)

    def note(self, session: Session, service: ServiceRow) -> None:
        """Remember which target groups a service uses."""
        items = service.body.get("loadBalancers", [])
        if service.body["deploymentController"]["type"] != "ECS":
            rows = session.scalars(select(TaskSetRow).where(TaskSetRow.service_arn == service.arn))
            items = [*items, *(item for row in rows for item in row.body.get("loadBalancers", []))]
        for item in items:
            alternate = item.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
            for arn in filter(None, (item["targetGroupArn"], alternate)):
                self._services[arn].add(service.arn)

    def changed(self, context: Context, target_group_arn: str, key: TargetKey) -> None:
        """A target's state changed (see `Balancer.watch_health`)."""
        services = self._services.get(target_group_arn)
        if not services:
            return
        context.wake("services", *services)
        leaving = select(TaskRow).where(
            TaskRow.service_arn.in_(services), TaskRow.desired_status == "STOPPED", TaskRow.last_status != "STOPPED"
        )
        for row in context.session.scalars(leaving):
            mine = any(item["id"] == key.id and item["port"] == key.port for item in row.targets)
            if mine and look_at_drains(context, row):
                context.wake("tasks", row.arn)

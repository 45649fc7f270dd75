"""Auto Scaling groups that are values: moto answers the same, a second later."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from emulator.ecs.capacity import Capacity
from emulator.neighbours.capacity_ports import GroupInstance, ScalingGroup
from scheduler.reconcile.group_schedules import GroupAction, Size
from tests.emulator.ecs.services_playing import ServicesPlaying, services_playing

GROUP_ARN = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0:autoScalingGroupName/"


@dataclass(slots=True)
class FixedGroups:
    """Groups by name."""

    known: dict[str, ScalingGroup] = field(default_factory=dict)
    hooked: set[str] = field(default_factory=set)

    def add(self, name: str, **members: object) -> str:
        """A group of m5.large without instances; its ARN."""
        group = ScalingGroup(name, 0, 10, 0, "m5.large", protects_new=False, instances=())
        self.known[name] = replace(group, **members)  # type: ignore[arg-type]  # members of the group
        return GROUP_ARN + name

    def group(self, account: str, region: str, name: str) -> ScalingGroup | None:
        del account, region
        return self.known.get(name)

    def resize_group(self, account: str, region: str, name: str, desired: int, policy: str) -> None:
        del account, region, policy
        self.known[name] = replace(self.known[name], desired=desired)

    def protect(self, account: str, region: str, name: str, instance_ids: Collection[str], *, protected: bool) -> None:
        del account, region
        group = self.known[name]
        instances = tuple(
            replace(item, protected=protected) if item.id in instance_ids else item for item in group.instances
        )
        self.known[name] = replace(group, instances=instances)

    def hook_terminations(self, account: str, region: str, name: str, *, wanted: bool) -> None:
        del account, region
        (self.hooked.add if wanted else self.hooked.discard)(name)

    def scheduled(self, account: str, region: str) -> list[GroupAction]:
        """There are no actions here."""
        del account, region
        return []

    def carry_out_action(self, account: str, region: str, action: GroupAction, size: Size) -> None:
        """There are none."""
        del account, region, action, size

    def carry_out_policy(
        self, account: str, region: str, arn: str, alarm: str, now: datetime
    ) -> tuple[str, int, int] | None:
        """There are no policies here."""
        del account, region, arn, alarm, now
        return None

    def terminate(self, account: str, region: str, name: str, instance_ids: Collection[str]) -> None:
        del account, region
        group = self.known[name]
        left = tuple(item for item in group.instances if item.id not in instance_ids)
        self.known[name] = replace(group, instances=left)

    def launched(self, name: str, *instances: GroupInstance) -> None:
        """The group has these instances now."""
        self.known[name] = replace(self.known[name], instances=instances)


@asynccontextmanager
async def capacity_playing(**members: Any) -> AsyncIterator[ServicesPlaying]:
    """See `services_playing`; groups are values, and the loops of capacity are at work."""
    async with services_playing(**members) as services:
        emulator = services.stage.emulator
        await emulator.loops.stop()
        emulator.groups = FixedGroups()
        Capacity(emulator).start()
        emulator.loops.start()
        yield services


def on_stage(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A story of a server without hosts, as a test; its other parameters are the test's."""
    signature = inspect.signature(story)

    def test(**parameters: Any) -> None:
        async def told() -> None:
            async with capacity_playing(hosts=0) as playing:
                await story(playing, **parameters)

        asyncio.run(told())

    test.__name__, test.__module__ = story.__name__, story.__module__
    own = [parameter for name, parameter in signature.parameters.items() if name != "playing"]
    test.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]  # pytest reads it
    return test

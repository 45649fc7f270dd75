"""Builds servers that carry services out: `playing` with the controller at work."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from emulator.balancer.ports import Balancer
from emulator.ecs.controller import Controller
from emulator.ecs.hook_targets import HookTargets
from emulator.ecs.services import create_service, describe_services, update_service
from emulator.ecs.tasks import list_tasks
from tests.emulator.ecs.fixed_balancer import FixedBalancer
from tests.emulator.playing import Playing, playing

_ID = re.compile(r"ecs-svc/\d+|(?<=\(task )[0-9a-f]{32}")


@dataclass(slots=True)
class ServicesPlaying:
    """A server whose services are carried out."""

    stage: Playing

    async def create(self, desired: int = 2, **request: Any) -> Any:
        """Create the service `web` and let everything happen that is due now."""
        asked = {"serviceName": "web", "taskDefinition": "web", "desiredCount": desired, **request}
        self.stage.do(create_service, **asked)
        await self.stage.settle()
        return self.web()

    async def update(self, **request: Any) -> Any:
        """Update `web` and let everything happen that is due now."""
        self.stage.do(update_service, service="web", **request)
        await self.stage.settle()
        return self.web()

    async def wait(self, seconds: float) -> Any:
        """Let time pass."""
        await self.stage.advance(seconds)
        return self.web()

    def web(self) -> Any:
        """The service as DescribeServices shows it."""
        return self.stage.do(describe_services, services=["web"])["services"][0]

    def tasks(self) -> list[str]:
        """Its tasks that are to run."""
        return list(self.stage.do(list_tasks, serviceName="web")["taskArns"])

    def messages(self) -> list[str]:
        """Its events without the name, oldest first; task ids replaced by `ID`."""
        lines = [event["message"] for event in reversed(self.web()["events"])]
        return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    return _ID.sub("ID", line.removeprefix("(service web) "))


@asynccontextmanager
async def services_playing(
    targets: HookTargets | None = None, balancer: Balancer | None = None, **members: Any
) -> AsyncIterator[ServicesPlaying]:
    """See `playing`; the service loop that rests there is replaced by the real one."""
    async with playing(**members) as stage:
        await stage.emulator.loops.stop()
        stage.emulator.balancer = balancer or FixedBalancer()
        Controller(stage.emulator, targets)
        stage.emulator.loops.start()
        yield ServicesPlaying(stage)


def play(story: Callable[[ServicesPlaying], Awaitable[None]], **members: Any) -> None:
    """Tell a story on a server of its own."""

    async def told() -> None:
        async with services_playing(**members) as stage:
            await story(stage)

    asyncio.run(told())

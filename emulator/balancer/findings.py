"""What checks have found becomes rows: a target that comes in gets requests before anybody reads that it is healthy.

Who waits for `healthy` and asks the load balancer then is answered by that target, as on AWS, where a state is told later
than it is acted on.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from emulator.arns import parse_arn
from emulator.balancer.health import CHECKED, OUTSIDE, Health, State
from emulator.balancer.ports import TargetKey
from emulator.balancer.proxy import Proxy
from emulator.balancer.targets import LOOP, Watcher, write
from emulator.emulator import Emulator
from emulator.state.balancer import TargetRow


class Findings:
    """Writes them.

    Args:
        emulator: the server.
        proxy: carries traffic.
        look: has a target group's targets, given its ARN, taken into the proxy.
        watchers: are told of changes.

    """

    def __init__(
        self, emulator: Emulator, proxy: Proxy, look: Callable[[str], Awaitable[None]], watchers: Sequence[Watcher]
    ) -> None:
        self._emulator, self._proxy, self._look, self._watchers = emulator, proxy, look, watchers
        self._entering: dict[str, Collection[TargetKey]] = {}

    def entering(self, target_group_arn: str) -> Collection[TargetKey]:
        """Targets that are to get requests although their rows do not say healthy yet."""
        return self._entering.get(target_group_arn, ())

    async def take(self, arn: str, found: Mapping[TargetKey, Health]) -> None:
        """Write what the checks of a group's targets have found, of those that are still checked.

        A target whose coming in the data plane does not take stays what it is until its next check.
        """
        entering = self._come_in(arn, found)
        if entering and not self._proxy.held and not await self._serve(arn, entering):
            found = {key: health for key, health in found.items() if key not in entering}
        self._write(arn, found)
        self._emulator.loops.wake(LOOP, arn)

    def _come_in(self, arn: str, found: Mapping[TargetKey, Health]) -> list[TargetKey]:
        healthy = [key for key, health in found.items() if health.state is State.HEALTHY]
        if not healthy:
            return []
        with self._emulator.store.begin() as session:
            rows = {key: session.get(TargetRow, (arn, key.id, key.port)) for key in healthy}
            return [k for k, row in rows.items() if row is not None and row.state in OUTSIDE]

    async def _serve(self, arn: str, entering: Collection[TargetKey]) -> bool:
        self._entering[arn] = entering
        try:
            await self._look(arn)
            return await self._proxy.settled()
        finally:
            del self._entering[arn]

    def _write(self, arn: str, found: Mapping[TargetKey, Health]) -> None:
        parsed = parse_arn(arn)
        assert parsed is not None  # noqa: S101 - it is a target group's
        with self._emulator.transaction(parsed.account, parsed.region) as context:
            for key, health in found.items():
                row = context.session.get(TargetRow, (arn, key.id, key.port))
                if row is not None and row.state in CHECKED:
                    write(context, row, health, self._watchers)

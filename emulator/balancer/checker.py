"""Health checks on the clock: which targets are due, and what the checks make of them.

Rows hold states, this module's memory the counts between them. Checks run beside the loop, one round a target group at a
time, so that a target that hangs holds up no other group's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.balancer.health import CHECKED, Health, Outcome, Passed, Refused, State, step
from emulator.balancer.model import HealthCheck, TargetGroup
from emulator.balancer.ports import TargetKey
from emulator.balancer.scripted_health import Scripts

Check = Callable[[str, HealthCheck], Awaitable[Outcome]]
_FIRST_SECONDS = 2.0
"""How long, in real time, a start waits for the first checks."""
_Key = tuple[str, TargetKey]


@dataclass(frozen=True, slots=True)
class Subject:
    """A target to check."""

    key: TargetKey
    health: Health
    host: str | None
    """Where it is reached; None where nothing is known."""
    simulated: bool


class Checker:
    """Keeps the rounds.

    Args:
        check: makes one check of an address.
        done: is given a group's ARN and what its targets' states have become; the round lasts until it has dealt with them.

    """

    def __init__(self, check: Check, done: Callable[[str, Mapping[TargetKey, Health]], Awaitable[None]]) -> None:
        self._check, self._done = check, done
        self._counted: dict[_Key, Health] = {}
        self._passed: set[_Key] = set()
        """Targets that have passed a check since the start."""
        self._due: dict[_Key, datetime] = {}
        self._scripts: dict[tuple[str, TargetKey | None], Outcome] = {}
        self._rounds: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """A check is under way."""
        return bool(self._rounds)

    @property
    def scripts(self) -> Scripts:
        """What is scripted."""
        return self._scripts

    def script(self, target_group_arn: str, key: TargetKey | None, outcome: Outcome | None) -> None:
        """What simulated targets (one, or all of a group) answer from now on; None: that they are well."""
        if key is None:
            self._scripts = {place: kept for place, kept in self._scripts.items() if place[0] != target_group_arn}
        elif outcome is None and (target_group_arn, None) in self._scripts:
            outcome = Passed()  # unlike the others
        if outcome is None:
            self._scripts.pop((target_group_arn, key), None)
        else:
            self._scripts[target_group_arn, key] = outcome
        self._due = {place: due for place, due in self._due.items() if place[0] != target_group_arn}

    def rests(self, target_group_arn: str, subject: Subject) -> bool:
        """A check would change nothing: a simulated target that is well and is told to stay so."""
        well = subject.health.state is State.HEALTHY
        return subject.simulated and well and isinstance(self._script(target_group_arn, subject.key), Passed)

    def look(self, group: TargetGroup, subjects: Sequence[Subject], now: datetime) -> datetime | None:
        """Begin the checks that are due; when the next one will be."""
        if group.arn in self._rounds or not group.health.enabled:
            return None
        checked = [s for s in subjects if s.health.state in CHECKED and not self.rests(group.arn, s)]
        due = [s for s in checked if self._due.get((group.arn, s.key), now) <= now]
        if due:
            following = now + timedelta(seconds=group.health.interval)
            self._due.update({(group.arn, subject.key): following for subject in due})
            self._rounds[group.arn] = asyncio.create_task(self._round(group, due))
        waiting = [self._due[group.arn, subject.key] for subject in checked]
        return min(waiting, default=None)

    def doubts(self, target_group_arn: str, key: TargetKey) -> bool:
        """Whether a target, however healthy it was before the start, has failed every check since."""
        place = target_group_arn, key
        return place in self._counted and place not in self._passed

    async def first_round(self) -> None:
        """Wait for the checks that are under way, but not long for targets that hang."""
        if self._rounds:
            await asyncio.wait(list(self._rounds.values()), timeout=_FIRST_SECONDS)

    def forget(self, target_group_arn: str, key: TargetKey) -> None:
        """The target is not checked any more."""
        for kept in (self._counted, self._due):
            kept.pop((target_group_arn, key), None)
        self._passed.discard((target_group_arn, key))

    async def stop(self) -> None:
        """End every round."""
        rounds = list(self._rounds.values())
        for task in rounds:
            task.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)
        self._rounds.clear()

    def reset(self) -> None:
        """Forget everything."""
        for kept in (self._counted, self._due, self._scripts):
            kept.clear()
        self._passed.clear()

    async def _round(self, group: TargetGroup, subjects: Sequence[Subject]) -> None:
        try:
            outcomes = await asyncio.gather(*(self._ask(group, subject) for subject in subjects))
            found = {}
            for subject, outcome in zip(subjects, outcomes, strict=True):
                place = group.arn, subject.key
                found[subject.key] = self._counted[place] = step(self._known(place, subject), outcome, group.health)
                if isinstance(outcome, Passed):
                    self._passed.add(place)
            await self._done(group.arn, found)
        finally:
            self._rounds.pop(group.arn, None)

    async def _ask(self, group: TargetGroup, subject: Subject) -> Outcome:
        if subject.simulated:
            return self._script(group.arn, subject.key)
        if subject.host is None:
            return Refused()
        host = f"[{subject.host}]" if ":" in subject.host else subject.host
        return await self._check(f"{host}:{group.health.port or subject.key.port}", group.health)

    def _known(self, place: _Key, subject: Subject) -> Health:
        """The row's state with the counts that belong to it."""
        counted = self._counted.get(place)
        if counted is None or counted.state is not subject.health.state:
            return subject.health
        return replace(subject.health, passes=counted.passes, fails=counted.fails)

    def _script(self, target_group_arn: str, key: TargetKey) -> Outcome:
        return self._scripts.get((target_group_arn, key)) or self._scripts.get((target_group_arn, None)) or Passed()

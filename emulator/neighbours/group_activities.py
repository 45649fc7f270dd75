"""What groups of EC2 Auto Scaling did: each instance that comes, goes or cannot be launched leaves an activity.

Whoever changes a group does so within `watch`, which compares the groups before and after. Activities are kept on moto's backend
as plain documents, beside the groups that they tell of, and are written to disk in the same transaction as these.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.neighbours.group_causes import Cause, Change, launched, taken, told

_KEPT_FOR = timedelta(weeks=6)
KEPT = 1000
"""Of an account and region; AWS keeps all of six weeks."""
_WAITS = {"Terminating:Wait": "MidLifecycleAction", "Terminating": "WaitingForELBConnectionDraining"}
"""Life-cycle state → StatusCode while it lasts; which of AWS's codes is (unconfirmed)."""
_STANDBY = "Standby"

Activity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Instance:
    state: str
    zone: str
    subnet: str


@dataclass(frozen=True, slots=True)
class _Group:
    """A group as it stood."""

    arn: str
    desired: int
    minimum: int
    maximum: int
    instances: Mapping[str, _Instance]

    def active(self) -> int:
        """How many are neither leaving nor aside."""
        return sum(item.state not in _WAITS and item.state != _STANDBY for item in self.instances.values())


@dataclass(slots=True)
class _Watch:
    failures: dict[str, str] = field(default_factory=dict)
    """Group → why its last launch failed."""
    made: list[Activity] = field(default_factory=list)


_open: dict[int, _Watch] = {}
"""By the backend's identity, while somebody changes its groups: under the world's lock."""


@contextmanager
def watch(backend: Any, cause: Cause) -> Iterator[list[Activity]]:
    """Tell afterwards what the groups did within, and that `cause` made them; the outermost cause is told.

    Gives the activities that it made, once it is over.
    """
    if id(backend) in _open:
        yield []
        return
    found, before = _Watch(), _picture(backend)
    _open[id(backend)] = found
    try:
        yield found.made
    finally:
        del _open[id(backend)]
        found.made += _record(backend, before, cause, found.failures)


def failed(group: Any, reason: str) -> bool:
    """A launch failed; whether that is told as an activity, because the group is there already."""
    found = _open.get(id(group.autoscaling_backend))
    if found is None or group.autoscaling_backend.autoscaling_groups.get(group.name) is not group:
        return False
    found.failures[group.name] = reason
    return True


def activities(backend: Any) -> list[Activity]:
    """All that are kept, oldest first; the list is the backend's own."""
    kept: list[Activity] = vars(backend).setdefault("scaling_activities", [])
    return kept


def _picture(backend: Any) -> dict[str, _Group]:
    return {
        name: _Group(
            arn=str(group.arn),
            desired=int(group.desired_capacity or 0),
            minimum=int(group.min_size or 0),
            maximum=int(group.max_size or 0),
            instances={
                item.instance.id: _Instance(
                    item.lifecycle_state, item.availability_zone or "", item.instance.subnet_id or ""
                )
                for item in group.instance_states
            },
        )
        for name, group in backend.autoscaling_groups.items()
    }


def _record(
    backend: Any, before: Mapping[str, _Group], cause: Cause, failures: Mapping[str, str]
) -> Sequence[Activity]:
    from moto.core.utils import utcnow  # noqa: PLC0415 - moto is imported at first use only

    now, after, made = utcnow().replace(tzinfo=UTC), _picture(backend), list[Activity]()
    for name in {**before, **after}:
        old = before.get(name) or _Group(after[name].arn, 0, 0, 0, {})
        new = after.get(name) or _Group(old.arn, 0, old.minimum, old.maximum, {})
        if (old, failures.get(name)) != (new, None):
            made += _Telling(backend, name, old, new, cause, now).tell(failures.get(name))
    kept = activities(backend)
    if made:
        first = next((index for index, item in enumerate(kept) if item["StartTime"] > now - _KEPT_FOR), len(kept))
        kept[:] = [*kept[first:], *made][-KEPT:]
    return made


@dataclass(frozen=True, slots=True)
class _Telling:
    """What one group did."""

    backend: Any
    name: str
    old: _Group
    new: _Group
    cause: Cause
    now: datetime

    @property
    def change(self) -> Change:
        return Change(self.now, self.new.minimum, self.new.maximum, self.old.desired, self.new.desired)

    def tell(self, failure: str | None) -> list[Activity]:
        """The new activities, after those are ended whose instances have gone."""
        here, there = self.old.instances, self.new.instances
        self._end([name for name, item in here.items() if item.state in _WAITS and name not in there])
        came = [name for name in there if name not in here]
        going = [
            name
            for name, item in here.items()
            if item.state not in _WAITS and (name not in there or there[name].state in _WAITS)
        ]
        had = self.old.active()
        left = had - sum(here[name].state != _STANDBY for name in going)
        made = [self._goes(name, had, left) for name in going]
        made += [
            self._aside(name, entered=there[name].state == _STANDBY)
            for name in here
            if name in there and name not in going and (here[name].state == _STANDBY) != (there[name].state == _STANDBY)
        ]
        made += [self._comes(name, left, left + len(came)) for name in came]
        if failure is not None:
            made.append(self._fails(failure, left + len(came)))
        return made

    def _end(self, gone: Sequence[str]) -> None:
        """They waited to be terminated, and were."""
        for item in activities(self.backend):
            if item["EndTime"] is None and item["AutoScalingGroupARN"] == self.old.arn and item["instance"] in gone:
                item.update(EndTime=self.now, StatusCode="Successful", Progress=100)

    def _comes(self, name: str, had: int, has: int) -> Activity:
        cause = launched(self.change, self.cause, had, has)
        return self._made(f"{self.cause.arrival}: {name}", cause, name, self.new.instances[name])

    def _goes(self, name: str, had: int, left: int) -> Activity:
        cause, stays = taken(self.change, self.cause, name, had, left), self.new.instances.get(name)
        made = self._made(f"{self.cause.departure}: {name}", cause, name, self.old.instances[name])
        if stays is not None:  # until its hook or its load balancer lets it go; the progress is (unconfirmed)
            made.update(EndTime=None, StatusCode=_WAITS[stays.state], Progress=50)
        return made

    def _aside(self, name: str, *, entered: bool) -> Activity:
        """Into Standby or out of it; texts are (unconfirmed)."""
        where, verb = ("to Standby", "moved to standby") if entered else ("out of Standby", "moved out of standby")
        before, after = self.change.before, self.change.after
        size = f", {'shrinking' if entered else 'increasing'} the capacity from {before} to {after}"
        what = f"instance {name} was {verb} in response to a user request{size if before != after else ''}"
        text = told(self.change, Cause(), what)
        return self._made(f"Moving EC2 instance {where}: {name}", text, name, self.new.instances[name])

    def _fails(self, reason: str, had: int) -> Activity:
        """A launch that EC2 refused; texts are (unconfirmed)."""
        message = f"{reason.rstrip('.')}. Launching EC2 instance failed."
        cause = launched(self.change, self.cause, had, max(had + 1, self.new.desired))
        made = self._made(f"{self.cause.arrival}.  Status Reason: {message}", cause, "", _Instance("", "", ""))
        return {**made, "StatusCode": "Failed", "StatusMessage": message}

    def _made(self, description: str, cause: str, instance: str, where: _Instance) -> Activity:
        from moto.moto_api._internal import mock_random  # noqa: PLC0415 - as above

        details = {"Subnet ID": where.subnet, "Availability Zone": where.zone}
        return {
            "ActivityId": str(mock_random.uuid4()),
            "AutoScalingGroupName": self.name,
            "AutoScalingGroupARN": self.new.arn,
            "Description": description,
            "Cause": cause,
            "StartTime": self.now,
            "EndTime": self.now,
            "StatusCode": "Successful",
            "Progress": 100,
            "Details": json.dumps({key: value for key, value in details.items() if value}, separators=(",", ":")),
            "instance": instance,
        }

"""Application Auto Scaling of a service: what its policies' alarms mean for the desired count, and why.

Scale out if any policy wants to (the largest wins); scale in only if all that may want to (the largest resulting count).
Cooldowns hold changes back: after a scale-out only what goes beyond it passes, a scale-out ends the wait of a scale-in.
How far a tracked metric moves the count is AWS's own; here it is in proportion, rounded up (unconfirmed).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil


@dataclass(frozen=True, slots=True)
class Wish:
    """What one policy in ALARM (or at rest) says at this minute."""

    policy: str
    wanted: int | None
    """The count that it wants; None where it wants none other."""
    alarm: str = ""
    """The alarm that says so."""
    out_cooldown: float = 300
    in_cooldown: float = 300
    tracks: bool = False
    """A target tracking policy that may scale in: others must not scale in against it."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A scalable target at one minute."""

    desired: int
    minimum: int
    maximum: int
    since_out: float | None = None
    """Seconds since the last scale-out."""
    out_from: int = 0
    """What the count was before that scale-out, from which its cooldown counts."""
    out_to: int = 0
    since_in: float | None = None
    deploying: bool = False
    """A deployment is in progress: nothing is taken away."""
    out_suspended: bool = False
    in_suspended: bool = False

    def base(self, cooldown: float) -> int:
        """What growth is counted from: in the cooldown of a scale-out from before it, so that only a larger one adds to it."""
        cooling = self.since_out is not None and self.since_out < cooldown
        return min(self.out_from, self.desired) if cooling else self.desired


@dataclass(frozen=True, slots=True)
class Decision:
    """One minute of scaling."""

    desired: int | None = None
    """The count to set; None where it stays."""
    policy: str = ""
    alarm: str = ""
    not_scaled: tuple[tuple[str, int], ...] = ()
    """NotScaledReasons: code, and the bound it names."""
    reasons: tuple[str, ...] = field(default=())


def tracked_out(view: TargetView, cooldown: float, metric: float, target: float) -> int | None:
    """What target tracking wants while its high alarm is in ALARM: in proportion to the metric."""
    base = view.base(cooldown)
    return beyond(view, max(ceil(base * metric / target), base + 1))


def tracked_in(view: TargetView, metric: float, target: float) -> int | None:
    """The same while its low alarm is in ALARM."""
    wanted = ceil(view.desired * metric / target)
    return wanted if wanted < view.desired else None


def beyond(view: TargetView, wanted: int) -> int | None:
    """A wish to grow that the count does not fulfil already."""
    return wanted if wanted > view.desired else None


def decide(target: TargetView, wishes: Sequence[Wish]) -> Decision:
    """What the wishes come to."""
    out = [wish for wish in wishes if wish.wanted is not None and wish.wanted > target.desired]
    if out:
        return _scale_out(target, max(out, key=lambda wish: (wish.wanted or 0, wish.policy)))
    inward = [wish for wish in wishes if wish.wanted is not None and wish.wanted < target.desired]
    if inward:
        return _scale_in(target, wishes, max(inward, key=lambda wish: (wish.wanted or 0, wish.policy)))
    return Decision()


def _scale_out(target: TargetView, wish: Wish) -> Decision:
    asked = wish.wanted or 0
    wanted = min(asked, target.maximum)
    said = f"{wish.alarm} wants {asked} instead of {target.desired}"
    if target.out_suspended:
        return Decision(reasons=(f"{said}: scaling out is suspended.",))
    if wanted <= target.desired:
        most = (("AlreadyAtMaxCapacity", target.maximum),)
        return Decision(None, wish.policy, wish.alarm, most, (f"{said}: {target.maximum} is the maximum.",))
    if target.since_out is not None and target.since_out < wish.out_cooldown and wanted <= target.out_to:
        return Decision(reasons=(f"{said}: {wish.out_cooldown:g} s after a scale-out have not passed.",))
    return Decision(wanted, wish.policy, wish.alarm, (), (f"{said}.",))


def _scale_in(target: TargetView, wishes: Sequence[Wish], wish: Wish) -> Decision:
    asked = wish.wanted or 0
    wanted = max(asked, target.minimum)
    said = f"{wish.alarm} wants {asked} instead of {target.desired}"
    held = _held_in(target, wishes, wish)
    if held is not None:
        return Decision(reasons=(f"{said}: {held}",))
    if wanted >= target.desired:
        least = (("AlreadyAtMinCapacity", target.minimum),)
        return Decision(None, wish.policy, wish.alarm, least, (f"{said}: {target.minimum} is the minimum.",))
    return Decision(wanted, wish.policy, wish.alarm, (), (f"{said}.",))


def _held_in(target: TargetView, wishes: Sequence[Wish], wish: Wish) -> str | None:
    """Why nothing is taken away now."""
    against = [other.policy for other in wishes if other.tracks and other.wanted is None]
    if target.in_suspended:
        return "scaling in is suspended."
    if target.deploying:
        return "a deployment is in progress."
    if against:
        return f"{', '.join(against)} does not agree."
    for since, what in ((target.since_in, "scale-in"), (target.since_out, "scale-out")):
        if since is not None and since < wish.in_cooldown:
            return f"{wish.in_cooldown:g} s after a {what} have not passed."
    return None

"""The way of a deployment that shifts traffic: BLUE_GREEN, LINEAR, CANARY, and the way back.

The revision that is deployed is green, what served before is blue. Stages follow one another; the two of the production
shift come again for every step of a plan. A rollback is a shorter plan with the roles exchanged.
"""

from dataclasses import dataclass
from enum import StrEnum

DAY = 24 * 3600.0
_NEAR = 1e-9
"""Percentages are multiples of 0.1, which binary fractions only approach."""


class Stage(StrEnum):
    """`lifecycleStage`, in order."""

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRE_PRODUCTION_TRAFFIC_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"


_ORDER = {stage: number for number, stage in enumerate(Stage)}
WITHOUT_HOOKS = frozenset({Stage.SCALE_UP, Stage.BAKE_TIME, Stage.CLEAN_UP})
WITHOUT_PAUSES = WITHOUT_HOOKS | {Stage.TEST_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT}
_WAY_BACK = (Stage.SCALE_UP, Stage.TEST_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT, Stage.CLEAN_UP)


@dataclass(frozen=True, slots=True)
class Share:
    """One step of the production shift."""

    percent: float
    """Of production traffic that green has afterwards."""
    bake: float = 0.0
    """Seconds until the next step."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment goes through."""

    shares: tuple[Share, ...] = (Share(100.0),)
    """The last one is 100 percent."""
    bake: float = 0.0
    """Seconds for which blue lives on after the shift."""
    stages: tuple[Stage, ...] = tuple(Stage)
    asks_each_step: bool = True
    """Whether PRE_PRODUCTION_TRAFFIC_SHIFT, with its hooks, comes again before every share."""


WAY_BACK = Plan(stages=_WAY_BACK)


def blue_green(bake: float) -> Plan:
    """Everything at once."""
    return Plan(bake=bake)


def linear(step: float, step_bake: float, bake: float) -> Plan:
    """Equal steps; the last may be smaller, and nothing is waited for after it but the bake time."""
    percents = [step * number for number in range(1, int(100 / step + _NEAR) + 1)]
    before = [Share(round(percent, 1), step_bake) for percent in percents if percent < 100 - _NEAR]
    return Plan((*before, Share(100.0)), bake)


def canary(percent: float, canary_bake: float, bake: float) -> Plan:
    """A few first, then all."""
    first = (Share(percent, canary_bake),) if percent < 100 else ()
    return Plan((*first, Share(100.0)), bake)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment is."""

    stage: Stage
    step: int = 0
    """Index of the share that is shifted to, in the stages of the production shift."""


def first_place(plan: Plan, sources: int) -> Place:
    """Where it begins: what several revisions serve must be reconciled first."""
    if sources > 1 and Stage.RECONCILE_SERVICE in plan.stages:
        return Place(Stage.RECONCILE_SERVICE)
    return Place(next(stage for stage in plan.stages if stage is not Stage.RECONCILE_SERVICE))


@dataclass(frozen=True, slots=True)
class Weights:
    """Percent of the traffic that goes to green; None: as it is."""

    production: float | None
    test: float | None


def weights(plan: Plan, place: Place) -> Weights:
    """What green is to have in a place. On the way back nothing moves before its time: nobody knows how far it came."""
    now = _ORDER[place.stage]
    before = None if plan.stages == _WAY_BACK else 0.0
    test = 100.0 if now >= _ORDER[Stage.TEST_TRAFFIC_SHIFT] else before
    if now > _ORDER[Stage.PRODUCTION_TRAFFIC_SHIFT]:
        return Weights(100.0, test)
    reached = place.step if place.stage is Stage.PRODUCTION_TRAFFIC_SHIFT else place.step - 1
    in_shift = now >= _ORDER[Stage.PRE_PRODUCTION_TRAFFIC_SHIFT]
    return Weights(plan.shares[reached].percent if in_shift and reached >= 0 else before, test)


@dataclass(frozen=True, slots=True)
class Shift:
    """What is known of a deployment in its place."""

    plan: Plan
    place: Place
    elapsed: float
    """Seconds since it came there."""
    shifted_for: float | None = None
    """Seconds since the listener rules are as `weights` wants them; None while they are not."""
    ready: bool = False
    """Green has as many healthy tasks as desired."""
    alone: bool = False
    """What should be gone is gone: in RECONCILE_SERVICE all but one blue revision, in CLEAN_UP all of them."""
    hooks_passed: bool = True
    """Every hook of the stage is through."""


@dataclass(frozen=True, slots=True)
class Go:
    """Go on to another place."""

    place: Place


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay."""

    why: str
    seconds: float | None = None
    """Until time alone may change the answer."""


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the way."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A stage took longer than a day."""


def step(shift: Shift) -> Go | Wait | Done | GiveUp:
    """What comes next."""
    missing = _missing(shift)
    if missing is not None:
        baking = shift.place.stage is Stage.BAKE_TIME or shift.shifted_for is not None
        if shift.elapsed >= DAY and not (baking and missing.seconds is not None):
            return GiveUp()
        left = DAY - shift.elapsed if shift.elapsed < DAY else None
        waits = [seconds for seconds in (missing.seconds, left) if seconds is not None]
        return Wait(missing.why, min(waits, default=None))
    return _following(shift)


def _missing(shift: Shift) -> Wait | None:
    """What keeps it in its place."""
    stage, plan = shift.place.stage, shift.plan
    found: Wait | None = None
    match stage:
        case Stage.SCALE_UP if not shift.ready:
            found = Wait("the new tasks to be healthy")
        case Stage.RECONCILE_SERVICE | Stage.CLEAN_UP if not shift.alone:
            found = Wait("the old tasks to be gone")
        case Stage.BAKE_TIME if shift.elapsed < plan.bake:
            found = Wait("the bake time to pass", plan.bake - shift.elapsed)
    if found is None and shift.shifted_for is None:
        found = Wait("the listener rules to be changed")
    if found is None and not shift.hooks_passed:
        found = Wait(f"the hooks of {stage}")
    share, baked = plan.shares[shift.place.step], shift.shifted_for or 0.0
    if found is None and stage is Stage.PRODUCTION_TRAFFIC_SHIFT and baked < share.bake:
        found = Wait(f"the step of {share.percent:g} % to bake", share.bake - baked)
    return found


def _following(shift: Shift) -> Go | Done:
    stage, number, plan = shift.place.stage, shift.place.step, shift.plan
    if stage is Stage.PRODUCTION_TRAFFIC_SHIFT and number + 1 < len(plan.shares):
        again = Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
        return Go(Place(again if again in plan.stages and plan.asks_each_step else stage, number + 1))
    if stage is Stage.PRE_PRODUCTION_TRAFFIC_SHIFT:
        return Go(Place(Stage.PRODUCTION_TRAFFIC_SHIFT, number))
    later = [other for other in plan.stages if _ORDER[other] > _ORDER[stage]]
    return Go(Place(later[0])) if later else Done()

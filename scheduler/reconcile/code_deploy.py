"""A deployment of CodeDeploy to an ECS service: the way of `traffic_shift`, with CodeDeploy's own waits and ends.

CodeDeploy's lifecycle events are stages of `traffic_shift` by other names (`EVENTS`). What is its own: somebody may have to
approve that production traffic moves, the replacement task set has an hour to come up, and whatever ends a deployment
early may be followed by another one that goes back.
"""

from dataclasses import dataclass, replace

from scheduler.reconcile.traffic_shift import (
    Done,
    GiveUp,
    Go,
    Plan,
    Shift,
    Stage,
    Wait,
    blue_green,
    canary,
    linear,
)
from scheduler.reconcile.traffic_shift import step as next_place

HOUR = 3600.0
EVENTS = {
    Stage.PRE_SCALE_UP: "BeforeInstall",
    Stage.SCALE_UP: "Install",
    Stage.POST_SCALE_UP: "AfterInstall",
    Stage.TEST_TRAFFIC_SHIFT: "AllowTestTraffic",
    Stage.POST_TEST_TRAFFIC_SHIFT: "AfterAllowTestTraffic",
    Stage.PRE_PRODUCTION_TRAFFIC_SHIFT: "BeforeAllowTraffic",
    Stage.PRODUCTION_TRAFFIC_SHIFT: "AllowTraffic",
    Stage.POST_PRODUCTION_TRAFFIC_SHIFT: "AfterAllowTraffic",
}
"""CodeDeploy's lifecycle events, in order; those between the three that work are hooks."""
HOOKS = frozenset(EVENTS) - {Stage.SCALE_UP, Stage.TEST_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT}
_TIMED_OUT = (
    "The deployment timed out while waiting for the replacement task set to become healthy. "
    "This time out period is 60 minutes."
)


@dataclass(frozen=True, slots=True)
class Routing:
    """How production traffic moves: a deployment configuration's `trafficRoutingConfig`."""

    kind: str = "AllAtOnce"
    """AllAtOnce, TimeBasedCanary or TimeBasedLinear."""
    percent: float = 100.0
    minutes: float = 0.0
    """Between two steps."""


def plan_of(routing: Routing, termination_minutes: float | None) -> Plan:
    """What a deployment goes through; None: the original task set is kept."""
    bake = (termination_minutes or 0.0) * 60
    match routing.kind:
        case "TimeBasedCanary":
            found = canary(routing.percent, routing.minutes * 60, bake)
        case "TimeBasedLinear":
            found = linear(routing.percent, routing.minutes * 60, bake)
        case _:
            found = blue_green(bake)
    kept = found.stages if termination_minutes is not None else found.stages[:-2]
    return replace(found, stages=kept, asks_each_step=False)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a deployment ends before its way does."""

    status: str
    """Failed or Stopped."""
    code: str
    """CodeDeploy's error code."""
    message: str
    event: str
    """Which event of an `autoRollbackConfiguration` this is."""


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a deployment."""

    shift: Shift
    stop: str | None = None
    """Somebody wants it stopped: the message."""
    alarms: tuple[str, ...] = ()
    """Those of its alarms that are in ALARM."""
    fault: tuple[str, str] | None = None
    """What cannot be done: CodeDeploy's error code and a message."""
    approval: float | None = None
    """Seconds for which it waits to be continued before production traffic moves; None: it does not wait."""
    waited: float | None = None
    """Seconds since it became ready for that; None: it has not."""
    approved: bool = False
    keeps_waiting: bool = True
    """False once somebody has ended the wait for the original task set's termination."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From now on it waits to be continued."""


def step(view: View) -> Go | Wait | Done | Ready | Ending:
    """What comes next."""
    ending = _ending(view)
    if ending is not None:
        return ending
    shift = view.shift
    if shift.place.stage is Stage.BAKE_TIME and not view.keeps_waiting:
        shift = replace(shift, plan=replace(shift.plan, bake=0.0))
    found = next_place(shift)
    match found:
        case Go(place) if place.stage is Stage.PRE_PRODUCTION_TRAFFIC_SHIFT and view.approval is not None:
            return found if view.approved else _unapproved(view, view.approval)
        case Wait(why, seconds) if shift.place.stage is Stage.SCALE_UP:
            left = HOUR - shift.elapsed
            return Wait(why, left if seconds is None else min(left, seconds))
        case GiveUp():
            return _failed("TIMEOUT", f"The deployment timed out in {shift.place.stage}.")  # (unconfirmed) text
        case other:
            return other


def _unapproved(view: View, limit: float) -> Wait | Ready | Ending:
    if view.waited is None:
        return Ready()
    if view.waited < limit:
        return Wait("the deployment to be continued", limit - view.waited)
    # (unconfirmed) text
    return Ending("Stopped", "TIMEOUT", "The deployment was not continued in time.", "DEPLOYMENT_STOP_ON_REQUEST")


def _ending(view: View) -> Ending | None:
    if view.stop is not None:
        return Ending("Stopped", "MANUAL_STOP", view.stop, "DEPLOYMENT_STOP_ON_REQUEST")
    if view.alarms:
        message = (
            "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the "
            f"affected deployments have been stopped. Activated alarms: <{', '.join(view.alarms)}>"
        )
        return Ending("Stopped", "ALARM_ACTIVE", message, "DEPLOYMENT_STOP_ON_ALARM")
    if view.fault is not None:
        return _failed(*view.fault)
    shift = view.shift
    if shift.place.stage is Stage.SCALE_UP and not shift.ready and shift.elapsed >= HOUR:
        return _failed("TIMEOUT", _TIMED_OUT)
    return None


def _failed(code: str, message: str) -> Ending:
    return Ending("Failed", code, message, "DEPLOYMENT_FAILURE")

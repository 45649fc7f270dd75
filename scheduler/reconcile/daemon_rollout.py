"""When a deployment of a daemon has succeeded, has failed, and what follows."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of a deployment."""

    GO_ON = "GO_ON"
    SUCCEED = "SUCCEED"
    """It, or the way back, is done."""
    ROLL_BACK = "ROLL_BACK"
    GIVE_UP = "GIVE_UP"
    """It failed, and there is nothing to go back to; or the way back failed, too."""


@dataclass(frozen=True, slots=True)
class RolloutView:
    """A deployment at one instant."""

    steady_for: float | None
    """Seconds since every host has its healthy task of the revision; None where one lacks."""
    bake: float
    """Seconds for which it is watched from then on."""
    failed_tasks: int
    threshold: int
    triggered: tuple[str, ...] = ()
    """Alarms that went to ALARM since it began."""
    returns: bool = False
    """It is on the way back."""
    has_earlier: bool = False
    """There is a revision that was deployed with success, to go back to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict and why."""

    verdict: Verdict
    reason: str = ""
    look_again: float | None = None
    """Seconds until time alone changes the verdict."""


def fewest_healthy(hosts: int, drain_percent: float) -> int:
    """How many hosts keep their task while a deployment goes on; one is always replaced, else it would never end."""
    return max(0, hosts - max(1, int(hosts * drain_percent / 100)))


def judge(view: RolloutView) -> Outcome:
    """What becomes of the deployment. Whoever goes back is not stopped by alarms: they may be of what is left."""
    failed = ""
    if view.failed_tasks >= view.threshold:
        failed = f"the circuit breaker counted {view.failed_tasks} failed tasks, {view.threshold} are too many"
    elif view.triggered and not view.returns:
        failed = f"the CloudWatch alarm(s) {', '.join(view.triggered)} went to ALARM"
    if failed:
        back = view.has_earlier and not view.returns
        return Outcome(Verdict.ROLL_BACK if back else Verdict.GIVE_UP, failed)
    if view.steady_for is None:
        return Outcome(Verdict.GO_ON)
    left = view.bake - view.steady_for
    if left > 0 and not view.returns:
        return Outcome(Verdict.GO_ON, look_again=left)
    return Outcome(Verdict.SUCCEED)

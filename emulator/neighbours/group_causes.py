"""Why a group launches or terminates instances, in the words of EC2 Auto Scaling's activities.

A `Cause` is told twice: what asked for another capacity, and what was done to an instance because of it. The words of a created
group and of an alarm are the reference's (iam_elb_autoscaling.md §10); the others are (unconfirmed).
"""

from dataclasses import dataclass
from datetime import datetime

_DIFFERENCE = "in response to a difference between desired and actual capacity"


@dataclass(frozen=True, slots=True)
class Change:
    """A group before and after."""

    at: datetime
    minimum: int
    maximum: int
    before: int
    """Desired capacity."""
    after: int


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a group change."""

    asked: str = ""
    """Who asked for what; empty where nobody did."""
    constraints: bool = False
    """The group's bounds are told with it."""
    executed: str = ""
    """The scheduled action that ran."""
    launched: str = f"an instance was started {_DIFFERENCE}"
    taken: str = f"an instance was taken out of service {_DIFFERENCE}"
    """`INSTANCE` stands for its id."""
    selects: bool = True
    """The group chose which instance goes."""
    arrival: str = "Launching a new EC2 instance"
    departure: str = "Terminating EC2 instance"


CREATED = Cause("a user request created an AutoScalingGroup")
UPDATED = Cause("a user request update of AutoScalingGroup", constraints=True)
RESIZED = Cause("a user request explicitly set group desired capacity")
DELETED = Cause("a user request force deleted AutoScalingGroup")
BY_REQUEST = Cause(taken="instance INSTANCE was taken out of service in response to a user request", selects=False)
UNHEALTHY = Cause(
    launched="an instance was launched in response to an unhealthy instance needing to be replaced",
    taken="an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped",
    selects=False,
)
ATTACHED = Cause(
    launched="an instance was attached in response to a user request", arrival="Attaching an existing EC2 instance"
)
DETACHED = Cause(
    taken="instance INSTANCE was detached in response to a user request",
    selects=False,
    departure="Detaching EC2 instance",
)


def executed(policy: str) -> Cause:
    """ExecutePolicy."""
    return Cause(f"a user request executed policy {policy}")


def by_alarm(alarm: str, policy: str) -> Cause:
    """An alarm carried a policy out."""
    return Cause(f"a monitor alarm {alarm} in state ALARM triggered policy {policy}")


def by_action(name: str) -> Cause:
    """A scheduled action fell due."""
    return Cause("a scheduled action update of AutoScalingGroup", constraints=True, executed=name)


def by_managed_scaling(policy: str) -> Cause:
    """ECS resizes the group of a capacity provider. AWS names an alarm, of which there is none here."""
    return Cause(f"managed scaling of Amazon ECS triggered policy {policy}")


def told(change: Change, cause: Cause, what: str) -> str:
    """The activity's Cause: sentences with two spaces between them."""
    at = f"At {change.at:%Y-%m-%dT%H:%M:%SZ}"
    changing = f" changing the desired capacity from {change.before} to {change.after}"
    moved = changing if change.before != change.after else ""
    sentences = []
    if cause.asked:
        bounds = f" constraints to min: {change.minimum}, max: {change.maximum}, desired: {change.after}"
        sentences.append(f"{at} {cause.asked}{bounds if cause.constraints else ''}{moved}.")
    if cause.executed:
        setting = f"  Setting desired capacity from {change.before} to {change.after}." if moved else ""
        sentences.append(f"{at} the scheduled action {cause.executed} executed.{setting}")
    sentences.append(f"{at} {what}.")
    return "  ".join(sentences)


def launched(change: Change, cause: Cause, had: int, has: int) -> str:
    """Of an instance that came."""
    return told(change, cause, f"{cause.launched}, increasing the capacity from {had} to {has}")


def taken(change: Change, cause: Cause, instance: str, had: int, has: int) -> str:
    """Of an instance that goes."""
    shrinking = f", shrinking the capacity from {had} to {has}" if cause.selects or change.after < change.before else ""
    text = told(change, cause, cause.taken.replace("INSTANCE", instance) + shrinking)
    selected = f"  At {change.at:%Y-%m-%dT%H:%M:%SZ} instance {instance} was selected for termination."
    return text + selected if cause.selects else text

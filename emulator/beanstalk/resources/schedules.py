"""`aws:autoscaling:scheduledaction`: actions of the environment's group at instants, or again and again."""

from dataclasses import asdict

from emulator.beanstalk.option_values import SCHEDULED
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.step import Made
from emulator.neighbours.environment_ports import EnvironmentResources, ScheduleSpec


def schedule(resources: EnvironmentResources, facts: Facts) -> Made:
    """Have the group's scheduled actions be those of the settings; one with Suspend is not there.

    What has not changed is left alone: an action that was to be done once, and was, is not to come again.
    """
    before = facts.resources.get("scheduled") or {}
    names = () if facts.values.single else facts.values.named(SCHEDULED)
    wanted = {name: spec for name in names if (spec := _spec(facts, name)) is not None}
    documents = {name: asdict(spec) for name, spec in wanted.items()}
    new = tuple(spec for name, spec in wanted.items() if documents[name] != before.get(name))
    gone = tuple(facts.named(name) for name in before if name not in wanted)
    resources.schedule(facts.place, str(facts.resources["group"]), new, gone)
    return Made({"scheduled": documents})


def is_scheduled(facts: Facts) -> bool:
    """Whether there is something to schedule, or not to be any more. A single instance stays single."""
    wanted = not facts.values.single and facts.values.named(SCHEDULED)
    return bool(wanted or facts.resources.get("scheduled"))


def remove(resources: EnvironmentResources, facts: Facts) -> Made:
    """All of them."""
    gone = tuple(facts.named(name) for name in facts.resources.get("scheduled") or ())
    resources.schedule(facts.place, str(facts.resources["group"]), (), gone)
    return Made({"scheduled": None})


def _spec(facts: Facts, name: str) -> ScheduleSpec | None:
    space, values = f"{SCHEDULED}{name}", facts.values
    if values.is_true(space, "Suspend"):
        return None

    def number(option: str) -> int | None:
        return values.number(space, option, 0) if values.get(space, option) else None

    return ScheduleSpec(
        name=facts.named(name),
        minimum=number("MinSize"),
        maximum=number("MaxSize"),
        desired=number("DesiredCapacity"),
        start=values.get(space, "StartTime") or None,
        end=values.get(space, "EndTime") or None,
        recurrence=values.get(space, "Recurrence") or None,
    )

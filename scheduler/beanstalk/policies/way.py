"""Stages that follow one another: what all policies have in common.

A stage looks at the view and stays (asking for what is still to be done), goes on to another stage, or is the end. Events are
told on the way from one stage to the next, therefore once; actions are asked for while a stage stays, therefore until they have
had their effect. A step goes through as many stages as the view allows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scheduler.beanstalk.model import Action, Outcome, Progress, Said, Settings, Step, View

SERVICE_ADDS = 240.0
"""Seconds that the service waits beyond the command timeout."""
BACK = "back"
"""Note: what was carried out before is carried out again."""
DESIRED = "desired"
"""Note: the desired capacity before the operation."""
END = "end"
"""Note: the outcome, once it cannot be success any more."""
MIXED = "mixed"
"""Note: the way back failed, too."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Not yet."""

    waits_for: str
    actions: tuple[Action, ...] = ()
    look_again: float | None = None


@dataclass(frozen=True, slots=True)
class Go:
    """On to the stage of `progress`."""

    progress: Progress
    events: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The end."""

    outcome: Outcome
    events: tuple[Said, ...] = ()


Stage = Callable[[View, Progress], Stay | Go | Done]


def _nothing(_view: View, _progress: Progress) -> tuple[Action, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Way:
    """A policy."""

    stages: Mapping[str, Stage]
    abortable: frozenset[str] = frozenset()
    """Stages in which AbortEnvironmentUpdate is heeded; the others clean up."""
    newcomers: Callable[[View, Progress], tuple[Action, ...]] = _nothing
    """What instances are told that Auto Scaling launched meanwhile."""


def walk(way: Way, view: View, progress: Progress) -> Step:
    """Go through the stages as far as the view allows."""
    events: list[Said] = []
    while True:
        taken = way.stages[progress.stage](view, progress)
        match taken:
            case Go():
                events.extend(taken.events)
                progress = taken.progress
            case Done():
                return Step(progress, events=(*events, *taken.events), outcome=taken.outcome)
            case Stay():
                actions = (*taken.actions, *way.newcomers(view, progress))
                abortable = progress.stage in way.abortable and not progress.aborting
                return Step(progress, actions, tuple(events), None, taken.waits_for, taken.look_again, abortable)


def enter(view: View, progress: Progress, stage: str, **notes: str) -> Progress:
    """The progress at the beginning of a stage."""
    return replace(progress, stage=stage, stage_since=view.now, told=(), notes={**progress.notes, **notes})


def elapsed(view: View, progress: Progress) -> float:
    """Seconds in this stage."""
    return (view.now - (progress.stage_since or progress.started_at)).total_seconds()


def command_limit(settings: Settings) -> float:
    """Seconds within which commands end, and within which instances become healthy after them."""
    return settings.command_timeout + SERVICE_ADDS


def left(view: View, progress: Progress) -> float:
    """Seconds until the limit of this stage; never below 0."""
    return max(0.0, command_limit(view.settings) - elapsed(view, progress))


def ending(
    progress: Progress, end: tuple[Said, ...], failure: tuple[Said, ...], reverted: tuple[Said, ...] = ()
) -> Done:
    """How it ends, and what is told: all went well, it failed, or it failed and was `reverted`."""
    outcome = Outcome(progress.notes.get(END, Outcome.SUCCEEDED))
    if outcome is Outcome.SUCCEEDED:
        return Done(outcome, end)
    if BACK not in progress.notes:
        return Done(outcome, failure)
    if MIXED in progress.notes:
        return Done(Outcome.FAILED, failure)
    return Done(outcome if outcome is Outcome.ABORTED else Outcome.ROLLED_BACK, (*failure, *reverted))

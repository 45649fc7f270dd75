"""A new fleet in a temporary group beside the old one, which is untouched until the new one is healthy.

begin → create → launch → health (one test instance first, if so wanted, then the rest) → [the traffic's stages] → adopt →
terminate → settle → end. Before `adopt` everything can be undone by removing the temporary group.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from scheduler.beanstalk.model import (
    Action,
    Adopt,
    CreateTemporary,
    DeleteTemporary,
    Fleet,
    Instance,
    LaunchWith,
    OperationKind,
    Outcome,
    Progress,
    Resize,
    ResizeTemporary,
    Said,
    Shift,
    Terminate,
    View,
)
from scheduler.beanstalk.policies.commands import Wave, abandoned, tell, wave
from scheduler.beanstalk.policies.instances import deploy, has, ids_of, is_well, members, register, start
from scheduler.beanstalk.policies.way import DESIRED, END, Done, Go, Stage, Stay, Way, enter, left

SIZE = "size"
"""Note: how many instances the temporary group is to have by now."""
ADDED = "added"
"""Note: ids of the new instances that were told to be added."""
_OLD = "old"
_BEFORE = frozenset({"begin", "create", "launch", "health"})
_CLEAN_UP = frozenset({"adopt", "arrive", "retire", "return", "terminate", "settle", "end"})


@dataclass(frozen=True, slots=True)
class Manner:
    """What policies with a new fleet differ in."""

    begin: tuple[Said, ...]
    end: tuple[Said, ...]
    failure: tuple[Said, ...]
    test_first: bool
    own_target_group: bool = False
    then: str = "adopt"
    """The stage after the new fleet is healthy."""
    settled: str = "terminate"
    """The stage after the new fleet has been adopted."""


def way(manner: Manner, further: Mapping[str, Stage] | None = None) -> Way:
    """The policy of a manner, with stages of its own."""
    stages = {"begin": _begin, "create": _create, "launch": _launch, "health": _health, "adopt": _adopt, "end": _end}
    bound: dict[str, Stage] = {name: partial(stage, manner) for name, stage in stages.items()}
    more = further or {}
    bound |= {"terminate": _terminate, "settle": _settle, "undo": _undo, **more}
    return Way(bound, _BEFORE | (more.keys() - _CLEAN_UP - {"full"}), _newcomers)


def generation(view: View, progress: Progress) -> int:
    """Of the new fleet's launch settings."""
    return progress.generation if progress.kind is OperationKind.REPLACE else view.current_generation


def wanted(progress: Progress) -> int:
    return int(progress.notes.get(DESIRED, "0"))


def is_new(progress: Progress, instance: Instance) -> bool:
    return instance.deployment == progress.deployment


def undo(view: View, progress: Progress, outcome: Outcome = Outcome.FAILED, events: tuple[Said, ...] = ()) -> Go:
    return Go(enter(view, progress, "undo", **{END: outcome}), events)


def _newcomers(view: View, progress: Progress) -> tuple[Action, ...]:
    """The permanent group's get what it has: the old version until the new fleet is adopted."""
    adopted = progress.stage in _CLEAN_UP
    mine = start(view, members(view), progress.deployment if adopted else view.current)
    if progress.stage in {"undo", "begin"}:
        return mine
    new = (instance for instance in members(view, Fleet.TEMPORARY) if instance.deployment == 0)
    return (*mine, *deploy(new, progress.deployment))


def _begin(manner: Manner, view: View, progress: Progress) -> Go:
    if progress.aborting:
        return Go(enter(view, progress, "end", **{END: Outcome.ABORTED}))
    size = 1 if manner.test_first else view.desired
    notes = {DESIRED: str(view.desired), SIZE: str(size)}
    return Go(enter(view, progress, "create" if view.desired else "adopt", **notes), manner.begin)


def _create(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if progress.aborting:
        return undo(view, progress, Outcome.ABORTED)
    if view.temporary is not None:
        return Go(
            enter(view, progress, "launch"), (Said(f"Created temporary auto scaling group {view.temporary.name}."),)
        )
    if left(view, progress) <= 0:
        return undo(view, progress)
    return Stay("the temporary Auto Scaling group", _created(manner, view, progress), left(view, progress))


def _created(manner: Manner, view: View, progress: Progress) -> tuple[Action, ...]:
    """The temporary group, as large as it is to be."""
    size = int(progress.notes[SIZE])
    if view.temporary is None:
        new = generation(view, progress)
        return (CreateTemporary(size, progress.deployment, new, manner.own_target_group),)
    return (ResizeTemporary(size),) if view.temporary.desired < size else ()


def new_wave(view: View, progress: Progress) -> Wave:
    return wave(view, progress, members(view, Fleet.TEMPORARY), progress.deployment)


def _launch(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if progress.aborting:
        return undo(view, progress, Outcome.ABORTED)
    mine, size = members(view, Fleet.TEMPORARY), int(progress.notes[SIZE])
    found = new_wave(view, progress)
    told = tell(progress, found, successes=False)
    if told is not None:
        return told
    if found.ended and found.unsuccessful:
        return undo(view, progress, found.outcome, abandoned(found))
    if found.ended and len(mine) >= size:
        return Go(enter(view, progress, "health"), _adding(view, progress, mine))
    if left(view, progress) <= 0:
        return undo(view, progress, Outcome.TIMED_OUT)
    return Stay("new instances to carry it out", _created(manner, view, progress), left(view, progress))


def _fresh(progress: Progress, mine: tuple[Instance, ...]) -> str:
    added = progress.notes.get(ADDED, "").split()
    return ", ".join(instance.id for instance in mine if instance.id not in added)


def _adding(view: View, progress: Progress, mine: tuple[Instance, ...]) -> tuple[Said, ...]:
    """The test instance is added after its checks, the others before: so AWS tells it."""
    ids, said = _fresh(progress, mine), []
    if progress.notes.get(ADDED):
        said += [Said(f"Added instances [{ids}] to your environment."), Said("Successfully launched all instances.")]
    if view.settings.load_balanced:
        said.append(Said(f"Adding new instance(s) ({ids}) to the load balancer."))
    return (*said, Said(f"Waiting for instance(s) ({ids}) to pass health checks."))


def _health(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if progress.aborting:
        return undo(view, progress, Outcome.ABORTED)
    mine, size = members(view, Fleet.TEMPORARY), int(progress.notes[SIZE])
    found = new_wave(view, progress)
    if found.failed:
        return undo(view, progress, Outcome.FAILED, abandoned(found))
    well = all(is_new(progress, one) and is_well(one, view.settings) for one in mine)
    if len(mine) >= size and well and found.ended:
        return _healthy(manner, view, progress, mine)
    if left(view, progress) <= 0:
        return undo(view, progress)
    ready = (instance for instance in mine if has(instance, progress.deployment))
    asked = (*_created(manner, view, progress), *register(view, ready))
    return Stay("new instances to be healthy", asked, left(view, progress))


def _healthy(manner: Manner, view: View, progress: Progress, mine: tuple[Instance, ...]) -> Go:
    ids, total = _fresh(progress, mine), wanted(progress)
    plural = "instances" if ", " in ids else "instance"
    first = () if progress.notes.get(ADDED) or not ids else (Said(f"Added {plural} [{ids}] to your environment."),)
    added = {ADDED: " ".join(ids_of(mine))}
    if len(mine) < total:
        rest = Said("Test instance passed health checks. Launching remaining new instances.")
        return Go(enter(view, progress, "launch", **{SIZE: str(total), **added}), (*first, rest))
    return Go(enter(view, progress, manner.then, **added), first)


def _adopt(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    """From here on there is no way back."""
    new = generation(view, progress)
    if view.launches != new:
        return Stay("the permanent group's launch settings", (LaunchWith(new),))
    ready = [one for one in members(view, Fleet.TEMPORARY) if has(one, progress.deployment)]
    through = sum(has(instance, progress.deployment) for instance in members(view))
    if not ready and (through >= wanted(progress) or left(view, progress) <= 0):
        old = " ".join(ids_of(_old(view, progress)))
        return Go(enter(view, progress, manner.settled, **{_OLD: old}), _adopted(view, progress))
    asked = (Adopt(ids_of(ready)),) if ready else ()
    return Stay("new instances to be in the permanent group", asked, left(view, progress))


def _adopted(view: View, progress: Progress) -> tuple[Said, ...]:
    if not wanted(progress):
        return ()
    name = view.temporary.name if view.temporary is not None else ""
    return (
        Said(f"Detached new instance(s) from temporary auto scaling group {name}."),
        Said(f"Attached new instance(s) to the permanent auto scaling group {view.group}."),
        Said("Starting post-deployment configuration on new instances."),
        Said("Instance deployment completed successfully."),
        Said("Waiting for post-deployment configuration to complete."),
        Said("Deployment succeeded. Terminating old instances and temporary Auto Scaling group."),
    )


def _old(view: View, progress: Progress) -> tuple[Instance, ...]:
    """What the new fleet replaces; an instance that was launched just now is none of it."""
    return tuple(one for one in members(view) if one.deployment not in {0, progress.deployment})


def _terminate(view: View, progress: Progress) -> Stay | Go:
    here = {instance.id for instance in view.instances}
    gone = [one for one in progress.notes[_OLD].split() if one not in here and one not in progress.told]
    if gone:
        said = tuple(Said(f"Removed instance [{one}] from your environment.") for one in gone)
        return Go(_told(progress, gone), said)
    old = _old(view, progress)
    leaving = [one for one in progress.notes[_OLD].split() if one in here]
    if not old and not leaving and view.temporary is None and not _left_over(view):
        return Go(enter(view, progress, "settle"))
    actions: list[Action] = [Terminate(ids_of(old))] if old else []
    if view.temporary is not None or _left_over(view):
        actions.append(DeleteTemporary())
    return Stay("the old instances to be gone", tuple(actions))


def _told(progress: Progress, ids: list[str]) -> Progress:
    return replace(progress, told=(*progress.told, *ids))


def _left_over(view: View) -> bool:
    return any(instance.fleet is Fleet.TEMPORARY for instance in view.instances)


def _settle(view: View, progress: Progress) -> Stay | Go:
    """The permanent group is as large as before."""
    size = wanted(progress)
    if view.desired != size:
        return Stay("the permanent group's size", (Resize(size),))
    if len(members(view)) > size:
        return Stay("surplus instances to be gone")
    return Go(enter(view, progress, "end"))


def _undo(view: View, progress: Progress) -> Stay | Go:
    """No traffic for the new fleet, then it goes; the old one was never touched."""
    if view.temporary is not None and view.temporary.weight:
        return Stay("the traffic to go back", (Shift(0),))
    if view.temporary is not None or _left_over(view):
        return Stay("the temporary Auto Scaling group to be gone", (DeleteTemporary(),))
    return Go(enter(view, progress, "end"))


def _end(manner: Manner, _view: View, progress: Progress) -> Done:
    outcome = Outcome(progress.notes.get(END, Outcome.SUCCEEDED))
    if outcome is Outcome.SUCCEEDED:
        return Done(outcome, manner.end)
    return Done(Outcome.ABORTED if outcome is Outcome.ABORTED else Outcome.ROLLED_BACK, manner.failure)

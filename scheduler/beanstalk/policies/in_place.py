"""Instances stay and carry something new out, batch by batch. The stages that all in-place policies share.

begin → batch → (drain →) command → (register →) batch … → late → end. What fails or is aborted goes to `restore`, which puts the
batch back into the balancer; a configuration then takes the same way back.
"""

from dataclasses import dataclass, replace
from functools import partial

from scheduler.beanstalk.batches import batch_size, cut
from scheduler.beanstalk.model import (
    Action,
    Command,
    Deregister,
    Instance,
    Outcome,
    Progress,
    Recall,
    Resize,
    Said,
    Serving,
    Settings,
    Terminate,
    View,
)
from scheduler.beanstalk.policies.commands import Wave, abandoned, tell, wave
from scheduler.beanstalk.policies.instances import (
    among,
    deploy,
    has,
    ids_of,
    is_well,
    members,
    register,
    start,
)
from scheduler.beanstalk.policies.way import BACK, DESIRED, END, MIXED, Done, Go, Stage, Stay, Way, ending, enter, left

_EXTRA = "extra"
"""Note: ids of the additional batch."""
_KEPT = "kept"
"""Note: ids of the instances that the way back leaves alone: they have never carried out what is taken back."""
_ABORTABLE = frozenset({"begin", "grow", "grown", "batch", "drain", "command", "register"})


@dataclass(frozen=True, slots=True)
class Manner:
    """What in-place policies differ in."""

    begin: tuple[Said, ...] = ()
    end: tuple[Said, ...] = ()
    failure: tuple[Said, ...] = ()
    reverted: tuple[Said, ...] = ()
    """Told after `failure` when the way back has been gone."""
    in_batches: bool = False
    """Batches leave the balancer and must become healthy in it again; else all instances at once, in service."""
    announces: bool = False
    """Tells of its batches."""
    additional: bool = False
    """Launches a batch of further instances first."""
    returns: bool = False
    """Failure and abort are followed by the way back."""
    abortable: bool = True


def way(manner: Manner) -> Way:
    """The policy of a manner."""
    stages = {
        "begin": _begin,
        "grow": _grow,
        "grown": _grown,
        "batch": _batch,
        "drain": _drain,
        "command": _command,
        "register": _register,
        "late": _late,
        "restore": _restore,
        "trim": _trim,
        "end": _end,
    }
    bound: dict[str, Stage] = {name: partial(stage, manner) for name, stage in stages.items()}
    return Way(bound, _ABORTABLE if manner.abortable else frozenset(), _newcomers)


def target(view: View, progress: Progress) -> int:
    """The deployment that instances are to carry out: the new one, or on the way back the one before."""
    return view.current if BACK in progress.notes else progress.deployment


def _drains(manner: Manner, settings: Settings) -> bool:
    return manner.in_batches and settings.load_balanced


def _aborted(progress: Progress) -> bool:
    return progress.aborting and END not in progress.notes


def _newcomers(view: View, progress: Progress) -> tuple[Action, ...]:
    """They have nothing to lose: they get at once what is being carried out."""
    batched = {instance_id for batch in progress.batches for instance_id in batch}
    new = (instance for instance in members(view) if instance.id not in batched)
    called_off = progress.aborting and not view.prepared
    return start(view, new, view.current if called_off else target(view, progress))


def _begin(manner: Manner, view: View, progress: Progress) -> Go:
    if _aborted(progress):
        return Go(enter(view, progress, "end", **{END: Outcome.ABORTED}))
    wanted = target(view, progress)
    todo = [one for one in members(view) if not has(one, wanted) and (one.deployment or not view.current)]
    size = batch_size(view.settings, len(members(view))) if manner.in_batches else max(1, len(todo))
    on_the_way = replace(progress, batches=cut(ids_of(todo), size), batch=0)
    if BACK in progress.notes:
        untouched = (one for one in members(view) if has(one, wanted))
        return Go(enter(view, on_the_way, "batch", **{_KEPT: " ".join(ids_of(untouched))}))
    first = "grow" if manner.additional and todo else "batch"
    return Go(enter(view, on_the_way, first, **{DESIRED: str(view.desired)}), manner.begin)


def _mine(view: View, progress: Progress) -> tuple[Instance, ...]:
    """The current batch, as far as it is still there."""
    return among(members(view), progress.batches[progress.batch]) if progress.batch < len(progress.batches) else ()


def _fail(view: View, progress: Progress, outcome: Outcome = Outcome.FAILED, events: tuple[Said, ...] = ()) -> Go:
    """The first reason not to succeed is the outcome; on the way back there is none but failure."""
    if BACK in progress.notes:
        return Go(enter(view, progress, "restore", **{MIXED: "yes"}), events)
    return Go(enter(view, progress, "restore", **{END: outcome}), events)


def _unsuccessful(view: View, progress: Progress, found: Wave) -> Go:
    return _fail(view, progress, found.outcome, abandoned(found))


def _grow(_manner: Manner, view: View, progress: Progress) -> Stay | Go:
    """An additional batch: as many instances as a batch has, which carry the deployment out as newcomers."""
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    extra = _extra(view, progress)
    found = wave(view, progress, extra, target(view, progress))
    told = tell(progress, found)
    if told is not None:
        return told
    wanted = int(progress.notes[DESIRED]) + len(progress.batches[0])
    missing = wanted - len(members(view))
    if (missing <= 0 or left(view, progress) <= 0) and found.ended:
        if found.unsuccessful:
            return _unsuccessful(view, progress, found)
        if missing > 0:
            return _fail(view, progress, Outcome.TIMED_OUT)
        return Go(enter(view, progress, "grown", **{_EXTRA: " ".join(ids_of(extra))}))
    grow = (Resize(wanted),) if view.desired < wanted else ()
    return Stay("the additional instances to carry the deployment out", grow, left(view, progress))


def _extra(view: View, progress: Progress) -> tuple[Instance, ...]:
    batched = {instance_id for batch in progress.batches for instance_id in batch}
    return tuple(instance for instance in members(view) if instance.id not in batched)


def _grown(_manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    extra = _extra(view, progress)
    wanted = int(progress.notes[DESIRED]) + len(progress.batches[0])
    if len(members(view)) >= wanted and all(is_well(instance, view.settings) for instance in extra):
        return Go(enter(view, progress, "batch"))
    if left(view, progress) <= 0:
        return _fail(view, progress)
    return Stay("the additional instances to be healthy", register(view, extra), left(view, progress))


def _said(manner: Manner, progress: Progress, text: str) -> tuple[Said, ...]:
    """An event of the batch."""
    return (Said(f"Batch {progress.batch + 1}: {text}"),) if manner.announces and BACK not in progress.notes else ()


def _batch(manner: Manner, view: View, progress: Progress) -> Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    if progress.batch >= len(progress.batches):
        return Go(enter(view, progress, "late"))
    alive = _mine(view, progress)
    if not alive:
        return Go(enter(view, replace(progress, batch=progress.batch + 1), "batch"))
    text = f"Starting application deployment on instance(s) [{','.join(ids_of(alive))}]."
    said = _said(manner, progress, text)
    if _drains(manner, view.settings):
        out = "De-registering instance(s) from the load balancer and waiting for them to go out of service."
        return Go(enter(view, progress, "drain"), (*said, *_said(manner, progress, out)))
    return Go(enter(view, progress, "command"), (*said, *_said(manner, progress, _EXECUTION)))


_EXECUTION = "Starting application deployment command execution."


def _drain(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    serving = [instance for instance in _mine(view, progress) if instance.serving is not Serving.OUT]
    if not serving or left(view, progress) <= 0:
        return Go(enter(view, progress, "command"), _said(manner, progress, _EXECUTION))
    registered = ids_of(instance for instance in serving if instance.serving is not Serving.DRAINING)
    actions = (Deregister(registered),) if registered else ()
    return Stay("the batch to go out of service", actions, left(view, progress))


def _command(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress) and not view.prepared:
        return _call_off(view, progress)
    wanted = target(view, progress)
    found = wave(view, progress, _mine(view, progress), wanted)
    told = tell(progress, found)
    if told is not None:
        return told
    if not found.ended:
        return Stay("the command to end", deploy(found.untold, wanted), left(view, progress))
    if found.unsuccessful:
        return _unsuccessful(view, progress, found)
    completed = _said(manner, progress, "Completed application deployment command execution.")
    if not manner.in_batches:
        return Go(enter(view, replace(progress, batch=progress.batch + 1), "batch"), completed)
    everyone = members(view)
    through = sum(has(instance, wanted) for instance in everyone)
    if completed:
        count = f"Command execution completed on {through} of {len(everyone)} instances in environment."
        completed = (*completed, Said(count))
    if _drains(manner, view.settings):
        text = "Registering instance(s) with the load balancer and waiting for them to be healthy."
        completed = (*completed, *_said(manner, progress, text))
    return Go(enter(view, progress, "register"), completed)


def _call_off(view: View, progress: Progress) -> Stay | Go:
    mine = (one for one in members(view) if one.deployment == progress.deployment and one.command is Command.RUNNING)
    told = ids_of(mine)
    if told:
        return Stay("the instances to be as before", (Recall(told),))
    return _fail(view, progress, Outcome.ABORTED)


def _register(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    mine = _mine(view, progress)
    if all(is_well(instance, view.settings) for instance in mine):
        completed = _said(manner, progress, "Completed application deployment.")
        return Go(enter(view, replace(progress, batch=progress.batch + 1), "batch"), completed)
    if left(view, progress) <= 0:
        return _fail(view, progress)
    return Stay("the batch to be healthy", register(view, mine), left(view, progress))


def _late(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    """Instances that Auto Scaling launched meanwhile must have it, too."""
    wanted, everyone = target(view, progress), members(view)
    found = wave(view, progress, everyone, wanted)
    told = tell(replace(progress, told=(*progress.told, *_known(progress))), found)
    if told is not None:
        return told
    if not found.ended:
        untold = deploy((instance for instance in found.untold if instance.deployment), wanted)
        return Stay("new instances to carry it out", untold, left(view, progress))
    if found.unsuccessful:
        return _unsuccessful(view, progress, found)
    asked = register(view, everyone)
    if asked and left(view, progress) > 0:
        return Stay("new instances to be registered", asked, left(view, progress))
    return Go(enter(view, progress, "trim" if manner.additional else "end"))


def _known(progress: Progress) -> tuple[str, ...]:
    """Instances of batches were told of with their batch."""
    others = f"{progress.notes.get(_EXTRA, '')} {progress.notes.get(_KEPT, '')}"
    return (*(one for batch in progress.batches for one in batch), *others.split())


def _restore(manner: Manner, view: View, progress: Progress) -> Stay | Go:
    """What was taken out of the balancer goes back into it."""
    asked = register(view, _mine(view, progress))
    if asked and left(view, progress) > 0:
        return Stay("the batch to be registered again", asked, left(view, progress))
    back = manner.returns and BACK not in progress.notes and view.settings.rollback_on_failure and view.current > 0
    if back:
        return Go(enter(view, progress, "begin", **{BACK: "yes"}))
    return Go(enter(view, progress, "trim" if manner.additional else "end"))


def _trim(_manner: Manner, view: View, progress: Progress) -> Stay | Go:
    """The additional batch goes."""
    original, alive = int(progress.notes.get(DESIRED, view.desired)), members(view)
    over = view.desired - original
    surplus = len(alive) - original
    if over <= 0 and surplus <= 0:
        return Go(enter(view, progress, "end"))
    extra = _extra(view, progress)
    leaves = [*reversed(extra), *(one for one in reversed(alive) if one not in extra)][: max(0, min(over, surplus))]
    actions: tuple[Action, ...] = (Terminate(ids_of(leaves)),) if leaves else (Resize(original),)
    return Stay("the additional instances to be gone", actions if over > 0 else ())


def _end(manner: Manner, _view: View, progress: Progress) -> Done:
    return ending(progress, manner.end, manner.failure, manner.reverted)

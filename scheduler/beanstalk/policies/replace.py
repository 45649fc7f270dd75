"""Rolling configuration updates that replace instances: some go, as many come with the new launch settings, then the next.

begin → settings → (grow →) take → terminate → renew → (healthy | pause →) take … → late → trim → end. What fails or is aborted
starts a second update, back to the launch settings and the deployment before.
"""

from dataclasses import replace

from scheduler.beanstalk.model import (
    Action,
    Instance,
    LaunchWith,
    Outcome,
    Progress,
    Resize,
    Said,
    Serving,
    Terminate,
    View,
)
from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.commands import abandoned, tell, wave
from scheduler.beanstalk.policies.instances import UNSERVED, ids_of, is_well, members, register, start
from scheduler.beanstalk.policies.way import (
    BACK,
    DESIRED,
    END,
    MIXED,
    Done,
    Go,
    Stay,
    Way,
    elapsed,
    ending,
    enter,
    left,
)

_ADDED = "added"
"""Note: ids of the instances of the new generation that have been told of, or are there from before."""
_ABORTABLE = frozenset({"begin", "settings", "grow", "take", "terminate", "renew", "healthy", "pause", "late"})


def _deployment(view: View, progress: Progress) -> int:
    return view.current if BACK in progress.notes else progress.deployment


def _generation(view: View, progress: Progress) -> int:
    return view.current_generation if BACK in progress.notes else progress.generation


def _newcomers(view: View, progress: Progress) -> tuple[Action, ...]:
    return start(view, members(view), _deployment(view, progress))


def _renewed(view: View, progress: Progress) -> tuple[Instance, ...]:
    wanted = _generation(view, progress)
    return tuple(instance for instance in members(view) if instance.generation == wanted)


def _aborted(progress: Progress) -> bool:
    return progress.aborting and END not in progress.notes


def _fail(view: View, progress: Progress, outcome: Outcome = Outcome.FAILED, events: tuple[Said, ...] = ()) -> Go:
    if BACK in progress.notes:
        return Go(enter(view, progress, "trim", **{MIXED: "yes"}), events)
    failed = enter(view, progress, "trim", **{END: outcome})
    if not view.settings.rollback_on_failure or not view.current:
        return Go(failed, events)
    back = enter(view, replace(failed, batches=(), batch=0), "settings", **{BACK: "yes"})
    untouched = ids_of(_renewed(view, back))  # they are neither deployed to nor added
    return Go(replace(back, notes={**back.notes, _ADDED: " ".join(untouched)}), events)


def _begin(view: View, progress: Progress) -> Go:
    if progress.aborting:
        return Go(enter(view, progress, "end", **{END: Outcome.ABORTED}))
    return Go(enter(view, progress, "settings", **{DESIRED: str(view.desired)}), (texts.updating(view.name),))


def _settings(view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    wanted = _generation(view, progress)
    if view.launches != wanted:
        return Stay("the group's launch settings", (LaunchWith(wanted),))
    return Go(enter(view, progress, "grow" if _size(view, progress) > view.desired else "take"))


def _size(view: View, progress: Progress) -> int:
    """The group's size during the update: larger than before if else MinInstancesInService left no room for a batch."""
    original, settings = int(progress.notes[DESIRED]), view.settings
    if settings.rolling_update is None or original == 0:
        return original
    room = max(view.maximum, original)
    return original if original > settings.min_in_service else min(settings.min_in_service + settings.max_batch, room)


def _grow(view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    size = _size(view, progress)
    found = wave(view, progress, _renewed(view, progress), _deployment(view, progress))
    told = tell(_knowing(progress), found)
    if told is not None:
        return told
    whole = len(members(view)) >= size
    if found.ended and (whole or left(view, progress) <= 0):
        if found.unsuccessful or not whole:
            return _fail(view, progress, found.outcome, abandoned(found) if found.unsuccessful else ())
        return Go(enter(view, progress, _after(view)))
    return Stay("further instances", (Resize(size),) if view.desired < size else (), left(view, progress))


def _after(view: View) -> str:
    return {"Time": "pause", "Health": "healthy"}.get(view.settings.rolling_update or "", "take")


def _take(view: View, progress: Progress) -> Stay | Go:
    """The next batch: those that serve nobody first, then as many that serve as may be missing."""
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    renewed = _renewed(view, progress)
    old = [instance for instance in members(view) if instance not in renewed]
    if not old:
        return Go(enter(view, progress, "late"))
    if view.settings.rolling_update is None:
        return _taken(view, progress, old)
    serving = [instance for instance in old if instance.serving is Serving.IN_SERVICE]
    idle = [instance for instance in old if instance not in serving]
    in_service = sum(instance.serving is Serving.IN_SERVICE for instance in members(view))
    spare = max(0, in_service - view.settings.min_in_service)
    if left(view, progress) <= 0:
        spare = max(1, spare)
    taken = [*idle, *serving[:spare]][: view.settings.max_batch]
    if taken:
        return _taken(view, progress, taken)
    return Stay("enough instances to be in service", register(view, renewed), left(view, progress))


def _taken(view: View, progress: Progress, taken: list[Instance]) -> Go:
    batches = (*progress.batches, ids_of(taken))
    return Go(enter(view, replace(progress, batches=batches, batch=len(batches) - 1), "terminate"))


def _terminate(view: View, progress: Progress) -> Stay | Go:
    batch = progress.batches[progress.batch]
    here = [instance for instance in view.instances if instance.id in batch]
    if here:
        staying = ids_of(instance for instance in here if not instance.leaving)
        actions = (Terminate(staying, replaced=True),) if staying else ()
        return Stay("the batch to be terminated", actions)
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    return Go(enter(view, progress, "renew"), tuple(_removed(one) for one in batch))


def _removed(instance_id: str) -> Said:
    return Said(f"Removed instance [{instance_id}] from your environment.")


def _renew(view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    mine = _renewed(view, progress)
    found = wave(view, progress, mine, _deployment(view, progress))
    told = tell(_knowing(progress), found)
    if told is not None:
        return told
    whole = len(members(view)) >= view.desired
    if found.ended and (whole or left(view, progress) <= 0):
        if found.unsuccessful or not whole:
            return _fail(view, progress, found.outcome, abandoned(found) if found.unsuccessful else ())
        return Go(enter(view, progress, _after(view), **{_ADDED: " ".join(ids_of(mine))}), _added(progress, mine))
    return Stay("new instances to carry the deployment out", (), left(view, progress))


def _knowing(progress: Progress) -> Progress:
    """As if those that were added before had been told of in this stage."""
    return replace(progress, told=(*progress.told, *progress.notes.get(_ADDED, "").split()))


def _added(progress: Progress, mine: tuple[Instance, ...]) -> tuple[Said, ...]:
    before = progress.notes.get(_ADDED, "").split()
    new = [instance.id for instance in mine if instance.id not in before]
    plural = "instances" if len(new) > 1 else "instance"
    return (Said(f"Added {plural} [{', '.join(new)}] to your environment."),) if new else ()


def _healthy(view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    mine = _renewed(view, progress)
    if all(is_well(instance, view.settings) for instance in mine):
        return Go(enter(view, progress, "take"))
    remaining = view.settings.update_timeout - elapsed(view, progress)
    if remaining <= 0:
        return _fail(view, progress)
    return Stay("new instances to be healthy", register(view, mine), remaining)


def _pause(view: View, progress: Progress) -> Stay | Go:
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    remaining = view.settings.pause - elapsed(view, progress)
    if remaining <= 0:
        return Go(enter(view, progress, "take"))
    return Stay("the pause time to pass", (), remaining)


def _late(view: View, progress: Progress) -> Stay | Go:
    """Nothing old is left; what Auto Scaling launched last must have carried the deployment out and be registered."""
    if _aborted(progress):
        return _fail(view, progress, Outcome.ABORTED)
    mine = members(view)
    found = wave(view, progress, mine, _deployment(view, progress))
    if found.ended and found.unsuccessful:
        return _fail(view, progress, found.outcome, abandoned(found))
    unregistered = view.settings.load_balanced and any(one.serving in UNSERVED for one in mine)
    if not found.ended or (unregistered and left(view, progress) > 0):
        return Stay("new instances to be registered", register(view, mine) if found.ended else (), left(view, progress))
    return Go(enter(view, progress, "trim"))


def _trim(view: View, progress: Progress) -> Stay | Go:
    size = int(progress.notes[DESIRED])
    if view.desired != size:
        return Stay("the group's size as before", (Resize(size),))
    if len(members(view)) > size:
        return Stay("surplus instances to be gone")
    return Go(enter(view, progress, "end"))


def _end(_view: View, progress: Progress) -> Done:
    end = (texts.NEW_CONFIGURATION, texts.COMPLETED)
    return ending(progress, end, (texts.NOT_CONFIGURED,), (texts.REVERTED,))


REPLACE = Way(
    {
        "begin": _begin,
        "settings": _settings,
        "grow": _grow,
        "take": _take,
        "terminate": _terminate,
        "renew": _renew,
        "healthy": _healthy,
        "pause": _pause,
        "late": _late,
        "trim": _trim,
        "end": _end,
    },
    _ABORTABLE,
    _newcomers,
)

"""TrafficSplitting: a new fleet gets a share of the requests for a while, then all of them, then it replaces the old one.

While the new fleet is evaluated, an ill instance of it, or an abort, takes the share away again and the fleet with it. The old
instances leave the balancer only when the new ones are in service behind their own target group, and only then the listener
forwards to that one again. AWS's event texts of the traffic's stages are not known; none are made up.
"""

from scheduler.beanstalk.model import Deregister, Fleet, Outcome, Progress, Serving, Shift, View
from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.commands import abandoned
from scheduler.beanstalk.policies.instances import has, ids_of, is_ill, is_well, members, register
from scheduler.beanstalk.policies.new_fleet import Manner, is_new, new_wave, undo, wanted, way
from scheduler.beanstalk.policies.way import Go, Stay, command_limit, elapsed, enter, left


def _split(view: View, progress: Progress) -> Stay | Go:
    return _shift(view, progress, view.settings.new_version_percent, "evaluate")


def _full(view: View, progress: Progress) -> Stay | Go:
    return _shift(view, progress, 100, "adopt")


def _shift(view: View, progress: Progress, percent: int, then: str) -> Stay | Go:
    if progress.aborting:
        return undo(view, progress, Outcome.ABORTED)
    if view.temporary is None or left(view, progress) <= 0:
        return undo(view, progress)
    if view.temporary.weight == percent:
        return Go(enter(view, progress, then))
    return Stay(f"the listener to forward {percent} % to the new version", (Shift(percent),), left(view, progress))


def _evaluate(view: View, progress: Progress) -> Stay | Go:
    mine, found = members(view, Fleet.TEMPORARY), new_wave(view, progress)
    remaining = view.settings.evaluation_seconds - elapsed(view, progress)
    overdue = remaining + command_limit(view.settings)
    if progress.aborting:
        return undo(view, progress, Outcome.ABORTED)
    if found.failed:
        return undo(view, progress, Outcome.FAILED, abandoned(found))
    ill = any(is_ill(instance, view.settings) for instance in mine)
    if ill or view.temporary is None or overdue <= 0:
        return undo(view, progress)
    well = all(is_new(progress, one) and is_well(one, view.settings) for one in mine)
    if remaining <= 0 and well and len(mine) >= wanted(progress):
        return Go(enter(view, progress, "full"))
    ready = (instance for instance in mine if has(instance, progress.deployment))
    what = "the evaluation time to pass" if remaining > 0 else "the new version to be healthy"
    return Stay(what, register(view, ready), remaining if remaining > 0 else overdue)


def _arrive(view: View, progress: Progress) -> Stay | Go:
    """The new instances behind the permanent target group."""
    new = [instance for instance in members(view) if has(instance, progress.deployment)]
    if all(instance.serving is Serving.IN_SERVICE for instance in new) or left(view, progress) <= 0:
        return Go(enter(view, progress, "retire"))
    return Stay("the new instances to be in service", register(view, new), left(view, progress))


def _retire(view: View, progress: Progress) -> Stay | Go:
    """The old ones out of it."""
    old = [one for one in members(view) if one.deployment not in {0, progress.deployment}]
    serving = [instance for instance in old if instance.serving is not Serving.OUT]
    if not serving or left(view, progress) <= 0:
        return Go(enter(view, progress, "return"))
    registered = ids_of(instance for instance in serving if instance.serving is not Serving.DRAINING)
    return Stay(
        "the old instances to go out of service",
        (Deregister(registered),) if registered else (),
        left(view, progress),
    )


def _return(view: View, progress: Progress) -> Stay | Go:
    """The listener forwards to the permanent target group again, where only the new version is."""
    if view.temporary is not None and view.temporary.weight:
        return Stay("the listener to forward to the permanent target group", (Shift(0),))
    return Go(enter(view, progress, "terminate"))


TRAFFIC_SPLITTING = way(
    Manner(
        begin=(),
        end=(texts.NEW_VERSION, texts.COMPLETED),
        failure=(texts.NOT_DEPLOYED,),
        test_first=False,
        own_target_group=True,
        then="split",
        settled="arrive",
    ),
    {
        "split": _split,
        "evaluate": _evaluate,
        "full": _full,
        "arrive": _arrive,
        "retire": _retire,
        "return": _return,
    },
)

"""The first instances of an environment and the first deployment. Its instances serve before the launch is told to be through."""

from scheduler.beanstalk.model import Action, Command, Outcome, Progress, Said, Serving, Severity, View
from scheduler.beanstalk.policies.commands import Wave, abandoned, tell, wave
from scheduler.beanstalk.policies.instances import deploy, members, register
from scheduler.beanstalk.policies.way import Done, Go, Stay, Way, enter, left

_MORE = "For more information, see troubleshooting documentation."
WITH_ERRORS = Said(f"Create environment operation is complete, but with errors. {_MORE}", Severity.ERROR)
WITH_TIMEOUTS = Said(
    "Create environment operation is complete, but with command timeouts. Try increasing the timeout period.",
    Severity.ERROR,
)
NO_INSTANCES = Said("Failed to launch environment.", Severity.ERROR)


def _begin(view: View, progress: Progress) -> Go:
    return Go(enter(view, progress, "instances"))


def _instances(view: View, progress: Progress) -> Stay | Go | Done:
    mine = members(view)
    found = wave(view, progress, mine, progress.deployment)
    told = tell(progress, found)
    if told is not None:
        return told
    here = len(mine) >= view.desired
    if not found.ended or not (here or left(view, progress) <= 0):
        asked = deploy(found.untold, progress.deployment)
        what = "the command to end" if here else "instances to be launched"
        return Stay(what, asked, left(view, progress))
    if found.unsuccessful or not here:
        return _failed(view, found)
    return Go(enter(view, progress, "serve"))


def _failed(view: View, found: Wave) -> Done:
    if found.timed_out and not found.failed:
        issues = (
            f"Launched environment: {view.name}. However, there were issues during launch. See event log for details."
        )
        return Done(Outcome.TIMED_OUT, (*abandoned(found), WITH_TIMEOUTS, Said(issues, Severity.WARN)))
    if found.failed:
        return Done(Outcome.FAILED, (*abandoned(found), WITH_ERRORS))
    return Done(Outcome.FAILED, (NO_INSTANCES if not found.succeeded else WITH_ERRORS,))


def _serve(view: View, progress: Progress) -> Stay | Done:
    mine = members(view)
    waiting = [instance for instance in mine if instance.serving is not Serving.IN_SERVICE]
    if waiting and left(view, progress) > 0:
        return Stay("the instances to be in service", _register(view), left(view, progress))
    available = (Said(f"Application available at {view.cname}."),) if view.cname else ()
    return Done(Outcome.SUCCEEDED, (*available, Said(f"Successfully launched environment: {view.name}")))


def _register(view: View) -> tuple[Action, ...]:
    return register(view, (one for one in members(view) if one.command is Command.SUCCEEDED))


def _newcomers(view: View, progress: Progress) -> tuple[Action, ...]:
    if progress.stage != "serve":
        return ()
    return deploy((one for one in members(view) if one.deployment == 0), progress.deployment)


LAUNCH = Way({"begin": _begin, "instances": _instances, "serve": _serve}, newcomers=_newcomers)

"""Enhanced health: from observations to a status, a colour and causes in AWS's words.

AWS tells the texts of causes, not the bounds; those of this module (`BOUNDS`, `_MANY`, `_SILENT`, `_GRACE`, `_RECENT`) are
(unconfirmed).
"""

from collections.abc import Iterable
from datetime import datetime

from scheduler.beanstalk.health_model import (
    BADNESS,
    Activity,
    EnvironmentObservation,
    Expectation,
    HealthStatus,
    InstanceObservation,
    Judgement,
)
from scheduler.beanstalk.model import Command, Serving
from scheduler.beanstalk.request_statistics import Requests, together

BOUNDS = {
    5: ((20.0, HealthStatus.SEVERE), (5.0, HealthStatus.DEGRADED), (1.0, HealthStatus.WARNING)),
    4: ((50.0, HealthStatus.SEVERE), (30.0, HealthStatus.DEGRADED), (15.0, HealthStatus.WARNING)),
}
"""Percent of the requests that fail, by status class, from which on."""
FEWEST = 5
"""Requests in ten seconds; of fewer no share is said."""
BUSY = 95.0
"""Percent of CPU."""
_SILENT = 60.0
"""Seconds without data."""
_GRACE = 60.0
"""Seconds after its command in which an instance may come into service."""
_RECENT = 120.0
"""Seconds for which the end of a command is told."""
_MANY = 0.5


def unable_to_assume(role: str) -> str:
    """What is told of an environment whose service role, by its ARN, is not there."""
    return f'Unable to assume role "{role}". Verify that the role exists and is configured correctly.'


def spoken(seconds: float) -> str:
    """`79 seconds`, `4 minutes`: whole units, the largest of which there are two."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds) // size} {unit}"
    count = int(max(0.0, seconds))
    return f"{count} second" if count == 1 else f"{count} seconds"


def ago(since: datetime, now: datetime) -> str:
    return spoken((now - since).total_seconds())


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The worst of them, with the causes of all that are bad, the worst first."""
    bad = sorted(judgements, key=lambda one: -BADNESS.get(one.status, 0))
    return Judgement(bad[0].status, tuple(dict.fromkeys(cause for one in bad for cause in one.causes)))


def judge_instance(seen: InstanceObservation, expected: Expectation, now: datetime) -> Judgement:
    """How well an instance is."""
    if seen.command is Command.RUNNING:
        return _busy_instance(seen, expected, now)
    silent = (now - (seen.last_seen or seen.launched_at)).total_seconds()
    if seen.command is Command.NONE and silent < expected.command_timeout:
        running = f"Performing initialization (running for {ago(seen.launched_at, now)})."
        return Judgement(HealthStatus.PENDING, (running,))
    if silent > _SILENT:
        return Judgement(HealthStatus.NO_DATA, (f"No data. Last seen {spoken(silent)} ago.",))
    found = [*_failures(seen, expected, now), *_requests(seen, expected)]
    if seen.cpu is not None and seen.cpu >= BUSY:
        found.append(Judgement(HealthStatus.WARNING, (f"{int(seen.cpu)}% of CPU is in use.",)))
    return worst(found) if found else _fine(seen, now)


def _busy_instance(seen: InstanceObservation, expected: Expectation, now: datetime) -> Judgement:
    since = seen.command_since or seen.launched_at
    cause = f"Performing {seen.activity} (running for {ago(since, now)})."
    if (now - since).total_seconds() > expected.command_timeout:
        return Judgement(HealthStatus.WARNING, (cause,))
    first = seen.activity is Activity.INITIALIZATION
    return Judgement(HealthStatus.PENDING if first else HealthStatus.INFO, (cause,))


def _ended(seen: InstanceObservation, word: str, now: datetime) -> str:
    ended, since = seen.command_ended, seen.command_since
    if ended is None or since is None:
        return f"{seen.activity.capitalize()} {word}."
    return f"{seen.activity.capitalize()} {word} {ago(ended, now)} ago and took {ago(since, ended)}."


def _failures(seen: InstanceObservation, expected: Expectation, now: datetime) -> list[Judgement]:
    found = []
    if seen.command in {Command.FAILED, Command.TIMED_OUT}:
        found.append(Judgement(HealthStatus.DEGRADED, (_ended(seen, "failed", now),)))
    elif not seen.running:
        found.append(Judgement(HealthStatus.SEVERE, ("Following services are not running: application.",)))
    if out_of_service(seen, now):
        since = ago(seen.serving_since or seen.launched_at, now)
        found.append(Judgement(HealthStatus.SEVERE, (f"Instance ELB health has not been available for {since}.",)))
    if is_incorrect(seen, expected):
        wrong = f'Incorrect application version "{seen.version}" (deployment {seen.deployment}).'
        wanted = f'Expected version "{expected.version}" (deployment {expected.deployment}).'
        found.append(Judgement(HealthStatus.DEGRADED, (f"{wrong} {wanted}",)))
    return found


def out_of_service(seen: InstanceObservation, now: datetime) -> bool:
    """The balancer's checks of it fail, and have for longer than it takes to come into service."""
    if seen.serving is not Serving.WAITING:
        return False
    since = max(seen.serving_since or seen.launched_at, seen.command_ended or seen.launched_at)
    return (now - since).total_seconds() >= _GRACE


def is_incorrect(seen: InstanceObservation, expected: Expectation) -> bool:
    """It runs another version than the last that succeeded; one that only begins runs none yet."""
    known = seen.deployment and expected.deployment and not expected.busy and seen.command is not Command.RUNNING
    return bool(known) and seen.version != expected.version


def _requests(seen: InstanceObservation, expected: Expectation) -> list[Judgement]:
    return _shares(seen.requests, "of the requests are", allow_4xx=expected.instance_4xx)


def _shares(requests: Requests, of: str, *, allow_4xx: bool) -> list[Judgement]:
    found = []
    for status_class, word in ((5, "failing"), (4, "erroring")):
        share = requests.share(status_class)
        if requests.count < FEWEST or (status_class == 4 and not allow_4xx):
            continue
        status = next((status for bound, status in BOUNDS[status_class] if share >= bound), None)
        if status is not None:
            what = of.replace("the requests", "requests") if status_class == 4 and "ELB" not in of else of
            found.append(Judgement(status, (f"{int(share)}% {what} {word} with HTTP {status_class}xx.",)))
    return found


def _fine(seen: InstanceObservation, now: datetime) -> Judgement:
    recent = seen.command_ended is not None and (now - seen.command_ended).total_seconds() < _RECENT
    return Judgement(HealthStatus.OK, (_ended(seen, "completed", now),) if recent else ())


def judge_environment(seen: EnvironmentObservation) -> Judgement:
    """How well an environment is."""
    if seen.role is not None:
        unable = unable_to_assume(seen.role)
        return Judgement(HealthStatus.SUSPENDED, (unable,))
    if seen.group_gone is not None:
        modified = f"Auto Scaling group ({seen.group_gone}) notifications have been deleted or modified."
        return Judgement(HealthStatus.SUSPENDED, (modified,))
    judged = {one.id: judge_instance(one, seen.expected, seen.now) for one in seen.instances}
    found = [*_of_instances(seen, judged), *_of_group(seen, judged), *_of_requests(seen), *_of_queue(seen)]
    going = _going_on(seen)
    if seen.operation is not None and seen.operation.ended is None and not any(one.status in BADNESS for one in found):
        return Judgement(going.status, (*going.causes, *(cause for one in found for cause in one.causes)))
    if found:
        told = worst(found)
        return Judgement(told.status, (*told.causes, *_last(seen)))
    if all(
        one.status is HealthStatus.PENDING for one in judged.values()
    ):  # Auto Scaling has replaced all (unconfirmed)
        since = ago(min(one.launched_at for one in seen.instances), seen.now)
        return Judgement(HealthStatus.PENDING, (f"Initialization in progress (running for {since}).",))
    return Judgement(HealthStatus.OK, _last(seen))


def _out_of(count: int, total: int) -> str:
    return "all instances" if count == total else f"{count} out of {total} instances"


def _going_on(seen: EnvironmentObservation) -> Judgement:
    operation = seen.operation
    if operation is None:
        return Judgement(HealthStatus.OK)
    total = len(seen.instances)
    running = sum(one.command is Command.RUNNING for one in seen.instances)
    if operation.activity is Activity.INITIALIZATION:
        begun = f"Initialization in progress (running for {ago(operation.since, seen.now)})."
        return Judgement(HealthStatus.PENDING, (begun,))
    if running:
        return Judgement(HealthStatus.INFO, (f"Command is executing on {_out_of(running, total)}.",))
    begun = f"{operation.activity.capitalize()} in progress (running for {ago(operation.since, seen.now)})."
    return Judgement(HealthStatus.INFO, (begun,))


def _last(seen: EnvironmentObservation) -> tuple[str, ...]:
    """That an operation ended just now."""
    last = seen.operation
    if last is None or last.ended is None or (seen.now - last.ended).total_seconds() >= _RECENT:
        return ()
    took = f"{ago(last.ended, seen.now)} ago and took {ago(last.since, last.ended)}"
    return (f"{last.activity.capitalize()} {'failed' if last.failed else 'completed'} {took}.",)


def _of_instances(seen: EnvironmentObservation, judged: dict[str, Judgement]) -> list[Judgement]:
    total = len(seen.instances)
    if not total:
        return []
    found = []

    def told(count: int, text: str, some: HealthStatus, every: HealthStatus) -> None:
        if count:
            status = every if count == total else HealthStatus.DEGRADED if count / total >= _MANY else some
            found.append(Judgement(status, (text,)))

    silent = sum(one.status is HealthStatus.NO_DATA for one in judged.values())
    if silent == total:
        return [Judgement(HealthStatus.NO_DATA, ("None of the instances are sending data.",))]
    failed = sum(one.command in {Command.FAILED, Command.TIMED_OUT} for one in seen.instances)
    text = f"Command failed on {_out_of(failed, total)}."
    told(failed, text, HealthStatus.WARNING, HealthStatus.DEGRADED)
    away = sum(out_of_service(one, seen.now) for one in seen.instances)
    text = f"ELB health is failing or not available for {_out_of(away, total)}."
    told(away, text, HealthStatus.WARNING, HealthStatus.SEVERE)
    wrong = sum(is_incorrect(one, seen.expected) for one in seen.instances)
    told(wrong, _incorrect(wrong, total, seen.expected), HealthStatus.WARNING, HealthStatus.DEGRADED)
    sound = {Command.SUCCEEDED}
    impaired = sum(not one.running and one.command in sound for one in seen.instances)
    text = f"Impaired services on {_out_of(impaired, total)}."
    told(impaired, text, HealthStatus.WARNING, HealthStatus.SEVERE)
    busy = [one.cpu for one in seen.instances if one.cpu is not None and one.cpu >= BUSY]
    if len(busy) == total:
        found.append(Judgement(HealthStatus.WARNING, (f"{int(min(busy))}% of CPU is in use.",)))
    return found


def _incorrect(wrong: int, total: int, expected: Expectation) -> str:
    wanted = f'Expected version "{expected.version}" (deployment {expected.deployment}).'
    if wrong == total:
        return f"Incorrect application version on environment instances. {wanted}"
    return f"Incorrect application version found on {_out_of(wrong, total)}. {wanted}"


def _of_group(seen: EnvironmentObservation, judged: dict[str, Judgement]) -> list[Judgement]:
    total = len(seen.instances)
    busy = seen.operation is not None and seen.operation.ended is None
    if not total:
        causes: tuple[str, ...] = ("There are no instances.",)
        if not busy and not seen.desired:
            causes = (*causes, f"Auto Scaling group desired capacity is set to {seen.desired}.")
        return [
            Judgement(
                HealthStatus.PENDING if busy else HealthStatus.SEVERE if seen.desired else HealthStatus.UNKNOWN, causes
            )
        ]
    active = sum(one.status is not HealthStatus.NO_DATA for one in judged.values())
    if busy or not active or active >= seen.minimum:
        return []
    below = f"{active} active instances is below Auto Scaling group minimum size {seen.minimum}."
    return [Judgement(HealthStatus.DEGRADED, (below,))]


def _of_requests(seen: EnvironmentObservation) -> list[Judgement]:
    requests = together(one.requests for one in seen.instances)
    of = "of the requests to the ELB are" if seen.has_balancer else "of the requests are"
    allowed = seen.balancer_4xx if seen.has_balancer else seen.expected.instance_4xx
    return _shares(requests, of, allow_4xx=allowed)


def _of_queue(seen: EnvironmentObservation) -> list[Judgement]:
    if seen.queue_seen is None or not seen.dead_letters:
        return []
    when = ago(seen.queue_seen, seen.now)
    causes = [f"{seen.dead_letters} messages in Dead Letter Queue ({when} ago)."]
    if seen.waiting_messages:
        causes.insert(0, f"{seen.waiting_messages} messages waiting in the queue ({when} ago).")
    return [Judgement(HealthStatus.WARNING, tuple(causes))]

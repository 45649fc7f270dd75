"""Judges an environment from what was seen of it, and writes the judgement, its events and its metrics."""

from collections.abc import Sequence

from emulator.beanstalk.environment_creation import LOOP as ENVIRONMENTS
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.health_documents import (
    basic_document,
    basic_of,
    history_document,
    history_of,
    judgement_document,
    requests_document,
    written,
)
from emulator.beanstalk.health_metrics import publish
from emulator.beanstalk.health_observations import (
    Outside,
    expectation_of,
    observe_environment,
    observe_instance,
)
from emulator.beanstalk.log_streams import LOOP as LOG_STREAMS
from emulator.beanstalk.log_streams import streams_health
from emulator.beanstalk.option_values import HEALTH, Values, values_of
from emulator.context import Context
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from scheduler.beanstalk.basic_health import BasicObservation, check
from scheduler.beanstalk.health import judge_environment, judge_instance
from scheduler.beanstalk.health_history import Checks, Shown, count, show
from scheduler.beanstalk.health_model import HealthStatus, InstanceObservation, Judgement
from scheduler.beanstalk.model import Serving
from scheduler.beanstalk.request_statistics import together


def judge(context: Context, row: EnvironmentRow, items: Sequence[BeanstalkInstanceRow], outside: Outside) -> bool:
    """Look at everything once; whether it is well and at rest."""
    values = values_of(row.bundle_settings, row.settings)
    expected = expectation_of(context, row, values)
    seen = [observe_instance(context, row, item, outside) for item in items]
    threshold = values.get(HEALTH, "HealthCheckSuccessThreshold", "Ok")
    found = []
    for item, one in zip(items, seen, strict=True):
        judgement = judge_instance(one, expected, context.now)
        _count(context, row, item, one, judgement, threshold)
        found.append(judgement)
    if not values.enhanced:
        return _basic(context, row, seen, outside)
    whole = judge_environment(observe_environment(context, row, seen, expected, outside, values))
    shown = show(history_of(row.health.get("history")), whole, context.now)
    _write(context, row, seen, found, shown)
    _tell(context, row, items, shown, values)
    return row.operation is None and all(one.status is HealthStatus.OK for one in (*found, whole, shown.judgement))


def _count(
    context: Context,
    row: EnvironmentRow,
    item: BeanstalkInstanceRow,
    one: InstanceObservation,
    judgement: Judgement,
    threshold: str,
) -> None:
    in_service = one.serving is Serving.IN_SERVICE if one.serving is not None else one.running
    before = Checks(item.healthy_checks, item.failed_checks)
    after = count(before, judgement.status, threshold, in_service=in_service)
    item.healthy_checks, item.failed_checks = after.healthy, after.failed
    item.health = {
        **item.health,
        **judgement_document(judgement),
        "requests": requests_document(one.requests),
        "cpu": one.cpu,
        "at": written(context.now),
    }
    if row.operation is not None and after != before:
        context.wake(ENVIRONMENTS, row.id)


def _write(
    context: Context,
    row: EnvironmentRow,
    seen: Sequence[InstanceObservation],
    found: Sequence[Judgement],
    shown: Shown,
) -> None:
    counts = {status.value: 0 for status in HealthStatus if status is not HealthStatus.SUSPENDED}
    for judgement in found:
        counts[judgement.status.value] += 1
    row.health = {
        **row.health,
        **judgement_document(shown.judgement),
        "history": history_document(shown.history),
        "requests": requests_document(together(one.requests for one in seen)),
        "instances": counts,
        "at": written(context.now),
    }


def _tell(
    context: Context, row: EnvironmentRow, items: Sequence[BeanstalkInstanceRow], shown: Shown, values: Values
) -> None:
    """Events of health have no request id: they are no operation's."""
    if shown.event is not None:
        tell_environment(context, row, shown.event.message, shown.event.severity)
    if shown.published:
        publish(context, row, items, values)
        if streams_health(values):
            context.wake(LOG_STREAMS, row.id)


def _basic(context: Context, row: EnvironmentRow, seen: Sequence[InstanceObservation], outside: Outside) -> bool:
    serving = [one.serving or (Serving.IN_SERVICE if one.running else Serving.WAITING) for one in seen]
    observation = BasicObservation(
        busy=row.operation is not None,
        in_service=serving.count(Serving.IN_SERVICE),
        failed=serving.count(Serving.WAITING),
        resource_missing=outside.group_gone is not None,
    )
    basic, said = check(basic_of(row.health.get("basic")), observation)
    row.health = {"color": basic.color.value, "basic": basic_document(basic), "at": written(context.now)}
    if said is not None:
        tell_environment(context, row, said.message, said.severity)
    return row.operation is None and not basic.failures

"""Writes events down: who asks for them waits for some of their texts, by request id and by instants that differ."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select

from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import EnvironmentRow, EventRow
from scheduler.beanstalk.model import Severity

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class About:
    """What an event is about, beside its environment."""

    application: str | None = None
    version_label: str | None = None
    template: str | None = None
    platform_arn: str | None = None


def tell(
    context: Context, message: str, about: About, severity: Severity = Severity.INFO, request_id: str | None = None
) -> EventRow:
    """An event that is about no environment, later than the last one of these, and of its application's environments.

    Who waits for the end of an application asks for what came after the last event of its environments.
    """
    context.session.flush()
    its: ColumnElement[bool] = EventRow.environment.is_(None)
    if about.application is not None:
        its = or_(its, EventRow.application == about.application)
    last = context.session.scalar(
        select(EventRow.at)
        .where(EventRow.account == context.account, EventRow.region == context.region, its)
        .order_by(EventRow.at.desc())
        .limit(1)
    )
    at = _whole(context.now)
    if last is not None:
        at = max(at, last + _MILLISECOND)
    return _write(context, at, message, about, severity, request_id, None)


def tell_environment(
    context: Context,
    environment: EnvironmentRow,
    message: str,
    severity: Severity = Severity.INFO,
    request_id: str | None = None,
) -> EventRow:
    """An event of an environment, at least a millisecond after its last one: clients ask for what came after that instant.

    `request_id` is that of the operation that the event belongs to; events of health have none.
    """
    at = _whole(context.now)
    if environment.last_event_at is not None:
        at = max(at, environment.last_event_at + _MILLISECOND)
    environment.last_event_at = at
    about = About(environment.application, platform_arn=environment.platform_arn)
    return _write(context, at, message, about, severity, request_id, environment)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _write(  # noqa: PLR0913, PLR0917 - the columns of an event
    context: Context,
    at: datetime,
    message: str,
    about: About,
    severity: Severity,
    request_id: str | None,
    environment: EnvironmentRow | None,
) -> EventRow:
    row = EventRow(
        account=context.account,
        region=context.region,
        at=at,
        message=message,
        severity=severity.value,
        application=about.application,
        version_label=about.version_label,
        template=about.template,
        environment=environment.name if environment is not None else None,
        environment_id=environment.id if environment is not None else None,
        platform_arn=about.platform_arn,
        request_id=request_id,
    )
    context.session.add(row)
    subject = f"elasticbeanstalk:environment/{environment.id}" if environment is not None else "elasticbeanstalk"
    context.record(Kind.EVENT, subject, {"message": message, "severity": severity.value})
    return row

"""Plans managed actions and begins them in their windows: the keys are ids of environments."""

from datetime import datetime

from sqlalchemy import select

from emulator.beanstalk.environment_states import Status, subject
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.managed_actions import begin
from emulator.beanstalk.managed_plans import (
    LOOP,
    PENDING,
    RUNNING,
    SCHEDULED,
    actions_of,
    finish,
    last_window,
    plan_of,
)
from emulator.beanstalk.platforms import Platform, dotted, platform_of_arn, version_of
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.beanstalk import EnvironmentRow, ManagedActionRow
from scheduler.beanstalk.managed_windows import ActionKind, Do, ManagedStep, ManagedView, Planned, step


class ManagedActionsLoop:
    """The loop's work."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def start(self) -> None:
        """Look at every environment."""
        with self._emulator.store.begin() as session:
            query = select(EnvironmentRow.id).where(EnvironmentRow.status != Status.TERMINATED)
            ids = list(session.scalars(query))
        self._emulator.loops.wake(LOOP, *ids)

    async def handle(self, keys: list[str]) -> None:
        """Look at each until there is nothing to do before an instant."""
        for key in keys:
            again = self._look(key)
            if again is not None:
                self._emulator.loops.wake_at(LOOP, key, again)

    def _look(self, key: str) -> datetime | None:
        with self._emulator.store.begin() as session:
            known = session.get(EnvironmentRow, key)
            if known is None:
                return None
            account, region = known.account, known.region
        with self._emulator.transaction(account, region) as context:
            row = context.session.get(EnvironmentRow, key)
            if row is None or actions_of(context, row, (PENDING, RUNNING)):
                return None
            while True:
                scheduled = next(iter(actions_of(context, row, (SCHEDULED,))), None)
                found = step(_view(context, row, scheduled))
                if found.do is Do.NOTHING:
                    return found.look_again
                _take(context, row, scheduled, found)
                if found.do is Do.BEGIN:
                    return None


def _view(context: Context, row: EnvironmentRow, scheduled: ManagedActionRow | None) -> ManagedView:
    platform = platform_of_arn(row.platform_arn)
    return ManagedView(
        now=context.now,
        plan=plan_of(row) if row.status != Status.TERMINATED else None,
        version=platform.version,
        newest=platform.branch.newest,
        ready=row.status == Status.READY,
        planned=_planned(scheduled) if scheduled is not None else None,
        used=last_window(context, row),
    )


def _planned(action: ManagedActionRow) -> Planned:
    kind = ActionKind(action.kind)
    version = version_of(action.platform_arn.rpartition("/")[2]) if action.platform_arn is not None else None
    return Planned(kind, version, action.window_start)


def _take(context: Context, row: EnvironmentRow, scheduled: ManagedActionRow | None, found: ManagedStep) -> None:
    """Do what was decided."""
    context.record(Kind.DECISION, subject(row), {"managed_action": found.do.value, "reason": found.reason})
    if found.planned is not None:
        context.session.add(_new(context, row, found.planned))
    elif scheduled is None:
        raise LookupError(found.do)
    elif found.do is Do.DROP:
        context.session.delete(scheduled)
    elif found.do is Do.MISS:
        finish(context, row, scheduled, "InvalidEnvironmentState", _MISSED.format(row.name))
    else:
        _begin(context, row, scheduled)
    context.session.flush()


def _begin(context: Context, row: EnvironmentRow, action: ManagedActionRow) -> None:
    try:
        begin(context, row, action)
    except InvalidParameterValue as error:
        finish(context, row, action, "InternalFailure", str(error))
        context.wake(LOOP, row.id)


_MISSED = "Environment named {} is in an invalid state for this operation. Must be Ready."
"""Why an action failed whose window passed (unconfirmed)."""


def _new(context: Context, row: EnvironmentRow, planned: Planned) -> ManagedActionRow:
    """The texts of descriptions are (unconfirmed)."""
    platform = platform_of_arn(row.platform_arn)
    arn, description = None, "Managed instance replacement"
    if planned.version is not None:
        arn = Platform(platform.branch, planned.version).arn(row.region)
        description = f"Platform update from {dotted(platform.version)} to {dotted(planned.version)}"
    return ManagedActionRow(
        id=context.emulator.ids.uuid(),
        environment_id=row.id,
        kind=planned.kind.value,
        description=description,
        platform_arn=arn,
        status=SCHEDULED,
        window_start=planned.window,
        executed_at=None,
        finished_at=None,
        failure_type=None,
        failure=None,
    )

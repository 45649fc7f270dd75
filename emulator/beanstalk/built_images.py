"""What was built for deployments, as rows know it: which of it nobody needs any more, and what is to be built anew.

A deployment's `outcome` has `built` where images were built for it, and `removed` once they are gone.
"""

from collections.abc import Iterable

from sqlalchemy import select

from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.instances import living
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.state.beanstalk import DeploymentRow, EnvironmentRow
from scheduler.beanstalk.superseded import Built, superseded

_THROUGH = ("Prepared", "Failed")


def left_over(context: Context, row: EnvironmentRow) -> tuple[int, ...]:
    """Numbers of the deployments whose images and files nobody needs any more."""
    its = DeploymentRow.environment_id == row.id, DeploymentRow.status.in_(_THROUGH)
    rows = [
        found
        for found in context.session.scalars(select(DeploymentRow).where(*its))
        if not found.outcome.get("removed")
    ]
    return superseded([Built(found.number, found.task_definition_arn) for found in rows], _needed(context, row))


def _needed(context: Context, row: EnvironmentRow) -> set[int]:
    under_way = (row.operation or {}).get("deployment", 0)
    return {row.deployment, under_way, *(item.deployment for item in living(context, row.id))}


def note_removed(context: Context, environment_id: str, number: int) -> None:
    """Nothing is left of a deployment."""
    found = context.session.get(DeploymentRow, (environment_id, number))
    if found is not None:
        found.outcome = {**found.outcome, "removed": True}


def prepare_anew(emulator: Emulator) -> None:
    """The images go with the server: what environments need is built again after the next start."""
    with emulator.store.begin() as session:
        rows = list(session.scalars(select(EnvironmentRow).where(EnvironmentRow.status != Status.TERMINATED)))
        places = [(row.account, row.region, row.id) for row in rows]
    for account, region, environment_id in places:
        with emulator.transaction(account, region) as context:
            row = context.session.get_one(EnvironmentRow, environment_id)
            _unprepare(context, row, _needed(context, row))


def _unprepare(context: Context, row: EnvironmentRow, numbers: Iterable[int]) -> None:
    for number in numbers:
        found = context.session.get(DeploymentRow, (row.id, number))
        if found is not None and found.status == "Prepared" and found.outcome.get("built"):
            found.status = "Preparing"

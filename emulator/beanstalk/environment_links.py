"""Links of environments: each is a property that tells where the other environment is (reference: beanstalk.md §7.5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.environment_finding import by_name
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.environment_views import shown_cname
from emulator.beanstalk.errors import no_environment
from emulator.beanstalk.option_values import PROPERTIES
from emulator.beanstalk.resources.facts import facts_of
from emulator.beanstalk.resources.queues import planned_queue, url_of
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow

_BUSY = {Status.LAUNCHING, Status.UPDATING, Status.ABORTING}


def properties_of(context: Context, links: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Links as option settings: the name of a web environment, the queue's URL of a worker.

    Raises:
        InvalidParameterValue: there is no such environment.

    """
    found = []
    for link in links:
        row = by_name(context, link["EnvironmentName"])
        if row is None:
            raise no_environment(link["EnvironmentName"], None)
        found.append({"Namespace": PROPERTIES, "OptionName": link["LinkName"], "Value": _place_of(context, row)})
    return found


def _place_of(context: Context, row: EnvironmentRow) -> str:
    if row.tier["Name"] == "Worker":
        return url_of(planned_queue(facts_of(row)), row.account, context.emulator.port)
    return shown_cname(context, row) or ""


def awaited(context: Context, row: EnvironmentRow) -> list[str]:
    """Names of the environments it links to that are still being made or changed."""
    names = [link["EnvironmentName"] for link in row.links]
    return [name for name in names if (found := by_name(context, name)) is not None and found.status in _BUSY]


def linking(context: Context, row: EnvironmentRow) -> list[EnvironmentRow]:
    """The living environments that link to this one."""
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == row.account,
        EnvironmentRow.region == row.region,
        EnvironmentRow.status != Status.TERMINATED,
    )
    return [
        one for one in context.session.scalars(query) if row.name in {link["EnvironmentName"] for link in one.links}
    ]

"""Finds the environment that a request names, and refuses what its state does not allow."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.errors import (
    InvalidParameterCombination,
    MissingRequiredParameter,
    no_environment,
    not_ready,
)
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow

_NEITHER = "You must specify either the EnvironmentId or the EnvironmentName."  # (unconfirmed) text


def by_name(context: Context, name: str) -> EnvironmentRow | None:
    """The environment called so that is not terminated."""
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == context.account,
        EnvironmentRow.region == context.region,
        EnvironmentRow.name == name,
        EnvironmentRow.status != Status.TERMINATED,
    )
    return context.session.scalar(query)


def by_id(context: Context, environment_id: str) -> EnvironmentRow | None:
    """The environment with this id, terminated or not, in the caller's account and region."""
    row = context.session.get(EnvironmentRow, environment_id)
    return row if row is not None and (row.account, row.region) == (context.account, context.region) else None


def find_environment(context: Context, request: Mapping[str, Any]) -> EnvironmentRow:
    """The living environment that EnvironmentId, EnvironmentName or both name.

    Raises:
        MissingRequiredParameter: neither is given.
        InvalidParameterCombination: they do not agree.
        InvalidParameterValue: there is none.

    """
    name, environment_id = request.get("EnvironmentName"), request.get("EnvironmentId")
    return find_named(context, name, environment_id)


def find_named(context: Context, name: str | None, environment_id: str | None) -> EnvironmentRow:
    """The living environment of this name, of this id, or of both; see `find_environment`."""
    if name is None and environment_id is None:
        raise MissingRequiredParameter(_NEITHER)
    row = by_id(context, environment_id) if environment_id is not None else by_name(context, str(name))
    if row is None or row.status == Status.TERMINATED:
        raise no_environment(name if environment_id is None else None, environment_id)
    if name is not None and row.name != name:
        raise InvalidParameterCombination(
            f"EnvironmentId '{environment_id}' and EnvironmentName '{name}' are of two environments."  # (unconfirmed)
        )
    return row


def find_shown(context: Context, request: Mapping[str, Any]) -> EnvironmentRow:
    """The living environment, or the one of this name that was terminated last: DescribeEnvironments lists it for a while, and
    `eb list -v` asks for the resources of all that are listed.

    Raises:
        InvalidParameterValue: there is none, and never was; and as `find_environment`.

    """
    name = request.get("EnvironmentName")
    if name is None or request.get("EnvironmentId") is not None or by_name(context, name) is not None:
        return find_environment(context, request)
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == context.account, EnvironmentRow.region == context.region, EnvironmentRow.name == name
    )
    row = context.session.scalars(query.order_by(EnvironmentRow.terminated_at.desc()).limit(1)).first()
    if row is None:
        raise no_environment(name, None)
    return row


def find_ready(context: Context, request: Mapping[str, Any]) -> EnvironmentRow:
    """The environment, which must be Ready.

    Raises:
        InvalidParameterValue: it is busy; and as `find_environment`.

    """
    row = find_environment(context, request)
    if row.status != Status.READY:
        raise not_ready(row.name)
    return row

"""Managed actions that cannot be done in their window."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator.beanstalk.applications import create_application
from emulator.beanstalk.managed_actions import (
    describe_environment_managed_action_history,
    describe_environment_managed_actions,
)
from emulator.beanstalk.managed_loop import ManagedActionsLoop
from emulator.beanstalk.managed_plans import LOOP
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.state.beanstalk import EnvironmentRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane

NAME: Any = {"EnvironmentName": "prod"}
DOCKER = f"arn:aws:elasticbeanstalk:{REGION}::platform/Docker running on 64bit Amazon Linux 2023/4.5.0"
_MANAGED = "aws:elasticbeanstalk:managedactions"


def settings(start: datetime, health: str = "enhanced") -> list[dict[str, str]]:
    given = {
        (_MANAGED, "ManagedActionsEnabled"): "true",
        (_MANAGED, "PreferredStartTime"): start.strftime("%a:%H:%M"),
        (f"{_MANAGED}:platformupdate", "UpdateLevel"): "minor",
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType"): health,
    }
    return [{"Namespace": space, "OptionName": name, "Value": value} for (space, name), value in given.items()]


def environment(context: Context, status: str, given: list[dict[str, str]], label: str | None = None) -> EnvironmentRow:
    create_application(context, {"ApplicationName": "shop"})
    row = EnvironmentRow(
        id="e-abcdefghij", account=ACCOUNT, region=REGION, application="shop", name="prod", group_name=None,
        description=None, tier={"Name": "WebServer", "Type": "Standard", "Version": "1.0"}, platform_arn=DOCKER,
        status=status, abortable=False, version_label=label, cname=None, endpoint_url=None, settings=given,
        bundle_settings=[], draft=None, links=[], operations_role=None, operation=None, deployment=0,
        next_deployment=1, generation=1, resources={"group": "g"}, health={}, last_event_at=None, created_at=context.now,
        updated_at=context.now, terminated_at=None, tags=[],
    )  # fmt: skip
    context.session.add(row)
    context.session.flush()
    return row


async def _at_rest() -> None:
    """No loop runs by itself here."""


def look_after(server: Emulator, loop: ManagedActionsLoop, delta: timedelta) -> None:
    async def advance_and_look() -> None:
        await server.clock.advance(delta, _at_rest)
        await loop.handle(["e-abcdefghij"])

    asyncio.run(advance_and_look())


def loop_of(server: Emulator) -> ManagedActionsLoop:
    loop = ManagedActionsLoop(server)
    server.loops.add(LOOP, loop.handle)
    return loop


def test_an_environment_that_is_busy_all_through_the_window_has_missed_it() -> None:
    server = control_plane()
    loop = loop_of(server)
    start = server.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    with server.transaction(ACCOUNT, REGION) as context:
        environment(context, "Updating", settings(start))
    look_after(server, loop, start - server.clock.now())
    with server.transaction(ACCOUNT, REGION) as context:
        (action,) = describe_environment_managed_actions(context, NAME)["ManagedActions"]
        assert (action["Status"], action["WindowStartTime"]) == ("Scheduled", start)
    look_after(server, loop, timedelta(hours=2))
    with server.transaction(ACCOUNT, REGION) as context:
        (missed,) = describe_environment_managed_action_history(context, NAME)["ManagedActionHistoryItems"]
        assert (missed["Status"], missed["FailureType"]) == ("Failed", "InvalidEnvironmentState")
        assert "ExecutedTime" not in missed
        (later,) = describe_environment_managed_actions(context, NAME)["ManagedActions"]
        assert later["WindowStartTime"] == start + timedelta(weeks=1)


def test_a_version_that_is_gone_fails_the_action_and_leaves_the_environment_ready() -> None:
    server = control_plane()
    loop = loop_of(server)
    start = server.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    with server.transaction(ACCOUNT, REGION) as context:
        environment(context, "Ready", settings(start), "v1")
    look_after(server, loop, timedelta(0))
    look_after(server, loop, start - server.clock.now())
    with server.transaction(ACCOUNT, REGION) as context:
        (failed,) = describe_environment_managed_action_history(context, NAME)["ManagedActionHistoryItems"]
        assert failed["FailureDescription"] == "No Application Version named 'v1' found."
        row = context.session.get_one(EnvironmentRow, "e-abcdefghij")
        assert (row.status, row.draft, row.operation) == ("Ready", None, None)


@pytest.mark.parametrize("health", ["basic", "enhanced"])
def test_updates_need_enhanced_health(health: str) -> None:
    server = control_plane()
    loop = loop_of(server)
    with server.transaction(ACCOUNT, REGION) as context:
        environment(context, "Ready", settings(server.clock.now() + timedelta(hours=3), health))
    look_after(server, loop, timedelta(0))
    with server.transaction(ACCOUNT, REGION) as context:
        found = describe_environment_managed_actions(context, NAME)["ManagedActions"]
        assert len(found) == (health == "enhanced")

"""The draft of an environment whose update goes on, or has failed."""

from typing import Any

import pytest

from emulator.beanstalk.applications import create_application
from emulator.beanstalk.configuration_settings import describe_configuration_settings
from emulator.beanstalk.configuration_templates import delete_environment_configuration
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane

NAMES: Any = {"ApplicationName": "shop", "EnvironmentName": "prod"}
DOCKER = f"arn:aws:elasticbeanstalk:{REGION}::platform/Docker running on 64bit Amazon Linux 2023/4.6.0"


def environment(context: Context, status: str, draft: str) -> EnvironmentRow:
    settings = [{"Namespace": "aws:elasticbeanstalk:command", "OptionName": "Timeout", "Value": "99"}]
    row = EnvironmentRow(
        id="e-abcdefghij", account=ACCOUNT, region=REGION, application="shop", name="prod", group_name=None,
        description=None, tier={"Name": "WebServer", "Type": "Standard", "Version": "1.0"}, platform_arn=DOCKER,
        status=status, abortable=False, version_label=None, cname=None, endpoint_url=None, settings=[],
        bundle_settings=[], draft={"status": draft, "settings": settings, "bundle_settings": [], "platform_arn": DOCKER},
        links=[], operations_role=None, operation=None, deployment=0, next_deployment=1, generation=1, resources={},
        health={}, last_event_at=None, created_at=context.now, updated_at=context.now, terminated_at=None, tags=[],
    )  # fmt: skip
    context.session.add(row)
    context.session.flush()
    return row


@pytest.mark.parametrize(("status", "draft"), [("Updating", "pending"), ("Ready", "failed")])
def test_a_draft_is_shown_after_what_is_deployed_and_removed_when_nothing_goes_on(status: str, draft: str) -> None:
    with control_plane().transaction(ACCOUNT, REGION) as context:
        create_application(context, {"ApplicationName": "shop"})
        row = environment(context, status, draft)
        shown = describe_configuration_settings(context, NAMES)["ConfigurationSettings"]
        assert [one["DeploymentStatus"] for one in shown] == ["deployed", draft]
        place = ("aws:elasticbeanstalk:command", "Timeout")
        values = [
            {(one["Namespace"], one["OptionName"]): one.get("Value") for one in each["OptionSettings"]}
            for each in shown
        ]
        timeouts = [each[place] for each in values]
        assert timeouts == ["600", "99"]
        if status == "Ready":
            delete_environment_configuration(context, NAMES)
            assert row.draft is None
        else:
            with pytest.raises(InvalidParameterValue, match="invalid state for this operation"):
                delete_environment_configuration(context, NAMES)
            assert row.draft is not None

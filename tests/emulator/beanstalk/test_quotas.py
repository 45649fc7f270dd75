"""Quotas that take too many requests to reach."""

import pytest

from emulator.beanstalk.application_versions import create_application_version
from emulator.beanstalk.applications import create_application
from emulator.beanstalk.errors import TooManyApplicationVersionsException
from emulator.state.beanstalk import ApplicationVersionRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, START, control_plane


def test_the_thousandth_version_is_the_last() -> None:
    server = control_plane()
    with server.transaction(ACCOUNT, REGION) as context:
        create_application(context, {"ApplicationName": "shop"})
        for number in range(999):
            context.session.add(
                ApplicationVersionRow(
                    account=ACCOUNT, region=REGION, application="shop", label=f"v{number}", description=None, bucket=None,
                    key=None, build=None, status="UNPROCESSED", created_at=START, updated_at=START, tags=[],
                )
            )  # fmt: skip
        create_application_version(context, {"ApplicationName": "shop", "VersionLabel": "last"})
        with pytest.raises(TooManyApplicationVersionsException, match="more than 1000 Application Versions"):
            create_application_version(context, {"ApplicationName": "shop", "VersionLabel": "one-more"})

"""AbortEnvironmentUpdate at each point of an update, by boto3 on the simulated runtime and a paused clock."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, option
from tests.contract.beanstalk_scene import refused
from tests.contract.test_beanstalk_deployments import (
    GROUP,
    POLICIES,
    assert_whole,
    begin_update,
)
from tests.running import RunningServer

NAME = "shop-prod"
BUILD = 120
FAILED = "Failed to deploy application."
PROPERTIES = "aws:elasticbeanstalk:application:environment"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    running = RunningServer(tmp_path_factory.mktemp("aborting") / "state", runtime="simulated", clock="paused")
    found = Shop(running)
    found.begin()
    found.create(NAME, option(GROUP, "MinSize", "2"), CNAMEPrefix="shop")
    found.until(NAME)
    running.admin("POST", "runtime/scripts", {"pattern": "aws_beanstalk/*", "build": BUILD})
    yield found
    running.stop()


def abort(shop: Shop) -> None:
    """Abort the update that goes on, which says that it can be; a second time it is refused."""
    assert shop.environment(NAME)["AbortableOperationInProgress"] is True
    shop.eb.abort_environment_update(EnvironmentName=NAME)
    assert shop.environment(NAME)["AbortableOperationInProgress"] is False
    code, message = refused(shop.eb.abort_environment_update, EnvironmentName=NAME)
    text = f"Environment named {NAME} is in an invalid state for this operation. Must be pending deployment."
    assert (code, message) == ("InvalidParameterValue", text)


def assert_untouched(shop: Shop, begun: Any, before: tuple[str, set[str]], last: str = FAILED) -> None:
    """Ready at once (before the build would be through), with the instances and the version of before, which serve."""
    found = shop.until(NAME, seconds=1)
    said = shop.messages(NAME, begun)
    ends = [message for message in said if not message.startswith("During an aborted deployment, some instances may")]
    assert ends[-1] == last, said
    assert "Instance deployment completed successfully." not in said
    assert set(shop.instances(NAME)) == before[1]
    assert found["AbortableOperationInProgress"] is False
    assert_whole(shop, before[0])
    shop.advance(BUILD)
    assert not [one for one in shop.messages(NAME, begun) if one.startswith("Successfully built")]
    health = shop.eb.describe_instances_health(EnvironmentName=NAME, AttributeNames=["All"])["InstanceHealthList"]
    assert {(one["Deployment"]["VersionLabel"], one["Deployment"]["Status"]) for one in health} == {
        (before[0], "Deployed")
    }


def now(shop: Shop) -> tuple[str, set[str]]:
    return shop.environment(NAME)["VersionLabel"], set(shop.instances(NAME))


@pytest.mark.parametrize("policy", POLICIES)
def test_an_update_is_aborted_from_its_first_instant(shop: Shop, policy: str) -> None:
    before = now(shop)
    begun = begin_update(shop, policy, "v2")
    assert begun["AbortableOperationInProgress"] is True
    abort(shop)
    shop.server.kill()
    shop.server.start()
    assert_untouched(shop, begun, before)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_update_is_aborted_while_its_image_is_built(shop: Shop, policy: str) -> None:
    before = now(shop)
    begun = begin_update(shop, policy, "v2")
    shop.until_true(NAME, lambda _: "still being prepared" in told(shop), seconds=5)
    abort(shop)
    shop.server.kill()
    shop.server.start()
    assert_untouched(shop, begun, before)


def told(shop: Shop) -> str:
    return str(shop.server.admin("GET", f"explain?target={NAME}")["text"])


def test_settings_are_aborted_from_their_first_instant(shop: Shop) -> None:
    before = now(shop)
    one = option(PROPERTIES, "COLOUR", "blue")
    begun = shop.eb.update_environment(EnvironmentName=NAME, OptionSettings=[one])
    assert begun["AbortableOperationInProgress"] is True
    abort(shop)
    assert_untouched(shop, begun, before, "The environment was reverted to the previous configuration setting.")
    found = shop.eb.describe_configuration_settings(ApplicationName="shop", EnvironmentName=NAME)
    settings = found["ConfigurationSettings"][0]["OptionSettings"]
    assert one["Value"] not in {item.get("Value") for item in settings if item["OptionName"] == one["OptionName"]}

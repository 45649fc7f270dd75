"""Services whose zones are brought together again."""

from collections import Counter
from typing import Any

import pytest

from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.services import create_service, update_service
from tests.emulator.ecs.control_plane import REGION, add_hosts
from tests.emulator.ecs.services_playing import ServicesPlaying, play


def zones(stage: ServicesPlaying) -> dict[str, int]:
    """Zone letter → tasks that are to run."""
    return dict(Counter(stage.stage.task(arn)["availabilityZone"][-1] for arn in stage.tasks()))


def test_hosts_in_another_zone_get_their_share_one_task_at_a_time() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        service = await stage.create(4)
        assert (service["availabilityZoneRebalancing"], zones(stage)) == ("ENABLED", {"a": 4})
        add_hosts(stage.stage.emulator, 2, zone=f"{REGION}b")
        await stage.stage.settle()
        assert zones(stage) == {"a": 2, "b": 2}
        told = stage.messages()[3:]
        assert told[:3] == [
            f"is not AZ balanced with 4 tasks in {REGION}a, 0 tasks in {REGION}b. AZ Rebalancing in progress.",
            f"has started 1 tasks in {REGION}b to AZ Rebalance: (task ID).",
            f"has stopped 1 running tasks in {REGION}a due to AZ rebalancing: (task ID).",
        ]
        assert told[-2:] == [
            f"is AZ balanced with 2 tasks in {REGION}a, 2 tasks in {REGION}b.",
            "has reached a steady state.",
        ]

    play(story)


def test_a_zone_without_room_is_not_waited_for() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"memory": 512})
        await stage.create(4)
        before = len(stage.messages())
        add_hosts(stage.stage.emulator, 1, zone=f"{REGION}b", instance_type="t3.nano")
        await stage.stage.settle()
        assert zones(stage) == {"a": 4}
        assert len(stage.messages()) == before

    play(story)


def test_disabled_services_stay_where_they_are() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(4, availabilityZoneRebalancing="DISABLED")
        add_hosts(stage.stage.emulator, 2, zone=f"{REGION}b")
        await stage.stage.settle()
        assert zones(stage) == {"a": 4}
        await stage.update(availabilityZoneRebalancing="ENABLED")
        assert zones(stage) == {"a": 2, "b": 2}

    play(story)


@pytest.mark.parametrize(
    "asked",
    [
        {"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50}},
        {"placementStrategy": [{"type": "binpack", "field": "cpu"}]},
        {"placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.availability-zone == x"}]},
        {"deploymentController": {"type": "EXTERNAL"}},
    ],
)
def test_what_cannot_be_rebalanced_is_not(asked: dict[str, Any]) -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        base: dict[str, Any] = {"serviceName": "web", "desiredCount": 1}
        if "deploymentController" not in asked:
            base["taskDefinition"] = "web"
        with pytest.raises(InvalidParameterException):
            stage.stage.do(create_service, **base, **asked, availabilityZoneRebalancing="ENABLED")
        stage.stage.do(create_service, **base, **asked)
        await stage.stage.settle()
        assert stage.web()["availabilityZoneRebalancing"] == "DISABLED"
        if "deploymentController" not in asked:
            with pytest.raises(InvalidParameterException):
                stage.stage.do(update_service, service="web", availabilityZoneRebalancing="ENABLED")

    play(story)

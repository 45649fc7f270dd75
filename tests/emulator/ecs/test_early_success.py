"""`earlySuccessCriteria`: a rolling deployment that is successful before the service is stable."""

from typing import Any

import pytest

from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.services import create_service
from emulator.runtime.scripts import Script
from tests.emulator.ecs.services_playing import ServicesPlaying, play
from tests.emulator.ecs.test_service_deployments import deployments
from tests.emulator.ecs.test_shifting import images


def early(cleanup: str, percent: int = 50, **members: Any) -> dict[str, Any]:
    """A deploymentConfiguration."""
    criteria = {"enable": True, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup}
    return {"minimumHealthyPercent": 25, "maximumPercent": 100, "earlySuccessCriteria": criteria, **members}


async def begin(stage: ServicesPlaying, configuration: dict[str, Any]) -> None:
    """`web` of four tasks in place, and its update, of which three tasks begin at once."""
    stage.stage.runtime.script("*", Script(start=5))
    stage.stage.define({"image": "web:1"})
    await stage.create(4, deploymentConfiguration=configuration)
    await stage.wait(60)
    stage.stage.define({"image": "web:2"})
    await stage.update(taskDefinition="web")
    await stage.wait(5)
    assert images(stage) == {"web:1": 1, "web:2": 3}


def test_a_deferred_cleanup_comes_after_the_success() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, early("DEFERRED"))
        await stage.wait(39)
        assert deployments(stage)[0]["status"] == "IN_PROGRESS"
        before = stage.messages()
        await stage.wait(1)
        assert deployments(stage)[0]["status"] == "SUCCESSFUL"
        assert stage.web()["deployments"][0]["rolloutState"] == "COMPLETED"
        assert "(deployment ID) deployment completed." in stage.messages()[len(before) :]
        assert stage.messages()[-1] != "has reached a steady state."
        await stage.wait(120)  # the rest goes on in the background
        assert images(stage) == {"web:2": 4}
        assert stage.messages()[-1] == "has reached a steady state."
        assert stage.messages().count("(deployment ID) deployment completed.") == 2
        assert len(stage.web()["deployments"]) == 1

    play(story)


def test_a_blocking_cleanup_is_waited_for_but_not_the_last_tasks() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, early("BLOCKING"))
        await stage.wait(40)
        assert images(stage) == {"web:2": 4}
        assert stage.web()["runningCount"] == 3
        assert deployments(stage)[0]["status"] == "SUCCESSFUL"

    play(story)


def test_with_all_tasks_asked_for_it_is_as_ever() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, early("BLOCKING", 100))
        await stage.wait(44)
        assert deployments(stage)[0]["status"] == "IN_PROGRESS"
        await stage.wait(60)
        assert deployments(stage)[0]["status"] == "SUCCESSFUL"

    play(story)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"earlySuccessCriteria": {"enable": True, "healthyPercent": 50}}, "sourceServiceRevisionCleanup must be"),
        (early("DEFERRED", 101), "healthyPercent"),
        (early("DEFERRED", 20), "healthyPercent must be greater than or equal to minimumHealthyPercent."),
        (early("LATER"), "sourceServiceRevisionCleanup should be one of"),
        (early("DEFERRED", strategy="CANARY"), "earlySuccessCriteria is not supported with the CANARY"),
    ],
)
def test_what_criteria_cannot_be(configuration: dict[str, Any], message: str) -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        with pytest.raises(InvalidParameterException, match=message):
            stage.stage.do(
                create_service,
                serviceName="web",
                taskDefinition="web",
                desiredCount=1,
                deploymentConfiguration=configuration,
            )

    play(story)

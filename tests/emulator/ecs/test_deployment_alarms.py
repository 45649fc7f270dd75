"""CloudWatch alarms take deployments back."""

from typing import Any

from emulator.neighbours.ports import MetricAlarm
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.services_playing import ServicesPlaying, play
from tests.emulator.ecs.test_service_deployments import deployments
from tests.emulator.ecs.test_shifting import blue_green, images


def alarms(*, rollback: bool = True) -> dict[str, Any]:
    """The part of a deploymentConfiguration."""
    return {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": rollback}}


def put(stage: ServicesPlaying, state: str, seconds: float = 120) -> None:
    """Have the alarm `errors` in a state."""
    stage.stage.neighbours.put_alarm(ACCOUNT, REGION, MetricAlarm("errors", state, seconds))


async def begin(stage: ServicesPlaying, configuration: dict[str, Any]) -> None:
    """`web` with one revision in place, then the update to the next."""
    put(stage, "OK")
    stage.stage.define({"image": "web:1"})
    await stage.create(1, deploymentConfiguration=configuration)
    await stage.wait(120)
    assert deployments(stage)[0]["status"] == "SUCCESSFUL"
    stage.stage.define({"image": "web:2"})
    await stage.update(taskDefinition="web")


def test_an_alarm_during_the_bake_time_takes_a_rolling_deployment_back() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, alarms())
        await stage.wait(60)
        assert images(stage) == {"web:2": 1}
        first = deployments(stage)[0]
        assert (first["status"], first["alarms"]["status"]) == ("IN_PROGRESS", "MONITORING")
        put(stage, "ALARM")
        await stage.wait(120)
        assert images(stage) == {"web:1": 1}
        first = deployments(stage)[0]
        assert first["status"] == "ROLLBACK_SUCCESSFUL"
        assert first["alarms"] == {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]}

    play(story)


def test_an_alarm_is_acted_on_the_moment_it_changes() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, alarms())
        await stage.wait(60)
        put(stage, "ALARM")
        await stage.stage.settle()
        assert deployments(stage)[0]["alarms"]["status"] == "TRIGGERED"

    play(story)


def test_a_rolling_deployment_without_alarm_is_done_after_its_bake_time() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, alarms())
        await stage.wait(40 + 119)
        assert deployments(stage)[0]["status"] == "IN_PROGRESS"
        await stage.wait(1)
        assert deployments(stage)[0]["status"] == "SUCCESSFUL"
        assert deployments(stage)[0]["alarms"]["status"] == "MONITORING_COMPLETE"
        put(stage, "ALARM")
        await stage.wait(600)
        assert images(stage) == {"web:2": 1}

    play(story)


def test_what_alarmed_before_says_nothing_about_the_deployment() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, {})
        put(stage, "ALARM")
        await stage.update(forceNewDeployment=True, deploymentConfiguration=alarms())
        await stage.wait(300)
        assert deployments(stage)[0]["status"] == "SUCCESSFUL"

    play(story)


def test_without_rollback_the_deployment_stops_where_it_is() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, alarms(rollback=False))
        put(stage, "ALARM")
        await stage.wait(120)
        assert deployments(stage)[0]["status"] == "STOPPED"
        assert stage.web()["deployments"][0]["rolloutState"] == "FAILED"
        assert "(deployment ID) deployment failed: alarm detected." in stage.messages()

    play(story)


def test_blue_green_is_watched_until_its_own_bake_time_is_over() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await begin(stage, blue_green(10, **alarms()))
        await stage.wait(500)
        put(stage, "ALARM")
        await stage.wait(30)
        assert images(stage) == {"web:1": 1}
        assert deployments(stage)[0]["status"] == "ROLLBACK_SUCCESSFUL"

    play(story)

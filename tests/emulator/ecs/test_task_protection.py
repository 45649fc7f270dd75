"""Protected tasks stay while services scale in and deploy."""

from typing import Any

import pytest

from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.task_protection import get_task_protection, update_task_protection
from tests.emulator.ecs.control_plane import START
from tests.emulator.ecs.services_playing import ServicesPlaying, play


def protect(stage: ServicesPlaying, *arns: str, on: bool = True, **members: Any) -> Any:
    """Protect tasks, or no longer."""
    return stage.stage.do(update_task_protection, cluster="default", tasks=list(arns), protectionEnabled=on, **members)


def test_protection_expires_and_can_be_taken_away() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        (arn,) = stage.tasks()
        shown = protect(stage, arn)["protectedTasks"][0]
        assert (shown["protectionEnabled"], (shown["expirationDate"] - START).total_seconds()) == (True, 7200)
        asked: Any = {"cluster": "default", "tasks": [arn]}
        assert stage.stage.do(get_task_protection, **asked)["protectedTasks"] == [shown]
        await stage.wait(7200)
        free = {"taskArn": arn, "protectionEnabled": False}
        assert stage.stage.do(get_task_protection, **asked)["protectedTasks"] == [free]
        protect(stage, arn, expiresInMinutes=1)
        assert protect(stage, arn, on=False)["protectedTasks"] == [free]

    play(story)


def test_what_cannot_be_protected() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        alone = await stage.stage.run()
        failures = protect(stage, alone, "0" * 32)["failures"]
        assert [failure["reason"] for failure in failures] == ["MISSING", "TASK_NOT_VALID"]
        for minutes in (0, 2881):
            with pytest.raises(InvalidParameterException):
                protect(stage, alone, expiresInMinutes=minutes)
        with pytest.raises(InvalidParameterException):
            protect(stage, *map(str, range(11)))

    play(story)


def test_scaling_in_spares_protected_tasks_until_they_are_free() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(3)
        safe = stage.tasks()[:2]
        protect(stage, *safe, expiresInMinutes=10)
        await stage.update(desiredCount=1)
        assert sorted(stage.tasks()) == sorted(safe)
        assert stage.messages()[-1] == (
            "was unable to reach steady state because task set (ID) was unable to scale in. "
            "Reason: The number of protected tasks are more than the desired count of tasks"
        )
        await stage.wait(600)
        assert len(stage.tasks()) == 1
        assert stage.messages()[-1] == "has reached a steady state."

    play(story)


def test_a_deployment_waits_for_protected_tasks_and_is_not_held_up_any_longer() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        (old,) = stage.tasks()
        protect(stage, old, expiresInMinutes=5)
        await stage.update(forceNewDeployment=True)
        service = await stage.wait(200)
        assert (len(service["deployments"]), service["runningCount"]) == (2, 2)
        assert protect(stage, old)["failures"] == [{"arn": old, "reason": "DEPLOYMENT_BLOCKED"}]
        service = await stage.wait(100)
        assert (len(service["deployments"]), service["runningCount"]) == (1, 1)
        assert old not in stage.tasks()

    play(story)

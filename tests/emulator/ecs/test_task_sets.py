"""Task sets run tasks, as another controller wants them."""

from typing import Any

import pytest
from sqlalchemy import func, select

from emulator.ecs.errors import InvalidParameterException, LimitExceededException, TaskSetNotFoundException
from emulator.ecs.services import create_service, delete_service, update_service
from emulator.ecs.tags import list_tags_for_resource, tag_resource
from emulator.ecs.task_sets import (
    create_task_set,
    delete_task_set,
    describe_task_sets,
    update_service_primary_task_set,
    update_task_set,
)
from emulator.runtime.simulated import Script
from emulator.state.ecs import TaskRow
from tests.emulator.ecs.services_playing import ServicesPlaying, play

WHERE = {"cluster": "default", "service": "web"}


async def external(stage: ServicesPlaying, desired: int = 4) -> Any:
    """`web` with the EXTERNAL controller."""
    stage.stage.define()
    stage.stage.do(create_service, serviceName="web", desiredCount=desired, deploymentController={"type": "EXTERNAL"})
    await stage.stage.settle()
    return stage.web()


async def add(stage: ServicesPlaying, percent: float = 100.0, **members: Any) -> Any:
    """A task set of `web`."""
    scale = {"value": percent, "unit": "PERCENT"}
    made = stage.stage.do(create_task_set, **WHERE, taskDefinition="web", scale=scale, **members)["taskSet"]
    await stage.stage.settle()
    return made


def described(stage: ServicesPlaying) -> list[Any]:
    """The task sets of `web`."""
    return list(stage.stage.do(describe_task_sets, **WHERE)["taskSets"])


def test_a_task_set_runs_its_share_rounded_up() -> None:
    async def story(stage: ServicesPlaying) -> None:
        service = await external(stage, 3)
        assert (service["deployments"], service["taskSets"], "taskDefinition" in service) == ([], [], False)
        made = await add(stage, 50.0, externalId="blue")
        assert (made["status"], made["computedDesiredCount"], made["stabilityStatus"]) == ("ACTIVE", 2, "STABILIZING")
        (shown,) = described(stage)
        assert (shown["runningCount"], shown["stabilityStatus"], shown["externalId"]) == (2, "STEADY_STATE", "blue")
        task = stage.stage.task(stage.tasks()[0])
        assert task["startedBy"] == made["id"]
        assert made["taskSetArn"].endswith(f":task-set/default/web/{made['id']}")
        assert stage.messages()[-1] == "has reached a steady state."

    play(story)


def test_a_service_of_task_sets_has_no_tasks_unless_it_is_told_how_many() -> None:
    async def story(stage: ServicesPlaying) -> None:
        made = stage.stage.do(create_service, serviceName="web", deploymentController={"type": "EXTERNAL"})
        assert made["service"]["desiredCount"] == 0

    play(story)


def test_a_blue_green_deployment_by_hand() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 2)
        blue = await add(stage)
        stage.stage.do(update_service_primary_task_set, **WHERE, primaryTaskSet=blue["id"])
        first = stage.web()["taskDefinition"]
        stage.stage.define({"image": "web:2"})
        green = await add(stage)
        assert stage.web()["runningCount"] == 4
        stage.stage.do(update_service_primary_task_set, **WHERE, primaryTaskSet=green["taskSetArn"])
        assert [item["status"] for item in described(stage)] == ["PRIMARY", "ACTIVE"]
        assert stage.web()["taskDefinition"] != first
        with pytest.raises(InvalidParameterException):
            stage.stage.do(delete_task_set, **WHERE, taskSet=blue["id"])
        stage.stage.do(update_task_set, **WHERE, taskSet=blue["id"], scale={"value": 0.0, "unit": "PERCENT"})
        await stage.stage.settle()
        deleted = stage.stage.do(delete_task_set, **WHERE, taskSet=blue["id"])["taskSet"]
        assert deleted["status"] == "DRAINING"
        await stage.stage.settle()
        assert [item["id"] for item in described(stage)] == [green["id"]]
        assert stage.web()["runningCount"] == 2

    play(story)


def test_the_desired_count_is_shared_anew() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 2)
        await add(stage, 50.0)
        stage.stage.do(update_service, service="web", desiredCount=6)
        await stage.stage.settle()
        assert described(stage)[0]["runningCount"] == 3
        with pytest.raises(InvalidParameterException):
            stage.stage.do(update_service, service="web", taskDefinition="web")

    play(story)


def test_tokens_limits_and_what_is_missing() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 0)
        first = await add(stage, clientToken="once")
        assert (await add(stage, clientToken="once"))["id"] == first["id"]
        with pytest.raises(InvalidParameterException):
            await add(stage, 10.0, clientToken="once")
        for _ in range(4):
            await add(stage)
        with pytest.raises(LimitExceededException):
            await add(stage)
        with pytest.raises(TaskSetNotFoundException):
            stage.stage.do(update_task_set, **WHERE, taskSet="ecs-svc/1", scale={"value": 1.0, "unit": "PERCENT"})
        found = stage.stage.do(describe_task_sets, **WHERE, taskSets=["ecs-svc/1"])
        assert found["failures"][0]["reason"] == "MISSING"

    play(story)


def test_task_sets_have_tags() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 0)
        made = await add(stage, tags=[{"key": "colour", "value": "blue"}])
        arn = made["taskSetArn"]
        stage.stage.do(tag_resource, resourceArn=arn, tags=[{"key": "team", "value": "web"}])
        tags = stage.stage.do(list_tags_for_resource, resourceArn=arn)["tags"]
        assert [tag["key"] for tag in tags] == ["colour", "team"]
        assert "tags" not in described(stage)[0]
        found = stage.stage.do(describe_task_sets, **WHERE, include=["TAGS"])["taskSets"][0]
        assert found["tags"] == tags

    play(story)


def test_only_services_with_the_external_controller_have_task_sets() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        with pytest.raises(InvalidParameterException):
            await add(stage)
        with pytest.raises(InvalidParameterException):
            stage.stage.do(
                create_service,
                serviceName="other",
                desiredCount=1,
                taskDefinition="web",
                deploymentController={"type": "EXTERNAL"},
            )

    play(story)


def test_deleting_the_service_needs_force_and_takes_the_task_sets_along() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 2)
        await add(stage)
        stage.stage.do(update_service, service="web", desiredCount=0)
        with pytest.raises(InvalidParameterException, match="while deployments are active"):
            stage.stage.do(delete_service, service="web")
        stage.stage.do(delete_service, service="web", force=True)
        await stage.stage.settle()
        gone = await stage.wait(1)
        assert (gone["status"], gone["taskSets"]) == ("INACTIVE", [])

    play(story)


def test_starts_that_fail_are_paced() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await external(stage, 1)
        await add(stage)
        await stage.wait(30)
        with stage.stage.emulator.store.begin() as session:
            assert (session.scalar(select(func.count()).select_from(TaskRow)) or 0) < 20
        stage.stage.runtime.script("*", Script())
        await stage.wait(30)
        assert described(stage)[0]["runningCount"] == 1

    play(story, scripts={"*": Script(pull_error="no such image")})

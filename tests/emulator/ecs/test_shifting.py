"""BLUE_GREEN, LINEAR and CANARY without a load balancer: stages, bake times by the clock, hooks, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.hook_targets import HookTargetError
from emulator.ecs.service_deployments import (
    continue_service_deployment,
    describe_service_deployments,
    list_service_deployments,
    stop_service_deployment,
)
from emulator.ecs.services import create_service, update_service
from emulator.runtime.simulated import Script
from tests.emulator.ecs.services_playing import ServicesPlaying, play

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:check"
MINUTE = 60


@dataclass
class Functions:
    """Functions that answer as told, and remember what they were asked."""

    answers: list[object] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def call(self, account: str, region: str, arn: str, payload: Mapping[str, Any]) -> object:
        del account, region, arn
        self.asked.append(payload)
        answer = self.answers.pop(0) if self.answers else {"hookStatus": "SUCCEEDED"}
        if isinstance(answer, HookTargetError):
            raise answer
        return answer


def blue_green(bake: int = 10, **members: Any) -> dict[str, Any]:
    """A deploymentConfiguration."""
    return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": bake, **members}


def function(*stages: str) -> dict[str, Any]:
    """A Lambda hook."""
    return {"hookTargetArn": ARN, "roleArn": "arn:aws:iam::111122223333:role/hooks", "lifecycleStages": list(stages)}


def pause(*stages: str, **timeout: Any) -> dict[str, Any]:
    """A pause hook."""
    hook: dict[str, Any] = {"targetType": "PAUSE", "lifecycleStages": list(stages)}
    return {**hook, "timeoutConfiguration": timeout} if timeout else hook


def newest(stage: ServicesPlaying) -> Any:
    """The newest service deployment of `web`."""
    brief = stage.stage.do(list_service_deployments, service="web")["serviceDeployments"][0]
    arns = [brief["serviceDeploymentArn"]]
    return stage.stage.do(describe_service_deployments, serviceDeploymentArns=arns)["serviceDeployments"][0]


def images(stage: ServicesPlaying) -> dict[str, int]:
    """How many tasks that are to run have which image."""
    found: dict[str, int] = {}
    for arn in stage.tasks():
        image = stage.stage.task(arn)["containers"][0]["image"]
        found[image] = found.get(image, 0) + 1
    return found


async def deployed(stage: ServicesPlaying, configuration: dict[str, Any], desired: int = 2) -> None:
    """`web` with one revision in place, and the update to the next begun."""
    stage.stage.define({"image": "web:1"})
    await stage.create(desired, deploymentConfiguration=configuration)
    stage.stage.define({"image": "web:2"})
    await stage.update(taskDefinition="web")


def test_blue_lives_until_the_bake_time_is_over() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        service = await stage.create(2, deploymentConfiguration=blue_green(10))
        assert (service["deployments"][0]["rolloutState"], newest(stage)["status"]) == ("COMPLETED", "SUCCESSFUL")
        stage.stage.define({"image": "web:2"})
        service = await stage.update(taskDefinition="web")
        shown = [(d["status"], d["desiredCount"], d["runningCount"]) for d in service["deployments"]]
        assert shown == [("PRIMARY", 2, 2), ("ACTIVE", 2, 2)]
        assert (newest(stage)["lifecycleStage"], newest(stage)["status"]) == ("BAKE_TIME", "IN_PROGRESS")
        await stage.wait(10 * MINUTE - 1)
        assert images(stage) == {"web:1": 2, "web:2": 2}
        service = await stage.wait(1)
        assert images(stage) == {"web:2": 2}
        assert [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]
        assert newest(stage)["status"] == "SUCCESSFUL"
        assert stage.messages()[-3:] == [
            "has stopped 2 running tasks: (task ID) (task ID).",
            "(deployment ID) deployment completed.",
            "has reached a steady state.",
        ]

    play(story)


def test_green_is_awaited_before_anything_shifts() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await deployed(stage, blue_green(0))
        assert newest(stage)["lifecycleStage"] == "SCALE_UP"
        await stage.wait(30)
        assert newest(stage)["status"] == "SUCCESSFUL"

    play(story, scripts={"web:2": Script(pull=30)})


@pytest.mark.parametrize(
    ("configuration", "minutes"),
    [
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 7}}, 7),
        ({"strategy": "CANARY"}, 10),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 3}}, 9),
        ({"strategy": "LINEAR", "bakeTimeInMinutes": 4}, 9 * 6 + 4),
    ],
)
def test_steps_bake_by_the_clock(configuration: dict[str, Any], minutes: int) -> None:
    async def story(stage: ServicesPlaying) -> None:
        await deployed(stage, configuration)
        await stage.wait(minutes * MINUTE - 1)
        assert newest(stage)["status"] == "IN_PROGRESS"
        await stage.wait(1)
        assert newest(stage)["status"] == "SUCCESSFUL"

    play(story)


def test_functions_are_called_stage_by_stage_and_again_for_every_step() -> None:
    functions = Functions()

    async def story(stage: ServicesPlaying) -> None:
        hook = function(
            "PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"
        )
        canary = {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 1}
        configuration = {"strategy": "CANARY", "canaryConfiguration": canary}
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration=configuration)
        await stage.update(
            forceNewDeployment=True,
            deploymentConfiguration={**configuration, "lifecycleHooks": [{**hook, "hookDetails": {"a": 1}}]},
        )
        await stage.wait(60)
        assert [asked["lifecycleStage"] for asked in functions.asked] == [
            "PRE_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
        ]
        details = [asked["executionDetails"] for asked in functions.asked]
        green, blue = (newest(stage)[name] for name in ("targetServiceRevision", "sourceServiceRevisions"))
        assert details[0]["testTrafficWeights"] == details[0]["productionTrafficWeights"] == {}
        assert details[1]["testTrafficWeights"] == {green["arn"]: 100.0, blue[0]["arn"]: 0.0}
        assert details[3]["productionTrafficWeights"] == {green["arn"]: 20.0, blue[0]["arn"]: 80.0}
        assert details[5]["productionTrafficWeights"] == {green["arn"]: 100.0, blue[0]["arn"]: 0.0}
        assert functions.asked[0]["hookDetails"] == {"a": 1}
        assert newest(stage)["status"] == "SUCCESSFUL"

    play(story, targets=functions)


def test_a_function_that_is_not_ready_is_called_again() -> None:
    functions = Functions([{"hookStatus": "IN_PROGRESS", "callBackDelay": 45}, {"hookStatus": "IN_PROGRESS"}])

    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1, deploymentConfiguration=blue_green(0))
        hooks = [function("POST_TEST_TRAFFIC_SHIFT")]
        await stage.update(forceNewDeployment=True, deploymentConfiguration=blue_green(0, lifecycleHooks=hooks))
        assert len(functions.asked) == 1
        await stage.wait(45)
        assert len(functions.asked) == 2
        await stage.wait(29)
        assert len(functions.asked) == 2
        await stage.wait(1)
        assert newest(stage)["status"] == "SUCCESSFUL"

    play(story, targets=functions)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"hookStatus": "FAILED"}, f"Lifecycle hook target {ARN} returned FAILED status."),
        ({}, f"ECS was unable to parse the response from {ARN} due to HookStatus must not be null"),
        (HookTargetError("it is not there"), "it is not there"),
    ],
)
def test_a_hook_that_fails_takes_the_deployment_back(answer: object, reason: str) -> None:
    functions = Functions()

    async def story(stage: ServicesPlaying) -> None:
        hooks = [function("POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")]
        stage.stage.define({"image": "web:1"})
        await stage.create(2, deploymentConfiguration=blue_green(0, lifecycleHooks=hooks))
        functions.answers.append(answer)
        functions.asked.clear()
        stage.stage.define({"image": "web:2"})
        service = await stage.update(taskDefinition="web")
        assert images(stage) == {"web:1": 2}
        assert len(service["deployments"]) == 1
        failed = newest(stage)
        assert failed["status"] == "ROLLBACK_SUCCESSFUL"
        assert failed["statusReason"] == (
            f"Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. {reason}"
        )
        # on the way back the functions of the traffic shifts are called, too
        stages = [asked["lifecycleStage"] for asked in functions.asked]
        assert stages == ["POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]

    play(story, targets=functions)


def test_without_anything_that_runs_functions_hooks_fail_and_say_why() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration=blue_green(0))
        await stage.update(
            forceNewDeployment=True,
            deploymentConfiguration=blue_green(0, lifecycleHooks=[function("PRE_SCALE_UP")]),
        )
        assert f"ECS was unable to invoke hook target {ARN} due to" in newest(stage)["statusReason"]

    play(story)


def test_a_pause_waits_for_the_word() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration=blue_green(0))
        hooks = [pause("POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT")]
        stage.stage.define({"image": "web:2"})
        await stage.update(taskDefinition="web", deploymentConfiguration=blue_green(0, lifecycleHooks=hooks))
        await stage.wait(3600)
        paused = newest(stage)
        (hook,) = paused["lifecycleHookDetails"]
        assert (paused["lifecycleStage"], hook["status"]) == ("POST_SCALE_UP", "AWAITING_ACTION")
        assert hook["hookId"].startswith("ecs-pause-")
        assert (hook["expiresAt"] - paused["startedAt"]).total_seconds() == 24 * 3600
        asked: dict[str, Any] = {"serviceDeploymentArn": paused["serviceDeploymentArn"], "hookId": hook["hookId"]}
        stage.stage.do(continue_service_deployment, **asked)
        with pytest.raises(InvalidParameterException):
            stage.stage.do(continue_service_deployment, **asked)
        await stage.stage.settle()
        paused = newest(stage)
        assert paused["lifecycleStage"] == "PRE_PRODUCTION_TRAFFIC_SHIFT"
        asked["hookId"] = paused["lifecycleHookDetails"][0]["hookId"]
        stage.stage.do(continue_service_deployment, **asked, action="ROLLBACK")
        await stage.stage.settle()
        assert newest(stage)["status"] == "ROLLBACK_SUCCESSFUL"
        assert images(stage) == {"web:1": 1}

    play(story)


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_a_pause_that_nobody_ends_does_what_it_was_told(action: str, status: str) -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration=blue_green(0))
        hooks = [pause("POST_SCALE_UP", timeoutInMinutes=30, action=action)]
        await stage.update(forceNewDeployment=True, deploymentConfiguration=blue_green(0, lifecycleHooks=hooks))
        await stage.wait(30 * MINUTE - 1)
        assert newest(stage)["status"] == "IN_PROGRESS"
        await stage.wait(1)
        assert newest(stage)["status"] == status

    play(story)


def test_a_bake_that_is_stopped_goes_back_at_once() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await deployed(stage, blue_green(10))
        before = {arn for arn in stage.tasks() if stage.stage.task(arn)["containers"][0]["image"] == "web:1"}
        stage.stage.do(stop_service_deployment, serviceDeploymentArn=newest(stage)["serviceDeploymentArn"])
        await stage.stage.settle()
        assert set(stage.tasks()) == before
        assert newest(stage)["status"] == "ROLLBACK_SUCCESSFUL"
        assert stage.web()["deployments"][0]["rolloutState"] == "COMPLETED"

    play(story)


def test_an_abort_leaves_both_revisions_until_the_next_deployment() -> None:
    async def story(stage: ServicesPlaying) -> None:
        await deployed(stage, blue_green(10))
        stage.stage.do(
            stop_service_deployment, serviceDeploymentArn=newest(stage)["serviceDeploymentArn"], stopType="ABORT"
        )
        await stage.wait(3600)
        assert images(stage) == {"web:1": 2, "web:2": 2}
        assert newest(stage)["status"] == "STOPPED"
        stage.stage.define({"image": "web:3"})
        await stage.update(taskDefinition="web")
        assert images(stage) == {"web:1": 2, "web:3": 2}
        await stage.wait(600)
        assert images(stage) == {"web:3": 2}
        assert newest(stage)["status"] == "SUCCESSFUL"

    play(story, hosts=4)


def test_what_a_first_deployment_serves_lives_on_until_another_takes_over() -> None:
    async def story(stage: ServicesPlaying) -> None:
        configuration = blue_green(10, lifecycleHooks=[pause("POST_PRODUCTION_TRAFFIC_SHIFT")])
        stage.stage.define({"image": "web:1"})
        await stage.create(2, deploymentConfiguration=configuration)  # it never completes
        stage.stage.define({"image": "web:2"})
        await stage.update(taskDefinition="web")
        await stage.wait(MINUTE)
        assert newest(stage)["lifecycleStage"] == "POST_PRODUCTION_TRAFFIC_SHIFT"
        assert images(stage) == {"web:1": 2, "web:2": 2}
        stage.stage.define({"image": "web:3"})
        await stage.update(taskDefinition="web")
        service = await stage.wait(MINUTE)
        assert images(stage) == {"web:1": 2, "web:3": 2}
        assert [item["runningCount"] for item in service["deployments"]] == [2, 2]  # what was superseded has gone

    play(story)


def test_broken_tasks_trip_the_breaker_here_too() -> None:
    async def story(stage: ServicesPlaying) -> None:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        await deployed(stage, blue_green(0, **breaker))
        await stage.wait(600)
        assert newest(stage)["status"] == "ROLLBACK_SUCCESSFUL"
        assert images(stage) == {"web:1": 2}

    play(story, scripts={"web:2": Script(pull_error="no such image")})


def test_what_is_not_possible() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        wrong: list[dict[str, Any]] = [
            {"strategy": "BLUE_GREEN"},
            {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1441},
            {"strategy": "ROLLING", "bakeTimeInMinutes": 5},
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}},
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.05}},
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.0}},
            {"strategy": "CANARY", "linearConfiguration": {"stepPercent": 10.0}},
            blue_green(lifecycleHooks=[pause("PRODUCTION_TRAFFIC_SHIFT")]),
            blue_green(lifecycleHooks=[function("SCALE_UP")]),
            blue_green(lifecycleHooks=[{"lifecycleStages": ["PRE_SCALE_UP"]}]),
        ]
        base: dict[str, Any] = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1}
        for configuration in wrong:
            with pytest.raises(InvalidParameterException):
                stage.stage.do(create_service, **base, deploymentConfiguration=configuration)
        await stage.create(1)
        with pytest.raises(InvalidParameterException):
            stage.stage.do(update_service, service="web", deploymentConfiguration={"strategy": "BLUE_GREEN"})

    play(story)

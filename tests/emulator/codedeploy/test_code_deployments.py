"""Deployments of CodeDeploy to ECS: real task sets, listeners that flip, waits by the clock, and every way back."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from emulator.codedeploy.deployment_configs import create_deployment_config
from emulator.codedeploy.deployment_documents import batch_get_deployments, list_deployments
from emulator.codedeploy.deployment_groups import create_deployment_group, get_deployment_group
from emulator.codedeploy.deployment_targets import list_deployment_targets
from emulator.codedeploy.deployments import (
    continue_deployment,
    put_lifecycle_event_hook_execution_status,
    stop_deployment,
)
from emulator.codedeploy.errors import (
    DeploymentAlreadyCompletedException,
    DeploymentIsNotInReadyStateException,
    DeploymentLimitExceededException,
    ECSServiceMappingLimitExceededException,
    InvalidLifecycleEventHookExecutionIdException,
    InvalidRevisionException,
    LifecycleEventAlreadyCompletedException,
    RevisionDoesNotExistException,
)
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.services import delete_service, update_service
from emulator.neighbours.ports import MetricAlarm
from emulator.runtime.scripts import Script
from tests.emulator.codedeploy.stages import GROUP, Lab, appspec, blue_green, rollback
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.fixed_balancer import TEST, FixedBalancer, group_arn
from tests.emulator.ecs.services_playing import services_playing
from tests.emulator.ecs.test_deployments_survive import die

LINEAR = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes"
CANARY = "CodeDeployDefault.ECSCanary10Percent5Minutes"
MINUTE = 60


@dataclass
class Functions:
    """Functions that can be called, and what they were told."""

    told: list[Any] = field(default_factory=list)

    async def call(self, account: str, region: str, arn: str, payload: Any) -> object:
        del account, region
        self.told.append((arn, payload))
        return None


def play(story: Callable[[Lab], Awaitable[None]], *, targets: Any = None, **settings: Any) -> None:
    """Tell a story in a lab of its own."""

    async def told() -> None:
        balancer = FixedBalancer()
        async with services_playing(targets=targets, balancer=balancer, hosts=3) as stage:
            await story(await Lab(stage, balancer).begin(**settings))

    asyncio.run(told())


def test_a_service_begins_with_a_primary_task_set_and_changes_by_code_deploy_only() -> None:
    async def story(lab: Lab) -> None:
        service = lab.stage.web()
        assert (service["deployments"], service["runningCount"]) == ([], 2)
        (only,) = service["taskSets"]
        assert (only["status"], only["stabilityStatus"], only["computedDesiredCount"]) == ("PRIMARY", "STEADY_STATE", 2)
        with pytest.raises(
            InvalidParameterException, match=r"^Unable to update task definition on services with a CODE_"
        ):
            await lab.stage.update(taskDefinition="web")
        with pytest.raises(InvalidParameterException, match=r"^Cannot force a new deployment on services"):
            await lab.stage.update(forceNewDeployment=True)
        assert (await lab.stage.update(desiredCount=3))["runningCount"] == 3

    play(story)


def test_all_at_once_the_listener_flips_and_the_original_goes_after_its_wait() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy()
        assert (lab.shown(made)["status"], lab.share(), lab.share(TEST)) == ("InProgress", 100, 100)
        assert lab.images() == ["web:1", "web:1", "web:2", "web:2"]
        assert lab.shown(made)["instanceTerminationWaitTimeStarted"] is True
        labels = {
            item["taskSetLabel"]: (item["status"], item["trafficWeight"]) for item in lab.target(made)["taskSetsInfo"]
        }
        assert labels == {"Green": ("PRIMARY", 100.0), "Blue": ("ACTIVE", 0.0)}
        await lab.wait(4 * MINUTE)
        assert len(lab.images()) == 4
        await lab.wait(2 * MINUTE)
        shown = lab.shown(made)
        assert (shown["status"], lab.images()) == ("Succeeded", ["web:2", "web:2"])
        assert set(lab.events(made).values()) == {"Succeeded"}
        assert shown["completeTime"] - shown["startTime"] >= timedelta(minutes=5)
        assert shown["deploymentOverview"]["Succeeded"] == 1
        service = lab.stage.web()
        assert service["loadBalancers"][0]["targetGroupArn"] == group_arn("green")
        (only,) = service["taskSets"]
        assert (only["externalId"], only["startedBy"], only["status"]) == (made, "CODE_DEPLOY", "PRIMARY")
        group = lab.stage.stage.do(get_deployment_group, **GROUP)["deploymentGroupInfo"]
        assert group["lastSuccessfulDeployment"]["deploymentId"] == made
        again = await lab.deploy()  # the groups change places
        assert lab.share() == 0
        await lab.wait(6 * MINUTE)
        assert lab.shown(again)["status"] == "Succeeded"

    play(story)


def test_before_there_is_a_healthy_replacement_nothing_moves() -> None:
    async def story(lab: Lab) -> None:
        lab.balancer.first = "initial"
        made = await lab.deploy()
        await lab.wait(59 * MINUTE)
        assert (lab.shown(made)["status"], lab.share(), lab.share(TEST)) == ("InProgress", 0, 0)
        await lab.wait(2 * MINUTE)
        shown = lab.shown(made)
        assert (shown["status"], shown["errorInformation"]["code"], lab.share()) == ("Failed", "TIMEOUT", 0)

    play(story)


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        (LINEAR, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
        (CANARY, [10, 10, 10, 10, 10, 100]),
        ("slow", [25, 25, 50, 50, 75, 75, 100]),
    ],
)
def test_traffic_moves_by_the_configuration(config: str, shares: list[float]) -> None:
    async def story(lab: Lab) -> None:
        linear = {"linearPercentage": 25, "linearInterval": 2}
        lab.stage.stage.do(
            create_deployment_config,
            deploymentConfigName="slow",
            computePlatform="ECS",
            trafficRoutingConfig={"type": "TimeBasedLinear", "timeBasedLinear": linear},
        )
        made = await lab.deploy(deploymentConfigName=config)
        for share in shares:
            assert lab.share() == share
            await lab.wait(MINUTE)
        assert lab.shown(made)["deploymentConfigName"] == config
        assert lab.events(made)["AllowTraffic"] == "Succeeded"

    play(story)


def test_production_waits_to_be_continued() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy()
        await lab.wait(10 * MINUTE)
        assert (lab.shown(made)["status"], lab.share(), lab.share(TEST)) == ("Ready", 0, 100)
        lab.stage.stage.do(continue_deployment, deploymentId=made, deploymentWaitType="READY_WAIT")
        await lab.stage.stage.settle()
        assert (lab.shown(made)["status"], lab.share()) == ("InProgress", 100)
        with pytest.raises(DeploymentIsNotInReadyStateException):
            lab.stage.stage.do(continue_deployment, deploymentId=made)
        lab.stage.stage.do(continue_deployment, deploymentId=made, deploymentWaitType="TERMINATION_WAIT")
        await lab.wait(1)
        assert (lab.shown(made)["status"], lab.images()) == ("Succeeded", ["web:2", "web:2"])

    play(story, blueGreenDeploymentConfiguration=blue_green(2880, ready=15))


def test_what_is_not_continued_in_time_stops() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy()
        await lab.wait(16 * MINUTE)
        assert (lab.shown(made)["status"], lab.share()) == ("Stopped", 0)

    play(story, blueGreenDeploymentConfiguration=blue_green(ready=15))


async def gone_back(lab: Lab, made: str, status: str, code: str) -> None:
    """It ended so, and another deployment took the service back."""
    await lab.wait(1)
    shown = lab.shown(made)
    assert (shown["status"], shown["errorInformation"]["code"]) == (status, code)
    back = lab.shown(shown["rollbackInfo"]["rollbackDeploymentId"])
    assert (back["creator"], back["status"]) == ("codeDeployRollback", "Succeeded")
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == made
    assert (lab.share(), lab.share(TEST), lab.images()) == (0, 0, ["web:1", "web:1"])
    (only,) = lab.stage.web()["taskSets"]
    assert (only["status"], only["loadBalancers"][0]["targetGroupArn"]) == ("PRIMARY", group_arn("blue"))


def test_a_stop_in_the_middle_of_a_canary_goes_back() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy(deploymentConfigName=CANARY)
        await lab.wait(MINUTE)
        assert lab.share() == 10
        assert lab.stage.stage.do(stop_deployment, deploymentId=made, autoRollbackEnabled=True) == {"status": "Pending"}
        await lab.stage.stage.settle()
        await gone_back(lab, made, "Stopped", "MANUAL_STOP")
        with pytest.raises(DeploymentAlreadyCompletedException):
            lab.stage.stage.do(stop_deployment, deploymentId=made)

    play(story)


def test_an_alarm_while_the_original_still_lives_goes_back() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy()
        assert lab.share() == 100
        lab.stage.stage.neighbours.put_alarm(ACCOUNT, REGION, MetricAlarm("errors", "ALARM", 60))
        await lab.stage.stage.settle()
        await gone_back(lab, made, "Stopped", "ALARM_ACTIVE")

    play(
        story,
        alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]},
        autoRollbackConfiguration=rollback("DEPLOYMENT_STOP_ON_ALARM"),
    )


def test_tasks_that_are_never_healthy_go_back_after_an_hour() -> None:
    async def story(lab: Lab) -> None:
        lab.balancer.first = "initial"
        made = await lab.deploy()
        await lab.wait(61 * MINUTE)
        await gone_back(lab, made, "Failed", "TIMEOUT")

    play(story, autoRollbackConfiguration=rollback("DEPLOYMENT_FAILURE"))


def test_a_deployment_that_was_only_stopped_is_cleared_away_by_the_next_one() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy(deploymentConfigName=CANARY)
        lab.stage.stage.do(stop_deployment, deploymentId=made, autoRollbackEnabled=False)
        await lab.wait(MINUTE)
        assert (lab.shown(made)["status"], lab.share(), len(lab.stage.web()["taskSets"])) == ("Stopped", 10, 2)
        again = await lab.deploy()
        assert lab.share() == 0, "what was left behind gets no traffic while it goes"
        await lab.wait(1)
        await lab.wait(10 * MINUTE)
        assert (lab.shown(again)["status"], lab.share(), lab.images()) == ("Succeeded", 100, ["web:2", "web:2"])

    play(story)


def test_a_hook_that_cannot_be_called_fails_with_its_reason() -> None:
    async def story(lab: Lab) -> None:
        made = await lab.deploy(appspec(AfterAllowTestTraffic="check"))
        shown = lab.shown(made)
        assert (shown["status"], lab.share()) == ("Failed", 0)
        assert shown["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"
        assert "Lambda functions are not emulated" in shown["errorInformation"]["message"]
        assert (lab.events(made)["AfterAllowTestTraffic"], lab.events(made)["AllowTraffic"]) == ("Failed", "Skipped")

    play(story)


def test_hooks_wait_for_what_their_functions_report() -> None:
    functions = Functions()

    async def story(lab: Lab) -> None:
        made = await lab.deploy(
            appspec(BeforeInstall="first", AfterAllowTraffic="arn:aws:lambda:eu-west-1:1:function:last")
        )
        ((arn, payload),) = functions.told
        assert arn == "arn:aws:lambda:eu-west-1:111122223333:function:first"
        assert lab.images() == ["web:1", "web:1"]
        report = {"deploymentId": made, "lifecycleEventHookExecutionId": payload["LifecycleEventHookExecutionId"]}
        with pytest.raises(InvalidLifecycleEventHookExecutionIdException):
            lab.stage.stage.do(
                put_lifecycle_event_hook_execution_status,
                **{**report, "lifecycleEventHookExecutionId": "x"},
                status="Failed",
            )
        lab.stage.stage.do(put_lifecycle_event_hook_execution_status, **report, status="Succeeded")
        with pytest.raises(LifecycleEventAlreadyCompletedException):
            lab.stage.stage.do(put_lifecycle_event_hook_execution_status, **report, status="Succeeded")
        await lab.stage.stage.settle()
        assert (len(functions.told), lab.share()) == (2, 100)
        await lab.wait(61 * MINUTE)
        await gone_back(lab, made, "Failed", "HOOK_EXECUTION_FAILURE")
        assert "did not report within an hour" in lab.shown(made)["errorInformation"]["message"]

    play(story, targets=functions, autoRollbackConfiguration=rollback("DEPLOYMENT_FAILURE"))


def test_revisions_that_are_none_are_refused() -> None:
    async def story(lab: Lab) -> None:
        good = appspec()["appSpecContent"]["content"]
        bad = [
            {"revisionType": "GitHub", "gitHubLocation": {}},
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": "]"}},
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": "version: 0.0"}},
            {"revisionType": "AppSpecContent", "appSpecContent": {"content": good, "sha256": "0" * 64}},
            {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "zip"}},
        ]
        for revision in bad:
            with pytest.raises(InvalidRevisionException):
                await lab.deploy(revision)
        location = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "JSON"}}
        with pytest.raises(RevisionDoesNotExistException):
            await lab.deploy(location)
        lab.stage.stage.neighbours.objects["b", "k"] = good.encode()
        made = await lab.deploy(location)
        with pytest.raises(DeploymentLimitExceededException, match=rf"already has an active Deployment '{made}'$"):
            await lab.deploy({**appspec(), "sha256": sha256(good.encode()).hexdigest()})
        await lab.wait(6 * MINUTE)
        assert lab.shown(made)["status"] == "Succeeded"
        listed = lab.stage.stage.do(list_deployments, **GROUP, includeOnlyStatuses=["Succeeded"])["deployments"]
        assert listed == [made]
        assert len(lab.stage.stage.do(batch_get_deployments, deploymentIds=[made, "d-NONE"])["deploymentsInfo"]) == 1
        assert lab.stage.stage.do(list_deployment_targets, deploymentId=made)["targetIds"] == ["default:web"]

    play(story)


def test_a_service_that_is_gone_or_has_another_group_is_told() -> None:
    async def story(lab: Lab) -> None:
        other = lab.stage.stage.do(get_deployment_group, **GROUP)["deploymentGroupInfo"]
        asked = {member: other[member] for member in ("ecsServices", "loadBalancerInfo", "serviceRoleArn")}
        with pytest.raises(ECSServiceMappingLimitExceededException):
            lab.stage.stage.do(create_deployment_group, **{**GROUP, "deploymentGroupName": "other"}, **asked)
        lab.stage.stage.do(update_service, service="web", desiredCount=0)
        lab.stage.stage.do(delete_service, service="web")
        await lab.wait(1)
        made = await lab.deploy()
        assert lab.shown(made)["errorInformation"]["code"] == "INVALID_ECS_SERVICE"

    play(story)


STORIES: dict[str, tuple[str, dict[str, str]]] = {
    "all at once": ("CodeDeployDefault.ECSAllAtOnce", {}),
    "canary": (CANARY, {}),
    "back": (CANARY, {"AfterAllowTraffic": "cannot-be-called"}),
}


async def told(name: str, seed: int | None) -> tuple[Any, ...]:
    """How a deployment ends; the process dies twice on the way where a seed is given."""
    config, hooks = STORIES[name]
    chance, balancer = random.Random(seed), FixedBalancer()
    async with services_playing(hosts=3, scripts={"web:*": Script(pull=5, stop=2)}, balancer=balancer) as stage:
        lab = await Lab(stage, balancer).begin(autoRollbackConfiguration=rollback("DEPLOYMENT_FAILURE"))
        await lab.wait(MINUTE)
        made = await lab.deploy(appspec(**hooks), deploymentConfigName=config)
        for _ in range(2 if seed is not None else 0):
            await lab.wait(chance.choice([0, 1, 5, 41, 120, 300]) + chance.random() * 10)
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            await die(stage)
        for _ in range(10):
            await lab.wait(3 * MINUTE)
        left = {item.task_arn for item in await stage.stage.runtime.observe()}
        assert left == set(stage.tasks())
        return lab.shown(made)["status"], lab.images(), len(stage.web()["taskSets"]), lab.share(), lab.share(TEST)


@pytest.mark.parametrize("name", STORIES)
def test_the_process_may_die_at_any_moment(name: str) -> None:
    expected = asyncio.run(told(name, None))
    for seed in range(3):
        assert asyncio.run(told(name, seed)) == expected, f"seed {seed}"

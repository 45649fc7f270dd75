"""Service deployments and revisions, the circuit breaker, and how a service goes back."""

from typing import Any

import pytest

from emulator.ecs.errors import ConflictException, ServiceDeploymentNotFoundException
from emulator.ecs.service_deployments import (
    describe_service_deployments,
    list_service_deployments,
    stop_service_deployment,
)
from emulator.ecs.service_revisions import describe_service_revisions
from emulator.runtime.simulated import Script
from tests.emulator.ecs.services_playing import ServicesPlaying, play

BROKEN = Script(pull_error="no such image")
SICK = Script(health_after=1, health="UNHEALTHY")
CHECKED = {"healthCheck": {"command": ["CMD", "true"]}}


def breaker(*, rollback: bool = True, **members: Any) -> dict[str, Any]:
    """A deploymentConfiguration with the circuit breaker on."""
    return {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback, **members}}


def deployments(stage: ServicesPlaying) -> list[Any]:
    """The service deployments of `web` in full, newest first."""
    briefs = stage.stage.do(list_service_deployments, service="web")["serviceDeployments"]
    arns = [brief["serviceDeploymentArn"] for brief in briefs]
    found = stage.stage.do(describe_service_deployments, serviceDeploymentArns=arns)
    assert not found["failures"]
    assert [item["status"] for item in briefs] == [item["status"] for item in found["serviceDeployments"]]
    return found["serviceDeployments"]


def test_a_service_begins_with_a_service_deployment_of_its_first_revision() -> None:
    async def story(stage: ServicesPlaying) -> None:
        arn = stage.stage.define({"image": "web:1"})
        service = await stage.create(2)
        (deployment,) = deployments(stage)
        assert (deployment["status"], deployment["sourceServiceRevisions"]) == ("SUCCESSFUL", [])
        assert deployment["startedAt"] <= deployment["finishedAt"]
        target = deployment["targetServiceRevision"]
        assert (target["requestedTaskCount"], target["runningTaskCount"], target["pendingTaskCount"]) == (2, 2, 0)
        assert service["currentServiceRevisions"] == [target]
        assert "currentServiceDeployment" not in service
        (revision,) = stage.stage.do(describe_service_revisions, serviceRevisionArns=[target["arn"]])[
            "serviceRevisions"
        ]
        assert (revision["taskDefinition"], revision["launchType"]) == (arn, "EC2")
        # the simulated runtime pulls nothing and therefore knows no digest
        assert revision["containerImages"] == [{"containerName": "app", "image": "web:1"}]

    play(story)


def test_a_newer_deployment_stops_the_one_under_way() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        service = await stage.update(forceNewDeployment=True)
        first = deployments(stage)[0]
        assert (first["status"], service["currentServiceDeployment"]) == ("IN_PROGRESS", first["serviceDeploymentArn"])
        await stage.update(forceNewDeployment=True)
        newest, second, _ = deployments(stage)
        assert (newest["status"], second["status"]) == ("IN_PROGRESS", "STOPPED")
        assert len(newest["sourceServiceRevisions"]) == 2
        assert second["stoppedAt"]
        await stage.wait(41)
        assert [item["status"] for item in deployments(stage)] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
        found = stage.stage.do(list_service_deployments, service="web", status=["STOPPED"])["serviceDeployments"]
        assert [item["serviceDeploymentArn"] for item in found] == [second["serviceDeploymentArn"]]

    play(story)


def test_pages_go_from_the_newest_to_the_oldest() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        for _ in range(4):
            await stage.update(forceNewDeployment=True)
        arns = [item["serviceDeploymentArn"] for item in deployments(stage)]
        seen: list[str] = []
        token: dict[str, str] = {}
        while True:
            page: Any = stage.stage.do(list_service_deployments, service="web", maxResults=2, **token)
            seen += [item["serviceDeploymentArn"] for item in page["serviceDeployments"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert seen == arns

    play(story)


def test_the_breaker_goes_back_to_the_last_completed_deployment() -> None:
    async def story(stage: ServicesPlaying) -> None:
        good = stage.stage.define({"image": "web:1"})
        service = await stage.create(2, deploymentConfiguration=breaker())
        first = service["deployments"][0]["id"]
        stage.stage.define({"image": "broken:1"})
        await stage.update(taskDefinition="web")
        service = await stage.wait(3600)
        assert [(d["id"], d["rolloutState"]) for d in service["deployments"]] == [(first, "COMPLETED")]
        assert (service["taskDefinition"], service["runningCount"]) == (good, 2)
        failed = deployments(stage)[0]
        assert failed["status"] == "ROLLBACK_SUCCESSFUL"
        reason = "Service deployment rolled back because the circuit breaker threshold was exceeded."
        assert (failed["statusReason"], failed["rollback"]["reason"]) == (reason, reason)
        assert failed["rollback"]["serviceRevisionArn"].endswith(first.rpartition("/")[2])
        counted = failed["deploymentCircuitBreaker"]
        assert (counted["status"], counted["threshold"]) == ("TRIGGERED", 3)
        assert counted["failureCount"] >= 3
        assert stage.messages()[-4:] == [
            "(deployment ID) deployment failed: tasks failed to start.",
            "rolling back to deployment ID.",
            "(deployment ID) deployment completed.",
            "has reached a steady state.",
        ]

    play(story, scripts={"broken:*": BROKEN})


def test_without_rollback_the_service_stalls() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration=breaker(rollback=False))
        stage.stage.define({"image": "broken:1"})
        await stage.update(taskDefinition="web")
        service = await stage.wait(60)
        primary, older = service["deployments"]
        assert (primary["rolloutState"], older["runningCount"]) == ("FAILED", 1)
        assert primary["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
        before = primary["failedTasks"]
        service = await stage.wait(3600)
        assert service["deployments"][0]["failedTasks"] == before
        failed = deployments(stage)[0]
        assert (failed["status"], "rollback" in failed) == ("STOPPED", False)

    play(story, scripts={"broken:*": BROKEN})


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "broken:1"})
        await stage.create(1, deploymentConfiguration=breaker(thresholdConfiguration={"type": "COUNT", "value": 5}))
        service = await stage.wait(600)
        (primary,) = service["deployments"]
        assert (primary["rolloutState"], primary["failedTasks"]) == ("FAILED", 5)
        assert deployments(stage)[0]["status"] == "ROLLBACK_FAILED"

    play(story, scripts={"broken:*": BROKEN})


def test_failed_health_checks_trip_the_breaker_too() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1", **CHECKED})
        await stage.create(1, deploymentConfiguration=breaker())
        stage.stage.define({"image": "sick:1", **CHECKED})
        await stage.update(taskDefinition="web")
        service = await stage.wait(600)
        assert (len(service["deployments"]), service["runningCount"]) == (1, 1)
        failed = deployments(stage)[0]
        assert (failed["status"], failed["deploymentCircuitBreaker"]["failureCount"]) == ("ROLLBACK_SUCCESSFUL", 3)

    play(story, scripts={"sick:*": SICK})


def test_a_rollback_that_fails_too_ends() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1, deploymentConfiguration={**breaker(), "minimumHealthyPercent": 0})
        await stage.wait(1)
        stage.stage.runtime.script("*", BROKEN)
        await stage.update(forceNewDeployment=True)
        await stage.wait(600)
        assert not stage.tasks()
        assert deployments(stage)[0]["status"] == "ROLLBACK_FAILED"

    play(story)


def test_stop_goes_back_also_where_no_rollback_is_configured() -> None:
    async def story(stage: ServicesPlaying) -> None:
        good = stage.stage.define({"image": "web:1"})
        await stage.create(1)
        stage.stage.define({"image": "web:2"})
        service = await stage.update(taskDefinition="web")
        arn = service["currentServiceDeployment"]
        stage.stage.do(stop_service_deployment, serviceDeploymentArn=arn)
        assert deployments(stage)[0]["status"] == "ROLLBACK_REQUESTED"
        with pytest.raises(ConflictException):
            stage.stage.do(stop_service_deployment, serviceDeploymentArn=arn)
        await stage.stage.settle()
        service = await stage.wait(41)
        assert (service["taskDefinition"], len(service["deployments"])) == (good, 1)
        assert deployments(stage)[0]["status"] == "ROLLBACK_SUCCESSFUL"
        with pytest.raises(ConflictException):
            stage.stage.do(stop_service_deployment, serviceDeploymentArn=arn)
        with pytest.raises(ServiceDeploymentNotFoundException):
            stage.stage.do(stop_service_deployment, serviceDeploymentArn=f"{arn}x")

    play(story)


def test_abort_leaves_tasks_where_they_are() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"image": "web:1"})
        await stage.create(1)
        service = await stage.update(forceNewDeployment=True)
        stage.stage.do(
            stop_service_deployment, serviceDeploymentArn=service["currentServiceDeployment"], stopType="ABORT"
        )
        await stage.stage.settle()
        assert deployments(stage)[0]["status"] == "STOPPED"
        assert "currentServiceDeployment" not in stage.web()

    play(story)

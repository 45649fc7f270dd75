"""DAEMON services on hosts that come and go."""

from typing import Any

import pytest

from emulator.ecs.attributes import put_attributes
from emulator.ecs.container_instances import update_container_instances_state
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.services import create_service, delete_service, update_service
from emulator.runtime.simulated import Script
from tests.emulator.ecs.control_plane import add_hosts
from tests.emulator.ecs.services_playing import ServicesPlaying, play


async def daemon(stage: ServicesPlaying, **request: Any) -> Any:
    """Create `web` as a DAEMON service."""
    stage.stage.do(create_service, serviceName="web", taskDefinition="web", schedulingStrategy="DAEMON", **request)
    await stage.stage.settle()
    return stage.web()


def hosts_of(stage: ServicesPlaying) -> list[str]:
    """Where the tasks that are to run stand."""
    return sorted(stage.stage.task(arn)["containerInstanceArn"] for arn in stage.tasks())


def test_one_task_on_each_host_and_on_those_that_come() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        service = await daemon(stage)
        assert (service["desiredCount"], service["runningCount"]) == (3, 3)
        assert service["deploymentConfiguration"]["maximumPercent"] == 100
        assert service["deploymentConfiguration"]["minimumHealthyPercent"] == 0
        assert service["deployments"][0]["rolloutState"] == "COMPLETED"
        assert len(set(hosts_of(stage))) == 3
        add_hosts(stage.stage.emulator)
        await stage.stage.settle()
        assert (stage.web()["desiredCount"], stage.web()["runningCount"]) == (4, 4)

    play(story, hosts=3)


def test_an_update_replaces_each_host_by_host() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await daemon(stage, deploymentConfiguration={"minimumHealthyPercent": 50})
        before = hosts_of(stage)
        new = stage.stage.define({"image": "web:2"})
        await stage.update(taskDefinition="web")
        assert len(stage.tasks()) == 4
        service = await stage.wait(200)
        assert len(service["deployments"]) == 1
        assert {stage.stage.task(arn)["taskDefinitionArn"] for arn in stage.tasks()} == {new}
        assert hosts_of(stage) == before

    play(story, hosts=4)


def test_constraints_choose_the_hosts_and_those_that_stop_matching_lose_their_task() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        first, second = add_hosts(stage.stage.emulator, 2, attributes={"stack": "prod"})
        rule = [{"type": "memberOf", "expression": "attribute:stack == prod"}]
        await daemon(stage, placementConstraints=rule)
        assert hosts_of(stage) == sorted([first, second])
        attribute = {"name": "stack", "value": "test", "targetType": "container-instance", "targetId": first}
        stage.stage.do(put_attributes, attributes=[attribute])
        stage.stage.emulator.loops.wake("services", stage.web()["serviceArn"])
        await stage.stage.settle()
        assert hosts_of(stage) == [second]

    play(story, hosts=1)


def test_on_a_draining_host_the_daemon_goes_last() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await daemon(stage)
        job = await stage.stage.run()
        host = stage.stage.task(job)["containerInstanceArn"]
        stage.stage.do(update_container_instances_state, containerInstances=[host], status="DRAINING")
        await stage.stage.settle()
        assert host in hosts_of(stage)
        await stage.stage.stop(job)
        assert host not in hosts_of(stage)
        assert (stage.web()["desiredCount"], stage.web()["runningCount"]) == (1, 1)

    play(story)


def test_a_host_without_room_is_told() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define({"memory": 7000})
        await stage.stage.run()
        service = await daemon(stage)
        assert (service["desiredCount"], service["runningCount"]) == (1, 0)
        assert "has insufficient memory available" in stage.messages()[-1]

    play(story, hosts=1)


def test_deleting_needs_no_force() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await daemon(stage)
        stage.stage.do(delete_service, service="web")
        await stage.stage.settle()
        assert (await stage.wait(1))["status"] == "INACTIVE"

    play(story)


def test_what_a_daemon_cannot_have() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        base: dict[str, Any] = {"serviceName": "web", "taskDefinition": "web", "schedulingStrategy": "DAEMON"}
        provider = [{"capacityProvider": "FARGATE", "weight": 1}]
        with pytest.raises(InvalidParameterException, match="using the DAEMON scheduling strategy"):
            stage.stage.do(create_service, **base, capacityProviderStrategy=provider)
        for wrong in (
            {"desiredCount": 2},
            {"launchType": "FARGATE"},
            {"deploymentConfiguration": {"maximumPercent": 200}},
            {"placementStrategy": [{"type": "random"}]},
        ):
            with pytest.raises(InvalidParameterException):
                stage.stage.do(create_service, **base, **wrong)
        await daemon(stage)
        with pytest.raises(InvalidParameterException):
            stage.stage.do(update_service, service="web", desiredCount=5)

    play(story)


def test_a_daemon_that_dies_comes_back_on_its_host() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await daemon(stage)
        before = hosts_of(stage)
        await stage.stage.stop(stage.tasks()[0])
        await stage.wait(5)
        assert hosts_of(stage) == before

    play(story, scripts={"*": Script(stop=2)})

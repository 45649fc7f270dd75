"""RunTask, StartTask, StopTask, DescribeTasks and ListTasks: what they answer and what they refuse."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from emulator.ecs.container_instances import update_container_instances_state
from emulator.ecs.errors import (
    ClientException,
    ClusterNotFoundException,
    ConflictException,
    InvalidParameterException,
    PlatformUnknownException,
    ServiceNotFoundException,
    UnsupportedFeatureException,
)
from emulator.ecs.tasks import describe_tasks, list_tasks, run_task, start_task, stop_task
from emulator.state.ecs import ContainerInstanceRow
from emulator.state.journal import DecisionRow
from tests.emulator.ecs.control_plane import START
from tests.emulator.playing import Playing, playing

AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
FARGATE = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}


def ask(questions: Callable[[Playing], object], **members: Any) -> None:
    """Ask a server whose loops rest."""

    async def asked() -> None:
        async with playing(**members) as stage:
            questions(stage)

    asyncio.run(asked())


def hosts(stage: Playing) -> list[str]:
    with stage.emulator.store.begin() as session:
        return list(session.scalars(select(ContainerInstanceRow.arn)))


def test_the_immediate_answer_on_ec2() -> None:
    def questions(stage: Playing) -> None:
        definition = stage.define({"cpu": 10, "memory": 128})
        result = stage.do(run_task, taskDefinition="web")
        assert result["failures"] == []
        (task,) = result["tasks"]
        expected = {
            "lastStatus": "PENDING", "desiredStatus": "RUNNING", "launchType": "EC2", "group": "family:web",
            "cpu": "10", "memory": "128", "version": 1, "createdAt": START, "taskDefinitionArn": definition,
            "attachments": [], "tags": [], "enableExecuteCommand": False,
            "overrides": {"containerOverrides": [{"name": "app"}], "inferenceAcceleratorOverrides": []},
        }  # fmt: skip
        assert expected.items() <= task.items()
        assert task["containerInstanceArn"] in hosts(stage)
        (shown,) = task["containers"]
        assert (shown["name"], shown["lastStatus"], shown["cpu"], shown["memory"]) == ("app", "PENDING", "10", "128")
        assert not {"startedAt", "stopCode", "startedBy", "platformVersion"} & task.keys()

    ask(questions)


def overridden(**members: Any) -> dict[str, Any]:
    """Members of RunTask that override the container `app`."""
    return {"overrides": {"containerOverrides": [{"name": "app", **members}]}}


def test_overrides_are_shown_and_held_in_units() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        overrides = {"cpu": "1 vCPU", "memory": ".5 GB", "inferenceAcceleratorOverrides": [{"deviceName": "d"}]}
        (task,) = stage.do(run_task, taskDefinition="web", overrides=overrides)["tasks"]
        assert (task["cpu"], task["memory"]) == ("1024", "512")
        shown = {**overrides, "cpu": "1024", "memory": "512", "containerOverrides": [{"name": "app"}]}
        assert task["overrides"] == shown
        (task,) = stage.do(run_task, taskDefinition="web", **overridden(environment=[{"name": "A"}]))["tasks"]
        assert task["overrides"] == {
            **overridden(environment=[{"name": "A"}])["overrides"],
            "inferenceAcceleratorOverrides": [],
        }

    ask(questions)


def test_every_placement_leaves_its_reasons() -> None:
    def questions(stage: Playing) -> None:
        stage.define({"memory": 6000})
        result = stage.do(run_task, taskDefinition="web", count=5)
        assert len(result["tasks"]) == 2
        assert {failure["reason"] for failure in result["failures"]} == {"RESOURCE:MEMORY"}
        with stage.emulator.store.begin() as session:
            records = {row.subject: row.body["chosen"] for row in session.scalars(select(DecisionRow))}
        placed = {task["taskArn"]: task["containerInstanceArn"] for task in result["tasks"]}
        assert placed.items() <= records.items()
        (refused,) = records.keys() - placed.keys()
        assert (refused.startswith("run-task/"), records[refused]) == (True, None)

    ask(questions)


def test_a_refused_request_leaves_nothing() -> None:
    def questions(stage: Playing) -> None:
        stage.define({"memory": 6000})
        for _ in range(2):
            with pytest.raises(InvalidParameterException):
                stage.do(run_task, taskDefinition="web", tags=[{"key": "aws:x", "value": ""}])
        assert len(stage.do(run_task, taskDefinition="web", count=2)["tasks"]) == 2

    ask(questions)


def test_fargate_tasks_are_spread_over_the_zones_of_their_subnets() -> None:
    def questions(stage: Playing) -> None:
        stage.define({}, **FARGATE)
        request = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": AWSVPC}
        tasks = [task for _ in range(2) for task in stage.do(run_task, count=2, **request)["tasks"]]
        assert sorted(task["availabilityZone"][-1] for task in tasks) == ["a", "a", "b", "b"]
        assert {task["lastStatus"] for task in tasks} == {"PROVISIONING"}
        assert "containerInstanceArn" not in tasks[0]
        assert (tasks[0]["platformVersion"], tasks[0]["platformFamily"]) == ("1.4.0", "Linux")
        assert tasks[0]["ephemeralStorage"] == {"sizeInGiB": 20}

    ask(questions, hosts=0)


def test_fargate_tasks_show_the_platform_and_the_storage_that_they_were_given() -> None:
    def questions(stage: Playing) -> None:
        stage.define({}, ephemeralStorage={"sizeInGiB": 50}, runtimePlatform={"cpuArchitecture": "ARM64"}, **FARGATE)
        request = {"taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": AWSVPC}
        (task,) = stage.do(run_task, platformVersion="LATEST", **request)["tasks"]
        assert task["ephemeralStorage"] == {"sizeInGiB": 50}
        assert task["attributes"] == [{"name": "ecs.cpu-architecture", "value": "arm64"}]
        assert task["platformVersion"] == "1.4.0"
        overrides = {"ephemeralStorage": {"sizeInGiB": 100}, "cpu": "512", "memory": "1024"}
        (task,) = stage.do(run_task, overrides=overrides, **request)["tasks"]
        assert (task["ephemeralStorage"], task["cpu"]) == ({"sizeInGiB": 100}, "512")

    ask(questions, hosts=0)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"platformVersion": "9.9"}, PlatformUnknownException, "The specified platform does not exist."),
        (
            {"placementConstraints": [{"type": "distinctInstance"}]},
            InvalidParameterException,
            "Placement constraints are not supported with FARGATE launch type.",
        ),
        (
            {"placementStrategy": [{"type": "random"}]},
            InvalidParameterException,
            "Placement strategies are not supported with FARGATE launch type.",
        ),
        ({"overrides": {"cpu": "512"}}, ClientException, "No Fargate configuration exists for given values."),
        (
            {"overrides": {"ephemeralStorage": {"sizeInGiB": 5}}},
            ClientException,
            "The ephemeral storage size must be between 21 and 200 GiB.",
        ),
    ],
)
def test_fargate_refuses(request_: dict[str, Any], error: type[Exception], message: str) -> None:
    def questions(stage: Playing) -> None:
        stage.define({}, **FARGATE)
        with pytest.raises(error) as caught:
            stage.do(run_task, taskDefinition="web", launchType="FARGATE", networkConfiguration=AWSVPC, **request_)
        assert str(caught.value) == message

    ask(questions, hosts=0)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"count": 11}, InvalidParameterException, "Task count must be between 1 and 10."),
        ({"cluster": "none"}, ClusterNotFoundException, "Cluster not found."),
        ({"taskDefinition": "none"}, ClientException, "TaskDefinition not found."),
        (
            {"launchType": "X"},
            InvalidParameterException,
            "launch type should be one of [EC2,FARGATE,EXTERNAL]",
        ),
        (
            {"launchType": "FARGATE"},
            InvalidParameterException,
            "Task definition does not support launch_type FARGATE.",
        ),
        (
            {"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            InvalidParameterException,
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            {"networkConfiguration": AWSVPC},
            InvalidParameterException,
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        (
            {"overrides": {"containerOverrides": [{"name": "x"}]}},
            InvalidParameterException,
            "Override for container named x is not a container in the TaskDefinition.",
        ),
        ({"taskDefinition": ""}, InvalidParameterException, "Task Definition can not be blank."),
        (overridden(cpu=-5), ClientException, "Invalid 'cpu' setting for container 'app'."),
        (overridden(memory=1), ClientException, "Invalid 'memory' setting for container 'app'."),
        (
            overridden(environment=[{"value": "x"}]),
            ClientException,
            "Environment variables of container 'app' need a name.",
        ),
        (
            overridden(resourceRequirements=[{"type": "GPU", "value": "many"}]),
            ClientException,
            "The value of a GPU resource requirement must be a positive integer.",
        ),
        (
            {"overrides": {"memory": "much"}},
            ClientException,
            (
                "Invalid 'memory' setting for task. For more information, see the Troubleshooting section of the "
                "Amazon ECS Developer Guide."
            ),
        ),
        (
            {"platformVersion": "1.4.0"},
            InvalidParameterException,
            "The platform version must be null when specifying an EC2 launch type.",
        ),
        (
            {"volumeConfigurations": [{"name": "v"}]},
            UnsupportedFeatureException,
            "Not emulated yet: volumeConfigurations.",
        ),
        ({"startedBy": "me and you"}, InvalidParameterException, "startedBy contains invalid characters."),
        ({"clientToken": "a b"}, InvalidParameterException, "clientToken contains invalid characters."),
        ({"group": "g" * 256}, InvalidParameterException, "group must be at most 255 characters."),
        ({"startedBy": "s" * 129}, InvalidParameterException, "startedBy must be at most 128 characters."),
        (
            {"propagateTags": "SERVICE"},
            InvalidParameterException,
            "propagateTags should be one of [TASK_DEFINITION,NONE]",
        ),
    ],
)
def test_run_task_refuses(request_: dict[str, Any], error: type[Exception], message: str) -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        with pytest.raises(error) as caught:
            stage.do(run_task, **{"taskDefinition": "web", **request_})
        assert str(caught.value) == message

    ask(questions)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"awsvpcConfiguration": {"subnets": ["subnet-a"] * 17}}, "subnets can have at most 16 items."),
        (None, "Network Configuration must be provided when networkMode 'awsvpc' is specified."),
        ({"awsvpcConfiguration": {"subnets": []}}, "subnets can not be empty."),
        (
            {"awsvpcConfiguration": {"subnets": ["subnet-x"]}},
            (
                "Error retrieving subnet information for [subnet-x]: The subnet ID 'subnet-x' does not exist "
                "(ErrorCode: InvalidSubnetID.NotFound)"
            ),
        ),
    ],
)
def test_awsvpc_needs_subnets_that_exist(configuration: object, message: str) -> None:
    def questions(stage: Playing) -> None:
        stage.define(networkMode="awsvpc")
        given = {} if configuration is None else {"networkConfiguration": configuration}
        with pytest.raises(InvalidParameterException) as caught:
            stage.do(run_task, taskDefinition="web", **given)
        assert str(caught.value) == message

    ask(questions)


def test_a_cluster_without_hosts() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        with pytest.raises(InvalidParameterException, match=r"^No Container Instances were found in your cluster\.$"):
            stage.do(run_task, taskDefinition="web")

    ask(questions, hosts=0)


def test_a_client_token_starts_tasks_once_a_day() -> None:
    async def asked() -> None:
        async with playing() as stage:
            stage.define()
            first = stage.do(run_task, taskDefinition="web", clientToken="t")
            again = stage.do(run_task, taskDefinition="web", clientToken="t")
            assert again["tasks"] == first["tasks"]
            with pytest.raises(ConflictException) as caught:
                stage.do(run_task, taskDefinition="web", clientToken="t", count=2)
            assert caught.value.members == {"resourceIds": [first["tasks"][0]["taskArn"]]}
            await stage.emulator.clock.advance(timedelta(hours=25), stage.settle)
            later = stage.do(run_task, taskDefinition="web", clientToken="t")
            assert later["tasks"][0]["taskArn"] != first["tasks"][0]["taskArn"]

    asyncio.run(asked())


def test_tags_come_from_the_caller_the_definition_and_ecs() -> None:
    def questions(stage: Playing) -> None:
        stage.define(tags=[{"key": "a", "value": "definition"}, {"key": "b", "value": "definition"}])
        own = [{"key": "a", "value": "own"}]
        request = {"tags": own, "propagateTags": "TASK_DEFINITION", "enableECSManagedTags": True}
        (task,) = stage.do(run_task, taskDefinition="web", **request)["tasks"]
        expected = {"a": "own", "b": "definition", "aws:ecs:clusterName": "default"}
        assert {tag["key"]: tag["value"] for tag in task["tags"]} == expected
        (plain,) = stage.do(describe_tasks, tasks=[task["taskArn"]])["tasks"]
        assert plain["tags"] == []

    ask(questions)


def test_start_task_takes_each_host_once_and_says_what_is_missing() -> None:
    def questions(stage: Playing) -> None:
        stage.define({"memory": 6000})
        first, second = hosts(stage)
        names = [first, first.rpartition("/")[2], "0" * 32]
        result = stage.do(start_task, taskDefinition="web", containerInstances=names)
        assert [task["containerInstanceArn"] for task in result["tasks"]] == [first]
        assert [failure["reason"] for failure in result["failures"]] == ["MISSING"]
        again = stage.do(start_task, taskDefinition="web", containerInstances=[first, second])
        assert [task["containerInstanceArn"] for task in again["tasks"]] == [second]
        assert again["failures"] == [{"arn": first, "reason": "RESOURCE:MEMORY"}]

    ask(questions)


def test_hosts_that_take_no_tasks_are_no_candidates() -> None:
    def questions(stage: Playing) -> None:
        stage.define({"memory": 60000})
        first, second = hosts(stage)
        stage.do(update_container_instances_state, containerInstances=[first], status="DRAINING")
        failures = [{"arn": second, "reason": "RESOURCE:MEMORY"}]
        assert stage.do(run_task, taskDefinition="web")["failures"] == failures
        refused = stage.do(start_task, taskDefinition="web", containerInstances=[first])["failures"]
        assert refused == [{"arn": first, "reason": "INACTIVE"}]

    ask(questions)


def test_external_tasks_need_a_host_that_is_no_instance() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        result = stage.do(run_task, taskDefinition="web", launchType="EXTERNAL")
        assert result["tasks"] == []
        assert {failure["reason"] for failure in result["failures"]} == {"ATTRIBUTE"}

    ask(questions)


def test_constraints_of_definition_and_request_are_counted_apart() -> None:
    def questions(stage: Playing) -> None:
        mine = {"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}
        stage.define(placementConstraints=[mine] * 10)
        assert stage.do(run_task, taskDefinition="web", placementConstraints=[mine] * 10)["failures"] == []
        with pytest.raises(InvalidParameterException, match="at most 2000 characters"):
            stage.do(
                run_task,
                taskDefinition="web",
                placementConstraints=[{**mine, "expression": mine["expression"] + " " * 2000}],
            )

    ask(questions)


def test_start_task_remembers_that_commands_may_be_run() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        request = {"taskDefinition": "web", "containerInstances": hosts(stage)[:1]}
        (task,) = stage.do(start_task, enableExecuteCommand=True, **request)["tasks"]
        assert task["enableExecuteCommand"] is True

    ask(questions)


def test_stop_task_keeps_the_first_reason() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        arn = stage.do(run_task, taskDefinition="web")["tasks"][0]["taskArn"]
        stopped = stage.do(stop_task, task=arn.rpartition("/")[2])["task"]
        assert (stopped["desiredStatus"], stopped["lastStatus"]) == ("STOPPED", "PENDING")
        assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "Task stopped by user")
        assert stage.do(stop_task, task=arn, reason="late")["task"] == stopped
        with pytest.raises(InvalidParameterException, match=r"^The referenced task was not found\.$"):
            stage.do(stop_task, task="0" * 32)

    ask(questions)


def test_describe_tasks() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        arn = stage.do(run_task, taskDefinition="web")["tasks"][0]["taskArn"]
        result = stage.do(describe_tasks, tasks=["none", arn])
        assert [task["taskArn"] for task in result["tasks"]] == [arn]
        missing = arn.rpartition("/")[0] + "/none"
        assert result["failures"] == [{"arn": missing, "reason": "MISSING"}]
        with pytest.raises(InvalidParameterException, match=r"^Tasks cannot be empty\.$"):
            stage.do(describe_tasks, tasks=[])

    ask(questions)


def test_list_tasks_filters_and_pages() -> None:
    def questions(stage: Playing) -> None:
        stage.define()
        stage.define(family="other")
        mine = [stage.do(run_task, taskDefinition="web", startedBy="me")["tasks"][0]["taskArn"] for _ in range(3)]
        other = stage.do(run_task, taskDefinition="other")["tasks"][0]["taskArn"]
        stage.do(stop_task, task=mine[0])
        assert stage.do(list_tasks, startedBy="me")["taskArns"] == sorted(mine[1:])
        assert stage.do(list_tasks, family="other")["taskArns"] == [other]
        assert stage.do(list_tasks, desiredStatus="STOPPED")["taskArns"] == [mine[0]]
        assert stage.do(list_tasks, desiredStatus="PENDING")["taskArns"] == []
        first = stage.do(list_tasks, maxResults=2)
        second = stage.do(list_tasks, maxResults=2, nextToken=first["nextToken"])
        assert [*first["taskArns"], *second["taskArns"]] == sorted([*mine[1:], other])
        assert "nextToken" not in second
        with pytest.raises(ServiceNotFoundException):
            stage.do(list_tasks, serviceName="none")
        with pytest.raises(InvalidParameterException, match="launch type should be one of"):
            stage.do(list_tasks, launchType="MOON")

    ask(questions)

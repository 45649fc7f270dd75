"""Daemons: one task on each host of their capacity providers, and how they are rolled out."""

from typing import Any

import pytest

from emulator.ecs.container_instances import update_container_instances_state
from emulator.ecs.daemon_deployments import (
    describe_daemon_deployments,
    describe_daemon_revisions,
    list_daemon_deployments,
)
from emulator.ecs.daemon_explanations import explain_daemon
from emulator.ecs.daemon_task_definitions import (
    delete_daemon_task_definition,
    describe_daemon_task_definition,
    list_daemon_task_definitions,
    register_daemon_task_definition,
)
from emulator.ecs.daemons import create_daemon, delete_daemon, describe_daemon, list_daemons, update_daemon
from emulator.ecs.errors import (
    ClientException,
    DaemonNotActiveException,
    DaemonNotFoundException,
    InvalidParameterException,
    UnsupportedFeatureException,
)
from emulator.ecs.tags import list_tags_for_resource
from emulator.ecs.tasks import describe_tasks, list_tasks
from emulator.errors import AwsError
from emulator.metrics.container_metrics import points
from emulator.neighbours.ports import MetricAlarm
from emulator.runtime.scripts import Script
from emulator.state.daemons import DaemonRow
from tests.emulator.ecs.capacity_playing import on_stage
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, add_hosts
from tests.emulator.ecs.services_playing import ServicesPlaying
from tests.emulator.ecs.test_capacity_providers import attach, provider


def define(playing: ServicesPlaying, image: str = "agent:1", **container: Any) -> str:
    """Register a revision of the family `agent`; its ARN."""
    asked = {"name": "agent", "image": image, "memory": 64, **container}
    made = playing.stage.do(register_daemon_task_definition, family="agent", containerDefinitions=[asked])
    return str(made["daemonTaskDefinitionArn"])


async def create(playing: ServicesPlaying, hosts: int = 2, **request: Any) -> str:
    """The daemon `agent` on the hosts of `farm`; its ARN."""
    provider(playing)
    attach(playing, "farm")
    if hosts:
        add_hosts(playing.stage.emulator, hosts, capacity_provider="farm")
    asked = {"daemonName": "agent", "daemonTaskDefinitionArn": define(playing), "capacityProviderArns": ["farm"]}
    made = playing.stage.do(create_daemon, **{**asked, **request})
    await playing.stage.settle()
    return str(made["daemonArn"])


async def update(playing: ServicesPlaying, arn: str, definition: str, **request: Any) -> None:
    asked = {"daemonArn": arn, "daemonTaskDefinitionArn": definition, "capacityProviderArns": ["farm"], **request}
    playing.stage.do(update_daemon, **asked)
    await playing.stage.settle()


def newest(playing: ServicesPlaying, arn: str) -> Any:
    """The newest deployment as it is described."""
    listed = playing.stage.do(list_daemon_deployments, daemonArn=arn)["daemonDeployments"]
    asked = [listed[0]["daemonDeploymentArn"]]
    return playing.stage.do(describe_daemon_deployments, daemonDeploymentArns=asked)["daemonDeployments"][0]


def explained(playing: ServicesPlaying, arn: str) -> list[str]:
    with playing.stage.emulator.transaction(ACCOUNT, REGION) as context:
        return explain_daemon(context, context.session.get_one(DaemonRow, arn))


def tasks(playing: ServicesPlaying) -> list[Any]:
    arns = playing.stage.do(list_tasks)["taskArns"]
    return playing.stage.do(describe_tasks, tasks=arns, include=["TAGS"])["tasks"] if arns else []


def images(playing: ServicesPlaying) -> list[str]:
    return sorted(task["containers"][0]["image"] for task in tasks(playing))


@on_stage
async def test_one_task_on_each_host_of_the_provider_and_on_those_that_come(playing: ServicesPlaying) -> None:
    add_hosts(playing.stage.emulator, 1)  # of no provider
    tags = [{"key": "team", "value": "ops"}]
    arn = await create(playing, tags=tags, propagateTags="DAEMON", enableECSManagedTags=True)
    shown = tasks(playing)
    assert len({task["containerInstanceArn"] for task in shown}) == len(shown) == 2
    assert {(task["lastStatus"], task["group"], task["capacityProviderName"]) for task in shown} == {
        ("RUNNING", "daemon:agent", "farm")
    }
    assert {tag["key"]: tag["value"] for tag in shown[0]["tags"]}["team"] == "ops"
    assert newest(playing, arn)["status"] == "SUCCESSFUL"
    assert len(playing.stage.do(list_tasks, daemonName="agent")["taskArns"]) == 2
    assert playing.stage.do(list_tasks, daemonName="nobody")["taskArns"] == []
    add_hosts(playing.stage.emulator, 1, capacity_provider="farm")
    await playing.stage.settle()
    (revision,) = playing.stage.do(describe_daemon, daemonArn=arn)["daemon"]["currentRevisions"]
    assert (revision["totalRunningCount"], revision["capacityProviders"][0]["runningCount"]) == (3, 3)
    (known,) = playing.stage.do(describe_daemon_revisions, daemonRevisionArns=[revision["arn"]])["daemonRevisions"]
    assert (known["critical"], known["containerImages"][0]["image"]) == (True, "agent:1")
    assert playing.stage.do(list_tags_for_resource, resourceArn=arn)["tags"] == tags
    assert [item["daemonArn"] for item in playing.stage.do(list_daemons)["daemonSummariesList"]] == [arn]


@on_stage
async def test_tasks_of_a_daemon_are_measured_for_their_cluster_but_are_no_service(playing: ServicesPlaying) -> None:
    await create(playing)
    emulator = playing.stage.emulator
    with emulator.transaction(ACCOUNT, REGION) as context:
        found = points(context, context.now, {})
    dimensions = [point.series.dimensions for point in found]
    assert dimensions
    assert not any("ServiceName" in dict(item) for item in dimensions)


@on_stage
async def test_a_task_that_ends_is_replaced_and_a_draining_host_gives_its_task_up(playing: ServicesPlaying) -> None:
    await create(playing)
    first, second = tasks(playing)
    await playing.stage.stop(first["taskArn"])
    await playing.stage.settle()
    assert {task["containerInstanceArn"] for task in tasks(playing)} == {
        first["containerInstanceArn"],
        second["containerInstanceArn"],
    }
    hosts = [second["containerInstanceArn"]]
    playing.stage.do(update_container_instances_state, containerInstances=hosts, status="DRAINING")
    await playing.stage.settle()
    assert [task["containerInstanceArn"] for task in tasks(playing)] == [first["containerInstanceArn"]]


@on_stage
async def test_a_deployment_replaces_so_many_hosts_at_once_and_bakes(playing: ServicesPlaying) -> None:
    arn = await create(playing, 4, deploymentConfiguration={"drainPercent": 50.0, "bakeTimeInMinutes": 10})
    await playing.stage.advance(700)
    first = newest(playing, arn)["targetDaemonRevision"]["arn"]
    await update(playing, arn, define(playing, "agent:2"))
    assert images(playing) == ["agent:1", "agent:1", "agent:2", "agent:2"]
    shown = newest(playing, arn)
    assert (shown["status"], [item["arn"] for item in shown["sourceDaemonRevisions"]]) == ("IN_PROGRESS", [first])
    assert explained(playing, arn)[:2] == [
        "Daemon agent is ACTIVE: 4 hosts of farm, 2 run agent:2.",
        "2 tasks of other revisions are left.",
    ]
    await playing.stage.advance(60)
    assert "it bakes until" in explained(playing, arn)[-1]
    assert images(playing) == ["agent:2"] * 4
    assert newest(playing, arn)["status"] == "IN_PROGRESS"
    await playing.stage.advance(620)
    assert newest(playing, arn)["status"] == "SUCCESSFUL"


@on_stage
async def test_what_cannot_start_trips_the_breaker_and_is_taken_back(playing: ServicesPlaying) -> None:
    arn = await create(playing, 3)
    playing.stage.runtime.script("agent:2", Script(start_error="no such file"))
    await update(playing, arn, define(playing, "agent:2"))
    await playing.stage.advance(600)
    shown = newest(playing, arn)
    assert shown["status"] == "ROLLBACK_SUCCESSFUL"
    assert (shown["circuitBreaker"]["status"], shown["circuitBreaker"]["failureCount"]) == ("TRIGGERED", 3)
    assert "circuit breaker" in shown["rollback"]["reason"]
    assert images(playing) == ["agent:1"] * 3


@on_stage
async def test_a_first_deployment_that_fails_has_nothing_to_go_back_to(playing: ServicesPlaying) -> None:
    playing.stage.runtime.script("agent:1", Script(start_error="no such file"))
    arn = await create(playing)
    await playing.stage.advance(600)
    shown = newest(playing, arn)
    assert (shown["status"], shown["circuitBreaker"]["status"]) == ("STOPPED", "TRIGGERED")
    assert "failed tasks" in shown["statusReason"]
    assert tasks(playing) == []  # no new start until the next deployment
    await update(playing, arn, define(playing, "agent:3"))
    await playing.stage.advance(600)
    assert newest(playing, arn)["status"] == "SUCCESSFUL"
    assert images(playing) == ["agent:3"] * 2


@on_stage
async def test_an_alarm_takes_a_deployment_back(playing: ServicesPlaying) -> None:
    neighbours = playing.stage.neighbours
    neighbours.put_alarm(ACCOUNT, REGION, MetricAlarm("errors", "OK", 60))
    settings = {"alarms": {"alarmNames": ["errors"], "enable": True}, "bakeTimeInMinutes": 5}
    arn = await create(playing, deploymentConfiguration=settings)
    await playing.stage.advance(400)
    await update(playing, arn, define(playing, "agent:2"))
    await playing.stage.advance(120)
    neighbours.put_alarm(ACCOUNT, REGION, MetricAlarm("errors", "ALARM", 60))
    await playing.stage.advance(200)
    shown = newest(playing, arn)
    assert (shown["status"], shown["alarms"]["triggeredAlarmNames"]) == ("ROLLBACK_SUCCESSFUL", ["errors"])
    assert images(playing) == ["agent:1"] * 2


@on_stage
async def test_a_newer_deployment_stops_the_one_that_goes_on(playing: ServicesPlaying) -> None:
    arn = await create(playing, 4)
    await update(playing, arn, define(playing, "agent:2"))
    await update(playing, arn, define(playing, "agent:3"))
    listed = playing.stage.do(list_daemon_deployments, daemonArn=arn, maxResults=2)
    assert [item["status"] for item in listed["daemonDeployments"]] == ["IN_PROGRESS", "STOPPED"]
    rest = playing.stage.do(list_daemon_deployments, daemonArn=arn, nextToken=listed["nextToken"])
    assert [item["status"] for item in rest["daemonDeployments"]] == ["SUCCESSFUL"]
    await playing.stage.advance(600)
    assert images(playing) == ["agent:3"] * 4


@on_stage
async def test_a_deleted_daemon_takes_its_tasks_and_lets_its_definition_go(playing: ServicesPlaying) -> None:
    arn = await create(playing)
    playing.stage.do(delete_daemon_task_definition, daemonTaskDefinition="agent:1")
    await playing.stage.settle()

    def status() -> str:
        shown = playing.stage.do(describe_daemon_task_definition, daemonTaskDefinition="agent:1")
        return str(shown["daemonTaskDefinition"]["status"])

    assert (status(), len(tasks(playing))) == ("DELETE_IN_PROGRESS", 2)
    gone = playing.stage.do(delete_daemon, daemonArn=arn)
    assert gone["status"] == "DELETE_IN_PROGRESS"
    with pytest.raises(DaemonNotActiveException):
        playing.stage.do(delete_daemon, daemonArn=arn)
    await playing.stage.settle()
    assert tasks(playing) == []
    with pytest.raises(DaemonNotFoundException):
        playing.stage.do(describe_daemon, daemonArn=arn)
    described = playing.stage.do(describe_daemon_deployments, daemonDeploymentArns=[gone["deploymentArn"], "nothing"])
    assert described["daemonDeployments"][0]["status"] == "SUCCESSFUL"
    assert described["failures"] == [{"arn": "nothing", "reason": "MISSING"}]
    assert status() == "DELETED"
    assert define(playing).endswith("agent:2")


@on_stage
async def test_daemon_task_definitions_are_listed(playing: ServicesPlaying) -> None:
    first, second = define(playing), define(playing)
    page = playing.stage.do(list_daemon_task_definitions, maxResults=1)
    assert [item["arn"] for item in page["daemonTaskDefinitions"]] == [first]
    rest = playing.stage.do(list_daemon_task_definitions, nextToken=page["nextToken"])
    assert [item["arn"] for item in rest["daemonTaskDefinitions"]] == [second]
    last = playing.stage.do(list_daemon_task_definitions, revision="LAST_REGISTERED", familyPrefix="ag")
    assert [item["arn"] for item in last["daemonTaskDefinitions"]] == [second]
    shown = playing.stage.do(describe_daemon_task_definition, daemonTaskDefinition="agent")["daemonTaskDefinition"]
    assert (shown["daemonTaskDefinitionArn"], shown["pidMode"], shown["status"]) == (second, "none", "ACTIVE")
    assert shown["containerDefinitions"] == [
        {"name": "agent", "image": "agent:1", "memory": 64, "cpu": 0, "essential": True}
    ]


@pytest.mark.parametrize(
    ("request_members", "error"),
    [
        ({"daemonName": "a b"}, InvalidParameterException),
        ({"daemonName": ""}, InvalidParameterException),
        ({"clientToken": "x" * 37}, InvalidParameterException),
        ({"daemonTaskDefinitionArn": "nobody:1"}, ClientException),
        ({"capacityProviderArns": []}, InvalidParameterException),
        ({"capacityProviderArns": ["FARGATE"]}, UnsupportedFeatureException),
        ({"capacityProviderArns": ["nobody"]}, ClientException),
        ({"capacityProviderArns": ["other"]}, InvalidParameterException),
        ({"deploymentConfiguration": {"drainPercent": 101.0}}, InvalidParameterException),
        ({"deploymentConfiguration": {"bakeTimeInMinutes": -1}}, InvalidParameterException),
        ({"deploymentConfiguration": {"alarms": {"enable": True}}}, InvalidParameterException),
        ({}, InvalidParameterException),
    ],
)
@on_stage
async def test_what_a_daemon_cannot_be(
    playing: ServicesPlaying, request_members: dict[str, Any], error: type[AwsError]
) -> None:
    await create(playing, 0, clientToken="one")
    provider(playing, "other")
    asked = {"daemonName": "second", "daemonTaskDefinitionArn": "agent", "capacityProviderArns": ["farm"]}
    taken = {} if request_members else {"daemonName": "agent"}
    with pytest.raises(error):
        playing.stage.do(create_daemon, **{**asked, **taken, **request_members})


@on_stage
async def test_the_same_token_and_request_find_the_daemon_again(playing: ServicesPlaying) -> None:
    arn = await create(playing, 0)
    definition = define(playing)
    asked = {"daemonName": "two", "daemonTaskDefinitionArn": definition, "capacityProviderArns": ["farm"]}
    first = playing.stage.do(create_daemon, clientToken="t", **asked)
    assert playing.stage.do(create_daemon, clientToken="t", **asked) == first
    assert newest(playing, arn)["status"] == "SUCCESSFUL"  # there are no hosts

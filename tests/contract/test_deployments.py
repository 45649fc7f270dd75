"""Deployments as boto3, the AWS CLI and the ashore command see them, on the simulated runtime and an advanced clock."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

WEB = {"name": "app", "image": "web:1", "cpu": 128, "memory": 64}
QUICK = {"Delay": 1, "MaxAttempts": 30}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("deployments") / "state", runtime="simulated", preset="demo")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def empty(server: RunningServer) -> None:
    server.admin("POST", "reset")


@pytest.fixture
def ecs(server: RunningServer) -> Any:
    return server.client("ecs")


def define(ecs: Any, image: str = "web:1", **members: Any) -> str:
    """Register a revision of `web`."""
    container = {**WEB, "image": image, **members}
    definition = ecs.register_task_definition(family="web", containerDefinitions=[container])["taskDefinition"]
    return str(definition["taskDefinitionArn"])


def web(ecs: Any) -> Any:
    """The service `web`."""
    return ecs.describe_services(services=["web"])["services"][0]


def newest(ecs: Any) -> Any:
    """Its newest service deployment, in full."""
    arn = ecs.list_service_deployments(service="web")["serviceDeployments"][0]["serviceDeploymentArn"]
    return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]


def stable(ecs: Any) -> None:
    """Wait as users do."""
    ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)


def advance(server: RunningServer, seconds: float) -> None:
    """Let time pass."""
    server.admin("POST", "clock", {"advance": seconds})


def images(ecs: Any) -> set[str]:
    """What its tasks run."""
    arns = ecs.list_tasks(serviceName="web")["taskArns"]
    return {task["containers"][0]["image"] for task in ecs.describe_tasks(tasks=arns)["tasks"]} if arns else set()


def test_waiters_of_boto3_and_of_the_aws_command(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2)
    stable(ecs)
    server.run("aws", "ecs", "wait", "services-stable", "--services", "web")
    arns = ecs.list_tasks(serviceName="web")["taskArns"]
    ecs.get_waiter("tasks_running").wait(tasks=arns, WaiterConfig=QUICK)
    server.run("aws", "ecs", "wait", "tasks-running", "--tasks", *arns)
    ecs.delete_service(service="web", force=True)
    ecs.get_waiter("tasks_stopped").wait(tasks=arns, WaiterConfig=QUICK)
    server.run("aws", "ecs", "wait", "tasks-stopped", "--tasks", *arns)
    ecs.get_waiter("services_inactive").wait(services=["web"], WaiterConfig=QUICK)
    server.run("aws", "ecs", "wait", "services-inactive", "--services", "web")


def test_the_circuit_breaker_goes_back_and_the_history_tells(server: RunningServer, ecs: Any) -> None:
    server.run("ashore", "simulate", "set", "broken:*", "--pull-error", "no such image")
    good = define(ecs)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, deploymentConfiguration=breaker)
    stable(ecs)
    define(ecs, "broken:1")
    ecs.update_service(service="web", taskDefinition="web")

    def given_up() -> bool:
        advance(server, 30)  # starts that fail are paced by the clock
        return bool(newest(ecs)["status"] != "IN_PROGRESS")

    server.wait_until(given_up)
    stable(ecs)
    assert (web(ecs)["taskDefinition"], newest(ecs)["status"]) == (good, "ROLLBACK_SUCCESSFUL")
    assert newest(ecs)["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    revision = newest(ecs)["rollback"]["serviceRevisionArn"]
    found = ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"][0]
    assert found["taskDefinition"] == good


def test_one_daemon_on_every_host(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", schedulingStrategy="DAEMON")
    hosts = len(ecs.list_container_instances()["containerInstanceArns"])
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == hosts))
    server.run("ashore", "hosts", "add", "--count", "2")
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == web(ecs)["desiredCount"] == hosts + 2))
    stable(ecs)


def test_the_deployment_controller_cannot_be_changed_unseen(ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    ecs.update_service(service="web", desiredCount=2, deploymentController={"type": "ECS"})
    with pytest.raises(ecs.exceptions.UnsupportedFeatureException, match="another deploymentController"):
        ecs.update_service(service="web", deploymentController={"type": "EXTERNAL"})


def test_protected_tasks_stay(ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=3)
    stable(ecs)
    safe = ecs.list_tasks(serviceName="web")["taskArns"][:1]
    ecs.update_task_protection(cluster="default", tasks=safe, protectionEnabled=True)
    ecs.update_service(service="web", desiredCount=1)
    stable(ecs)
    assert ecs.list_tasks(serviceName="web")["taskArns"] == safe
    assert ecs.get_task_protection(cluster="default", tasks=safe)["protectedTasks"][0]["protectionEnabled"]


def test_a_canary_bakes_pauses_and_survives_kill_9(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10}
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"]}
    configuration = {"strategy": "CANARY", "bakeTimeInMinutes": 5, "canaryConfiguration": canary}
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, deploymentConfiguration=configuration)
    stable(ecs)
    define(ecs, "web:2")
    configuration["lifecycleHooks"] = [pause]
    ecs.update_service(service="web", taskDefinition="web", deploymentConfiguration=configuration)

    def at(stage: str) -> bool:
        return bool(newest(ecs).get("lifecycleStage") == stage)

    server.wait_until(lambda: at("PRODUCTION_TRAFFIC_SHIFT"))
    told = server.run("ashore", "explain", "web")
    assert "PRODUCTION_TRAFFIC_SHIFT, step 1 of 2: it waits for the step of 10 % to bake." in told
    server.kill()
    server.start()
    assert at("PRODUCTION_TRAFFIC_SHIFT")
    assert images(ecs) == {"web:1", "web:2"}
    advance(server, 600)
    server.wait_until(lambda: at("POST_PRODUCTION_TRAFFIC_SHIFT"))
    (hook,) = newest(ecs)["lifecycleHookDetails"]
    assert "is AWAITING_ACTION" in server.run("ashore", "explain", "web")
    arn = newest(ecs)["serviceDeploymentArn"]
    ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"])
    server.wait_until(lambda: at("BAKE_TIME"))
    advance(server, 300)
    server.wait_until(lambda: bool(newest(ecs)["status"] == "SUCCESSFUL"))
    stable(ecs)
    assert images(ecs) == {"web:2"}


def test_a_blue_green_deployment_is_taken_back(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60}
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1, deploymentConfiguration=configuration)
    stable(ecs)
    define(ecs, "web:2")
    ecs.update_service(service="web", taskDefinition="web")
    server.wait_until(lambda: bool(newest(ecs).get("lifecycleStage") == "BAKE_TIME"))
    ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    server.wait_until(lambda: bool(newest(ecs)["status"] == "ROLLBACK_SUCCESSFUL"))
    assert images(ecs) == {"web:1"}
    with pytest.raises(ClientError) as caught:
        ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    assert caught.value.response["Error"]["Code"] == "ConflictException"


def test_an_alarm_takes_a_deployment_back(server: RunningServer, ecs: Any) -> None:
    cloudwatch = server.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    define(ecs)
    alarms = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1, deploymentConfiguration=alarms)
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == 1))
    advance(server, 180)
    server.wait_until(lambda: bool(newest(ecs)["status"] == "SUCCESSFUL"))
    define(ecs, "web:2")
    ecs.update_service(service="web", taskDefinition="web")
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == 2))
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    advance(server, 60)
    server.wait_until(lambda: bool(newest(ecs)["status"] == "ROLLBACK_SUCCESSFUL"))
    assert newest(ecs)["alarms"]["triggeredAlarmNames"] == ["errors"]


def test_task_sets_by_hand(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", desiredCount=2, deploymentController={"type": "EXTERNAL"})
    where = {"cluster": "default", "service": "web"}
    made = ecs.create_task_set(**where, taskDefinition="web", scale={"value": 50.0, "unit": "PERCENT"})["taskSet"]
    server.wait_until(lambda: bool(web(ecs)["taskSets"][0]["stabilityStatus"] == "STEADY_STATE"))
    assert web(ecs)["runningCount"] == 1
    ecs.update_service_primary_task_set(**where, primaryTaskSet=made["id"])
    ecs.update_task_set(**where, taskSet=made["id"], scale={"value": 100.0, "unit": "PERCENT"})
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == 2))
    ecs.delete_task_set(**where, taskSet=made["id"], force=True)
    server.wait_until(lambda: bool(ecs.describe_task_sets(**where)["taskSets"] == []))


def test_what_a_rolling_update_waits_for_is_told_in_words(server: RunningServer, ecs: Any) -> None:
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2)
    stable(ecs)
    assert "waits for nothing." in server.run("ashore", "explain", "web")
    define(ecs, "web:2")
    ecs.update_service(service="web", taskDefinition="web")
    server.wait_until(lambda: bool(web(ecs)["runningCount"] == 4))
    told = server.run("ashore", "explain", "web")
    assert "2 of the new tasks run for less than 40 s" in told
    assert "2 tasks are of an older deployment; at least 2 must stay healthy." in told

"""Application Auto Scaling and CloudWatch by boto3, on a clock that stands still until it is told to go on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

RESOURCE = "service/default/web"
WEB = [{"name": "app", "image": "web:1", "cpu": 128, "memory": 64}]
SERVICE = {"ServiceNamespace": "ecs", "ResourceId": RESOURCE, "ScalableDimension": "ecs:service:DesiredCount"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    state = tmp_path_factory.mktemp("scaling") / "state"
    running = RunningServer(state, runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


@pytest.fixture
def server(started: RunningServer) -> RunningServer:
    """A service `web` of two tasks that may have one to six."""
    started.admin("POST", "reset")
    started.admin("DELETE", "runtime/scripts")
    ecs = started.client("ecs")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2)
    started.wait_until(lambda: web(started)["runningCount"] == 2)
    started.client("application-autoscaling").register_scalable_target(**SERVICE, MinCapacity=1, MaxCapacity=6)
    return started


def web(server: RunningServer) -> Any:
    return server.client("ecs").describe_services(services=["web"])["services"][0]


def advance(server: RunningServer, minutes: float) -> None:
    server.admin("POST", "clock", {"advance": minutes * 60})


def use(server: RunningServer, cpu: float, memory: float = 10) -> None:
    server.admin("POST", "runtime/scripts", {"pattern": "web:*", "cpu": cpu, "memory": memory})


def activities(server: RunningServer, **asked: Any) -> list[dict[str, Any]]:
    scaling = server.client("application-autoscaling")
    found: list[dict[str, Any]] = scaling.describe_scaling_activities(
        ServiceNamespace="ecs", ResourceId=RESOURCE, **asked
    )["ScalingActivities"]
    return found


def now(server: RunningServer) -> datetime:
    return datetime.fromisoformat(server.admin("GET", "status")["clock"]["now"])


def track(server: RunningServer, target: float) -> None:
    server.client("application-autoscaling").put_scaling_policy(
        PolicyName="cpu",
        **SERVICE,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            "ScaleOutCooldown": 300,
            "ScaleInCooldown": 60,
        },
    )


def test_cloudwatch_has_what_services_and_clusters_use(server: RunningServer) -> None:
    use(server, 80, 25)
    advance(server, 3)
    cloudwatch = server.client("cloudwatch")

    def average(name: str, **dimensions: str) -> list[float]:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/ECS",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now(server) - timedelta(minutes=10),
            EndTime=now(server) + timedelta(minutes=1),
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
        return [round(point["Average"], 3) for point in points]

    assert set(average("CPUUtilization", ClusterName="default", ServiceName="web")) == {80.0}
    assert set(average("MemoryUtilization", ClusterName="default", ServiceName="web")) == {25.0}
    assert len(average("CPUUtilization", ClusterName="default", ServiceName="web")) >= 2
    reserved = 100 * 2 * 128 / (6 * 2048)
    assert set(average("CPUReservation", ClusterName="default")) == {round(reserved, 3)}
    assert set(average("CPUUtilization", ClusterName="default")) == {round(reserved * 0.8, 3)}
    names = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="AWS/ECS")["Metrics"]}
    assert names == {"CPUUtilization", "MemoryUtilization", "CPUReservation", "MemoryReservation"}


def test_target_tracking_follows_the_load_out_and_in(server: RunningServer) -> None:
    track(server, 50)
    use(server, 90)
    advance(server, 5)
    assert web(server)["desiredCount"] == 4  # ceil(2 * 90 / 50)
    server.wait_until(lambda: web(server)["runningCount"] == 4)
    (activity,) = activities(server)
    (high,) = [
        alarm["AlarmName"] for alarm in server.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    ]
    assert high.startswith(f"TargetTracking-{RESOURCE}-AlarmHigh-")
    assert activity["Description"] == "Setting desired count to 4."
    assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy cpu"
    use(server, 45)
    advance(server, 1)
    (activity,) = activities(server)
    assert activity["StatusCode"] == "Successful"
    assert activity["StatusMessage"] == ("Successfully set desired count to 4. Change successfully fulfilled by ecs.")
    use(server, 12)
    advance(server, 14)
    assert web(server)["desiredCount"] == 4
    advance(server, 3)
    assert web(server)["desiredCount"] == 1
    assert [item["Description"] for item in activities(server)][:1] == ["Setting desired count to 1."]
    server.kill()
    server.start()
    advance(server, 2)
    assert activities(server)[0]["StatusCode"] == "Successful"
    use(server, 400)
    advance(server, 6)
    assert web(server)["desiredCount"] == 6
    advance(server, 3)
    told = activities(server, IncludeNotScaledActivities=True)
    assert told[0]["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 6}]
    assert len(web(server)["deployments"]) == 1


def test_a_step_policy_is_called_by_the_users_alarm(server: RunningServer) -> None:
    scaling, cloudwatch = server.client("application-autoscaling"), server.client("cloudwatch")
    policy = scaling.put_scaling_policy(
        PolicyName="steps",
        **SERVICE,
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
            ],
            "Cooldown": 300,
        },
    )
    cloudwatch.put_metric_alarm(
        AlarmName="queue",
        Namespace="Shop",
        MetricName="Waiting",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=100,
        Period=60,
        EvaluationPeriods=1,
        Statistic="Maximum",
        AlarmActions=[policy["PolicyARN"]],
    )
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Waiting", "Value": 105, "Timestamp": now(server)}]
    )
    advance(server, 1)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["queue"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
    assert "[105.0] was greater than or equal to the threshold (100.0)" in alarm["StateReason"]
    assert web(server)["desiredCount"] == 3
    assert activities(server)[0]["Cause"] == "monitor alarm queue in state ALARM triggered policy steps"
    advance(server, 2)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["queue"])["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert web(server)["desiredCount"] == 3


def test_requests_per_target_are_tracked_though_they_come_after_their_minute(server: RunningServer) -> None:
    cloudwatch = server.client("cloudwatch")
    server.client("application-autoscaling").put_scaling_policy(
        PolicyName="requests",
        **SERVICE,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": "app/front/1234567890abcdef/targetgroup/web/fedcba0987654321",
            },
        },
    )
    dimensions = {"LoadBalancer": "app/front/1234567890abcdef", "TargetGroup": "targetgroup/web/fedcba0987654321"}
    metric = {
        "MetricName": "RequestCountPerTarget",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Value": 150,
    }
    for _ in range(4):
        at = now(server)
        advance(server, 1)
        data = [{**metric, "Timestamp": at}]
        cloudwatch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=data)
    advance(server, 1)
    assert web(server)["desiredCount"] == 3  # ceil(2 * 150 / 100)


def test_a_scheduled_action_sets_the_bounds(server: RunningServer) -> None:
    scaling = server.client("application-autoscaling")
    at = (now(server) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S")
    scaling.put_scheduled_action(
        ScheduledActionName="rush",
        **SERVICE,
        Schedule=f"at({at})",
        ScalableTargetAction={"MinCapacity": 4, "MaxCapacity": 8},
    )
    advance(server, 3)
    assert web(server)["desiredCount"] == 2
    advance(server, 4)
    assert web(server)["desiredCount"] == 4
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 8)
    told = {item["Description"]: item["Cause"] for item in activities(server)}
    assert told == {
        "Setting min capacity to 4 and max capacity to 8": "scheduled action name rush was triggered",
        "Setting desired count to 4.": "minimum capacity was set to 4",
    }


def test_a_service_that_does_not_exist_is_no_target(server: RunningServer) -> None:
    scaling = server.client("application-autoscaling")
    with pytest.raises(ClientError, match="ECS service doesn't exist: service/default/nobody") as raised:
        scaling.register_scalable_target(
            **{**SERVICE, "ResourceId": "service/default/nobody"}, MinCapacity=1, MaxCapacity=2
        )
    assert raised.value.response["Error"]["Code"] == "ValidationException"


STEP = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
BOUNDS = {"MinCapacity": 1, "MaxCapacity": 2}


@pytest.mark.parametrize(
    ("operation", "members", "text"),
    [
        ("register_scalable_target", {"MinCapacity": 7}, "Maximum capacity cannot be less than minimum capacity"),
        ("register_scalable_target", {"MinCapacity": -1}, "Minimum capacity cannot be less than 0"),
        ("put_scaling_policy", {"AdjustmentType": "Sideways", "StepAdjustments": [STEP]}, "AdjustmentType must be one"),
        (
            "put_scaling_policy",
            {"AdjustmentType": "ExactCapacity", "StepAdjustments": [STEP, {**STEP, "MetricIntervalLowerBound": 5}]},
            "neither overlap nor leave gaps",
        ),
        ("put_scheduled_action", {"Schedule": "at(noon)", "ScalableTargetAction": BOUNDS}, "Invalid schedule"),
        (
            "put_scheduled_action",
            {"Schedule": "cron(0/0 * * * ? *)", "ScalableTargetAction": BOUNDS},
            "Invalid schedule",
        ),
        ("put_scheduled_action", {"Schedule": "rate(1 day)"}, "At least one of MinCapacity and MaxCapacity"),
        (
            "put_scheduled_action",
            {"Schedule": "rate(1 day)", "ScalableTargetAction": BOUNDS, "Timezone": "Mars/Olympus"},
            "Invalid timezone",
        ),
    ],
)
def test_what_would_never_be_carried_out_is_refused(
    server: RunningServer, operation: str, members: dict[str, Any], text: str
) -> None:
    given = members
    if operation == "put_scaling_policy":
        given = {"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": members}
    elif operation == "put_scheduled_action":
        given = {"ScheduledActionName": "a", **members}
    with pytest.raises(ClientError, match=text) as raised:
        getattr(server.client("application-autoscaling"), operation)(**SERVICE, **given)
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_a_target_that_is_deregistered_takes_all_that_is_its_own_along(server: RunningServer) -> None:
    scaling, cloudwatch = server.client("application-autoscaling"), server.client("cloudwatch")
    track(server, 50)
    scaling.put_scheduled_action(
        ScheduledActionName="night", **SERVICE, Schedule="cron(0 22 * * ? *)", ScalableTargetAction=BOUNDS
    )
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 2
    scaling.deregister_scalable_target(**SERVICE)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    with pytest.raises(ClientError, match="No scalable target registered for service namespace: ecs"):
        track(server, 50)

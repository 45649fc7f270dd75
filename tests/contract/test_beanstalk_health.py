"""Health of environments by boto3: judged from real checks and requests on the clock, told in AWS's words."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.beanstalk import Shop, option
from tests.running import RunningServer

HEALTH = "aws:elasticbeanstalk:healthreporting:system"
COMMAND = "aws:elasticbeanstalk:command"
TWO = (option("aws:autoscaling:asg", "MinSize", "2"), option("aws:autoscaling:asg", "MaxSize", "4"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("health") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def health(shop: Shop, name: str = "shop-prod") -> Any:
    return shop.eb.describe_environment_health(EnvironmentName=name, AttributeNames=["All"])


def health_messages(shop: Shop) -> list[str]:
    return [message for message in shop.messages("shop-prod") if message.startswith("Environment health")]


def test_an_environment_becomes_ok(shop: Shop) -> None:
    shop.create("shop-prod", *TWO)
    shop.advance(0)
    early = health(shop)
    assert (early["HealthStatus"], early["Color"]) == ("Pending", "Grey")
    assert early["Causes"][0].startswith("Initialization in progress (running for ")
    shop.until("shop-prod")
    shop.advance(130)
    found = health(shop)
    assert (found["Status"], found["HealthStatus"], found["Color"], found["Causes"]) == ("Ready", "Ok", "Green", [])
    assert found["InstancesHealth"] == {**dict.fromkeys(found["InstancesHealth"], 0), "Ok": 2}
    assert set(found["InstancesHealth"]) == {
        "NoData",
        "Unknown",
        "Pending",
        "Ok",
        "Info",
        "Warning",
        "Degraded",
        "Severe",
    }
    environment = shop.environment("shop-prod")
    assert (environment["Health"], environment["HealthStatus"]) == ("Green", "Ok")
    first, last = health_messages(shop)[0], health_messages(shop)[-1]
    assert first.startswith("Environment health has transitioned to Pending. Initialization in progress (running for ")
    assert last.startswith("Environment health has transitioned from Pending to Ok. Initialization completed ")


def test_only_what_is_asked_for_is_answered(shop: Shop) -> None:
    shop.create("shop-prod")
    shop.until("shop-prod")
    shop.advance(60)
    answer = shop.eb.describe_environment_health(EnvironmentName="shop-prod")
    del answer["ResponseMetadata"]
    assert {name for name, value in answer.items() if value} == {"EnvironmentName"}
    answer = shop.eb.describe_environment_health(EnvironmentName="shop-prod", AttributeNames=["Color", "Causes"])
    assert answer["Color"] == "Green"
    assert "HealthStatus" not in answer
    (instance,) = shop.eb.describe_instances_health(EnvironmentName="shop-prod")["InstanceHealthList"]
    assert "HealthStatus" not in instance


def test_instances(shop: Shop) -> None:
    shop.create("shop-prod", *TWO)
    shop.until("shop-prod")
    shop.advance(60)
    found = shop.eb.describe_instances_health(EnvironmentName="shop-prod", AttributeNames=["All"])
    assert [item["InstanceId"] for item in found["InstanceHealthList"]] == sorted(shop.instances("shop-prod"))
    for item in found["InstanceHealthList"]:
        assert (item["HealthStatus"], item["Color"]) == ("Ok", "Green")
        assert item["Deployment"]["VersionLabel"] == "v1"
        assert item["Deployment"]["DeploymentId"] == 1
        assert item["Deployment"]["Status"] == "Deployed"
        assert item["InstanceType"] == "t3.micro"
        assert item["AvailabilityZone"].startswith("us-east-1")
        assert item["LaunchedAt"] < found["RefreshedAt"]


def test_requests_are_counted_once_in_windows_of_ten_seconds(shop: Shop) -> None:
    shop.create("shop-prod")
    cname = shop.until("shop-prod")["CNAME"]
    for _ in range(2):  # who asks has it looked at each ten seconds
        health(shop)
        shop.advance(10)
    for _ in range(20):
        assert shop.get(cname)[0] == 200
    counted: list[int] = []
    while sum(counted) < 20:  # the proxy tells of a request a moment after it
        assert len(counted) < 200
        metrics = health(shop)["ApplicationMetrics"]
        shop.advance(10)
        counted.append(metrics["RequestCount"])
        if metrics["RequestCount"]:
            codes = {"Status2xx": metrics["RequestCount"], "Status3xx": 0, "Status4xx": 0, "Status5xx": 0}
            assert metrics["StatusCodes"] == codes
            assert set(metrics["Latency"]) == {"P999", "P99", "P95", "P90", "P85", "P75", "P50", "P10"}
    assert sum(counted) == 20
    assert health(shop)["ApplicationMetrics"]["RequestCount"] == 0


@pytest.mark.parametrize("policy", ["Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting"])
def test_deployments_wait_for_health(shop: Shop, policy: str) -> None:
    size = option(COMMAND, "BatchSize", "1"), option(COMMAND, "BatchSizeType", "Fixed")
    shop.create("shop-prod", *TWO, option(COMMAND, "DeploymentPolicy", policy), *size)
    shop.until("shop-prod")
    before = set(shop.instances("shop-prod"))
    shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="v2")
    shop.until("shop-prod")
    said = shop.messages("shop-prod")
    assert "Environment update completed successfully." in said, chr(10).join(said[-25:])
    assert shop.environment("shop-prod")["VersionLabel"] == "v2"
    after = set(shop.instances("shop-prod"))
    assert len(after) == 2
    assert (after == before) is policy.startswith("Rolling")
    shop.advance(130)
    found = shop.eb.describe_instances_health(EnvironmentName="shop-prod", AttributeNames=["All"])
    assert {item["Deployment"]["VersionLabel"] for item in found["InstanceHealthList"]} == {"v2"}
    assert health(shop)["HealthStatus"] == "Ok"


def test_basic_health_has_colours_and_no_health_api(shop: Shop) -> None:
    shop.create("shop-prod", option(HEALTH, "SystemType", "basic"))
    shop.until("shop-prod")
    shop.advance(60)
    assert shop.environment("shop-prod")["Health"] == "Green"
    assert health_messages(shop) == ["Environment health has been set to GREEN"]
    with pytest.raises(ClientError, match="DescribeEnvironmentHealth is not supported") as error:
        health(shop)
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"


def test_health_goes_to_cloudwatch(shop: Shop) -> None:
    document = '{"Version":1,"CloudWatchMetrics":{"Environment":{"InstancesOk":60},"Instance":{"InstanceHealth":60}}}'
    shop.create("shop-prod", option(HEALTH, "ConfigDocument", document))
    shop.until("shop-prod")
    shop.advance(300)
    cloudwatch = shop.server.client("cloudwatch")
    found = cloudwatch.list_metrics(Namespace="AWS/ElasticBeanstalk")["Metrics"]
    assert {metric["MetricName"] for metric in found} == {"EnvironmentHealth", "InstancesOk", "InstanceHealth"}
    now = health(shop)["RefreshedAt"]
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/ElasticBeanstalk",
        MetricName="EnvironmentHealth",
        Dimensions=[{"Name": "EnvironmentName", "Value": "shop-prod"}],
        StartTime=now - timedelta(minutes=4),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert {point["Maximum"] for point in points} == {0.0}
    assert len(points) >= 3


def own_group(shop: Shop) -> str | None:
    """The target group of a traffic-splitting deployment's new fleet, once requests are forwarded to it."""
    elb = shop.server.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    groups = listener["DefaultActions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
    return next((group["TargetGroupArn"] for group in groups if group.get("Weight") == 15), None)


def split(shop: Shop) -> str:
    """An environment in the evaluation time of a deployment; its new fleet's target group."""
    splitting = "aws:elasticbeanstalk:trafficsplitting"
    settings = (
        option(COMMAND, "DeploymentPolicy", "TrafficSplitting"),
        option(splitting, "NewVersionPercent", "15"),
        option(splitting, "EvaluationTime", "10"),
    )
    shop.create("shop-prod", *settings)
    shop.until("shop-prod")
    shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="v2")
    shop.until_true("shop-prod", lambda _: own_group(shop) is not None)
    found = own_group(shop)
    assert found is not None
    return found


def test_targets_that_fail_their_checks_end_an_evaluation(shop: Shop) -> None:
    group = split(shop)
    before = shop.instances("shop-prod")
    shop.server.admin("POST", "balancers/health", {"target_group": group, "answers": "500"})
    shop.until("shop-prod")
    assert shop.environment("shop-prod")["VersionLabel"] == "v1"
    assert len(shop.instances("shop-prod")) == 1
    assert set(shop.instances("shop-prod")) < set(before)
    assert "Failed to deploy application." in shop.messages("shop-prod")
    assert own_group(shop) is None


def test_a_killed_server_carries_an_evaluation_on(shop: Shop) -> None:
    split(shop)
    shop.server.kill()
    shop.server.start()
    assert own_group(shop) is not None
    shop.until("shop-prod")
    assert shop.environment("shop-prod")["VersionLabel"] == "v2"
    assert len(shop.instances("shop-prod")) == 1
    assert own_group(shop) is None
    said = shop.messages("shop-prod")
    assert said.count("Environment update completed successfully.") == 1


def test_an_abort_takes_the_share_away(shop: Shop) -> None:
    split(shop)
    assert shop.environment("shop-prod")["AbortableOperationInProgress"] is True
    shop.eb.abort_environment_update(EnvironmentName="shop-prod")
    shop.until("shop-prod")
    assert shop.environment("shop-prod")["VersionLabel"] == "v1"
    assert own_group(shop) is None
    assert len(shop.instances("shop-prod")) == 1

"""What stands around environments: env.yaml, groups and links, tags of what is made for them, and what `ashore explain` tells."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.beanstalk import PROFILE, STACK, Shop, bundle, option
from tests.contract.beanstalk_scene import refused, zipped
from tests.running import RunningServer

_SETTINGS = f"""
OptionSettings:
  aws:elasticbeanstalk:environment: {{EnvironmentType: SingleInstance}}
  aws:autoscaling:launchconfiguration: {{IamInstanceProfile: {PROFILE}}}
"""
FRONT = f"""
AWSConfigurationTemplateVersion: 1.1.0.0
EnvironmentName: front+
SolutionStack: {STACK}
CName: front-lab+
EnvironmentLinks: {{JOBS: jobs+, ADMIN_NAME: admin}}
Tags: {{team: sales}}
{_SETTINGS}"""
JOBS = f"""
EnvironmentName: jobs+
SolutionStack: {STACK}
EnvironmentTier: {{Name: Worker, Type: SQS/HTTP}}
{_SETTINGS}"""
ADMIN = f"EnvironmentName: admin\nSolutionStack: {STACK}\n{_SETTINGS}"
PROPERTIES = "aws:elasticbeanstalk:application:environment"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("groups") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


@pytest.fixture
def shop(server: RunningServer) -> Shop:
    server.admin("POST", "reset")
    found = Shop(server)
    found.begin()
    for label, manifest in {"front": FRONT, "jobs": JOBS, "admin": ADMIN}.items():
        process(found, label, manifest)
    found.advance(0)
    return found


def process(shop: Shop, label: str, manifest: str | None) -> None:
    """A version that is processed, with an env.yaml."""
    files = {} if manifest is None else {"env.yaml": manifest}
    shop.server.client("s3").put_object(Bucket="bundles", Key=f"{label}.zip", Body=bundle(**files))
    source = {"S3Bucket": "bundles", "S3Key": f"{label}.zip"}
    shop.eb.create_application_version(ApplicationName="shop", VersionLabel=label, SourceBundle=source, Process=True)


def compose(shop: Shop, *labels: str, **members: Any) -> Any:
    """ComposeEnvironments of versions of the application."""
    return shop.eb.compose_environments(ApplicationName="shop", VersionLabels=list(labels), **members)


def properties(shop: Shop, name: str) -> dict[str, str]:
    """The environment's properties."""
    found = shop.eb.describe_configuration_settings(ApplicationName="shop", EnvironmentName=name)
    settings = found["ConfigurationSettings"][0]["OptionSettings"]
    return {one["OptionName"]: one["Value"] for one in settings if one["Namespace"] == PROPERTIES}


def test_a_group_is_created_in_the_order_of_its_links_and_told_where_the_others_are(shop: Shop) -> None:
    begun = compose(shop, "front", "jobs", "admin", GroupName="dev")
    assert [one["EnvironmentName"] for one in begun["Environments"]] == ["front-dev", "jobs-dev", "admin"]
    assert {one["Status"] for one in begun["Environments"]} == {"Launching"}
    front = begun["Environments"][0]
    assert front["CNAME"].startswith("front-lab-dev.us-east-1.")
    assert front["EnvironmentLinks"] == [
        {"LinkName": "JOBS", "EnvironmentName": "jobs-dev"},
        {"LinkName": "ADMIN_NAME", "EnvironmentName": "admin"},
    ]
    shop.until("front-dev")
    done = {name: shop.messages(name, begun) for name in ("front-dev", "jobs-dev", "admin")}
    assert {name: said[-1] for name, said in done.items()} == {
        name: f"Successfully launched environment: {name}" for name in done
    }

    def launched(name: str) -> Any:
        events = shop.eb.describe_events(EnvironmentName=name)["Events"]
        return [event["EventDate"] for event in events if "launched environment" in event["Message"]]

    assert launched("front-dev") > max(launched("jobs-dev"), launched("admin"))
    resources = shop.eb.describe_environment_resources(EnvironmentName="jobs-dev")["EnvironmentResources"]
    queue = next(one["URL"] for one in resources["Queues"] if one["Name"] == "WorkerQueue")
    known = properties(shop, "front-dev")
    assert known["JOBS"] == queue
    assert known["ADMIN_NAME"] == shop.environment("admin")["CNAME"]
    tags = shop.eb.list_tags_for_resource(ResourceArn=front["EnvironmentArn"])["ResourceTags"]
    assert {"Key": "team", "Value": "sales"} in tags
    assert refused(shop.eb.terminate_environment, EnvironmentName="jobs-dev")[0] == "InvalidParameterValue"


def test_an_environment_that_is_there_gets_the_version_and_its_links(shop: Shop) -> None:
    compose(shop, "admin", "jobs", GroupName="dev")
    shop.until("admin")
    shop.until("jobs-dev")
    process(shop, "admin2", ADMIN + "EnvironmentLinks: {QUEUE: jobs+}\n")
    shop.advance(0)
    begun = compose(shop, "admin2", GroupName="dev")
    assert begun["Environments"][0]["Status"] == "Updating"
    assert shop.until("admin")["VersionLabel"] == "admin2"
    assert "-AWSEBWorkerQueue-" in properties(shop, "admin")["QUEUE"]
    assert shop.messages("admin", begun)[-1] == "Environment update completed successfully."
    shop.eb.update_environment(ApplicationName="shop", GroupName="dev", VersionLabel="jobs")
    assert shop.until("jobs-dev")["VersionLabel"] == "jobs"


def test_env_yaml_names_what_create_environment_does_not(shop: Shop) -> None:
    made = shop.eb.create_environment(ApplicationName="shop", GroupName="qa", VersionLabel="jobs", Description="mine")
    assert (made["EnvironmentName"], made["Tier"]["Name"], made["Description"]) == ("jobs-qa", "Worker", "mine")
    assert made["SolutionStackName"] == STACK


@pytest.mark.parametrize(
    ("labels", "group", "text"),
    [
        (["gone"], "dev", "No Application Version named 'gone' found."),
        (["v1"], "dev", "must be processed"),
        (["plain"], "dev", "does not contain an env.yaml file"),
        (["nameless"], "dev", "has no EnvironmentName"),
        (["front"], None, "You must specify a GroupName"),
        (["front", "jobs"], "dev", "No Environment found for EnvironmentName = 'admin'."),
        (["admin", "admin-too"], "dev", "are both of environment admin"),
        (["ring", "rung"], "dev", "Environment links form a cycle: ring → rung → ring."),
    ],
)
def test_what_cannot_be_composed_is_refused_and_leaves_nothing(
    shop: Shop, labels: list[str], group: str | None, text: str
) -> None:
    process(shop, "plain", None)
    process(shop, "nameless", f"SolutionStack: {STACK}\n")
    process(shop, "admin-too", ADMIN)
    process(shop, "ring", f"EnvironmentName: ring\nSolutionStack: {STACK}\nEnvironmentLinks: {{A: rung}}\n")
    process(shop, "rung", f"EnvironmentName: rung\nSolutionStack: {STACK}\nEnvironmentLinks: {{A: ring}}\n")
    shop.advance(0)
    members = {} if group is None else {"GroupName": group}
    code, message = refused(shop.eb.compose_environments, ApplicationName="shop", VersionLabels=labels, **members)
    assert code == "InvalidParameterValue"
    assert text in message
    assert shop.eb.describe_environments(ApplicationName="shop")["Environments"] == []


def tags_of_all(shop: Shop, name: str) -> dict[str, dict[str, str]]:
    """What was made for an environment → its tags; what begins with `aws:` is left out."""
    ec2, scaling, elbv2 = (shop.server.client(service) for service in ("ec2", "autoscaling", "elbv2"))
    found = shop.eb.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
    group = found["AutoScalingGroups"][0]["Name"]
    groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    balancer = found["LoadBalancers"][0]["Name"]
    targets = elbv2.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    listeners = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    security = elbv2.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["SecurityGroups"]
    lists = {group: groups[0]["Tags"]}
    arns = [balancer, targets[0]["TargetGroupArn"], listeners[0]["ListenerArn"]]
    for arn in arns:
        lists[arn] = elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    for one in [*shop.instances(name), found["LaunchTemplates"][0]["Id"], *security]:
        lists[one] = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [one]}])["Tags"]
    assert all(tag["PropagateAtLaunch"] for tag in lists[group])
    return {
        one: {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}
        for one, tags in lists.items()
    }


def test_what_is_made_for_an_environment_has_its_tags_and_follows_them(shop: Shop) -> None:
    many = {f"k{number}": "v" for number in range(9)}
    given = [{"Key": key, "Value": value} for key, value in {"team": "a", "old": "x", **many}.items()]
    made = shop.create("shop-prod", Tags=given)
    shop.until("shop-prod")
    own = {
        "elasticbeanstalk:environment-name": "shop-prod",
        "elasticbeanstalk:environment-id": made["EnvironmentId"],
        "Name": "shop-prod",
    }
    before = tags_of_all(shop, "shop-prod")
    assert len(before) == 7
    assert all(tags == {**own, "team": "a", "old": "x", **many} for tags in before.values()), before
    arn, added = made["EnvironmentArn"], [{"Key": "team", "Value": "b"}, {"Key": "new", "Value": "y"}]
    shop.eb.update_tags_for_resource(ResourceArn=arn, TagsToAdd=added, TagsToRemove=["old", "never"])
    shop.until("shop-prod")
    changed = {**own, "team": "b", "new": "y", **many}
    after = tags_of_all(shop, "shop-prod")
    assert all(tags == changed for tags in after.values()), after
    shop.server.client("ec2").terminate_instances(InstanceIds=shop.instances("shop-prod"))
    shop.until_true(
        "shop-prod",
        lambda _: bool(shop.instances("shop-prod")) and not after.keys() >= set(shop.instances("shop-prod")),
    )
    newer = tags_of_all(shop, "shop-prod")
    assert newer.keys() != after.keys()
    assert all(tags == changed for tags in newer.values()), newer


def test_scheduled_actions_change_the_group_at_their_minute(shop: Shop) -> None:
    scaling = shop.server.client("autoscaling")

    def scheduled(name: str, **values: str) -> list[dict[str, str]]:
        space = "aws:autoscaling:scheduledaction"
        return [{**option(space, key, value), "ResourceName": name} for key, value in values.items()]

    def group() -> Any:
        found = shop.eb.describe_environment_resources(EnvironmentName="shop-prod")["EnvironmentResources"]
        names = [found["AutoScalingGroups"][0]["Name"]]
        return scaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"][0]

    now = datetime.fromisoformat(shop.server.admin("POST", "clock", {})["now"])
    at, again = now + timedelta(minutes=30), now + timedelta(minutes=50)
    actions = scheduled("Once", MinSize="2", MaxSize="3", DesiredCapacity="3", StartTime=at.isoformat())
    actions += scheduled("Daily", MinSize="1", DesiredCapacity="1", Recurrence=f"{again.minute} {again.hour} * * *")
    actions += scheduled("Off", DesiredCapacity="4", StartTime=at.isoformat(), Suspend="true")
    shop.create("shop-prod", *actions)
    shop.until("shop-prod")
    before = shop.eb.describe_environments(EnvironmentNames=["shop-prod"])["Environments"][0]
    names = [one["ScheduledActionName"] for one in scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]]
    assert sorted(name.split("-")[4] for name in names) == ["Daily", "Once"], names
    assert (group()["MinSize"], group()["MaxSize"], group()["DesiredCapacity"]) == (1, 4, 1)
    shop.advance((at - now).total_seconds() + 60)
    assert (group()["MinSize"], group()["MaxSize"], group()["DesiredCapacity"]) == (2, 3, 3)
    shop.until_true("shop-prod", lambda _: len(shop.instances("shop-prod")) == 3)
    left = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert [one["ScheduledActionName"].split("-")[4] for one in left] == ["Daily"]
    shop.advance((again - at).total_seconds())
    assert (group()["MinSize"], group()["MaxSize"], group()["DesiredCapacity"]) == (1, 3, 1)
    removed = [
        {"Namespace": one["Namespace"], "OptionName": one["OptionName"], "ResourceName": "Daily"} for one in actions
    ]
    shop.eb.update_environment(EnvironmentName="shop-prod", OptionsToRemove=removed)
    shop.until("shop-prod")
    assert scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    assert shop.environment("shop-prod")["DateCreated"] == before["DateCreated"]


def test_an_instance_that_its_group_lets_go_leaves_the_balancer_first(shop: Shop) -> None:
    scaling, ec2 = shop.server.client("autoscaling"), shop.server.client("ec2")
    shop.create("shop-prod", option("aws:autoscaling:asg", "MinSize", "2"))
    shop.until("shop-prod")
    before = set(shop.instances("shop-prod"))
    found = shop.eb.describe_environment_resources(EnvironmentName="shop-prod")["EnvironmentResources"]
    name, since = (
        found["AutoScalingGroups"][0]["Name"],
        shop.server.admin("GET", "journal?limit=1000")["entries"][-1]["seq"],
    )
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1, DesiredCapacity=1)
    shop.advance(5)
    left = set(shop.instances("shop-prod"))
    assert len(left) == 1
    (gone,) = before - left
    assert (
        ec2.describe_instances(InstanceIds=[gone])["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"
    )
    told = [
        entry
        for entry in shop.server.admin("GET", f"journal?after={since}&limit=1000")["entries"]
        if gone in str(entry)
    ]
    words = [str(entry["detail"]) for entry in told]
    drains = next(number for number, word in enumerate(words) if "draining" in word)
    ends = next(number for number, word in enumerate(words) if "terminated" in word)
    assert drains < ends, words
    scaling.terminate_instance_in_auto_scaling_group(InstanceId=left.pop(), ShouldDecrementDesiredCapacity=False)
    shop.until_true("shop-prod", lambda _: len(shop.instances("shop-prod")) == 1)
    assert not set(shop.instances("shop-prod")) & before
    group = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert (group["DesiredCapacity"], [one["LifecycleState"] for one in group["Instances"]]) == (1, ["InService"])


def test_reserved_tags_are_refused_at_creation(shop: Shop) -> None:
    for key in ("Name", "elasticbeanstalk:environment-id", "aws:x"):
        code, message = refused(
            shop.eb.create_environment,
            ApplicationName="shop",
            EnvironmentName="shop-prod",
            SolutionStackName=STACK,
            Tags=[{"Key": key, "Value": "x"}],
        )
        assert code == "InvalidParameterValue"
        assert f"Tag key '{key}' is reserved" in message


def explained(shop: Shop, target: str) -> str:
    """The text that `ashore explain` prints."""
    return str(shop.server.admin("GET", f"explain?target={quote(target)}")["text"])


def test_an_environment_is_explained_while_it_launches_is_deployed_to_and_fails(shop: Shop) -> None:
    shop.server.admin("POST", "runtime/scripts", {"pattern": "bad:1", "exit_code": 3})
    dockerrun = {"AWSEBDockerrunVersion": "1", "Image": {"Name": "bad:1"}, "Ports": [{"ContainerPort": 80}]}
    shop.version("broken", zipped({"Dockerrun.aws.json": json.dumps(dockerrun)}))
    made = shop.create("shop-prod", option("aws:elasticbeanstalk:command", "DeploymentPolicy", "Rolling"))
    shop.advance(0)
    begun = explained(shop, made["EnvironmentId"])
    assert f"Environment shop-prod ({made['EnvironmentId']}) of application shop is Launching." in begun
    assert f"createEnvironment (request {made['ResponseMetadata']['RequestId']}) is under way." in begun
    assert "Instances carry out deployment 1 (version v1) (" in begun
    assert "  It waits for " in begun
    shop.until("shop-prod")
    rests = explained(shop, "shop-prod")
    assert "It waits for nothing." in rests.replace("it waits", "It waits")
    assert "The last deployment, deployment 1 (version v1), succeeded, at " in rests
    instance = shop.instances("shop-prod")[0]
    assert f"Instance {instance} runs version v1; its part in deployment 1 is Succeeded" in rests
    shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="broken")
    shop.advance(0)
    assert "policy Rolling): stage " in explained(shop, made["EnvironmentArn"])
    shop.until("shop-prod")
    failed = explained(shop, "shop-prod")
    assert "The last deployment, deployment 2 (version broken), failed" in failed
    assert "ERROR Failed to deploy application." in failed
    assert f"Instance {instance} runs version v1; its part in deployment 2 is Failed (" in failed
    shop.advance(60)
    assert "Health is Degraded (Red) because:\n  " in explained(shop, "shop-prod")


def test_what_is_not_there_is_not_explained(shop: Shop) -> None:
    for target in ("nothing", "e-aaaaaaaaaa"):
        found = shop.server.admin("GET", f"explain?target={target}")
        assert "no environment of this name" in found["detail"]


def streamed(shop: Shop, group: str) -> dict[str, list[str]]:
    """Stream → messages of a log group."""
    logs = shop.server.client("logs")
    names = [one["logStreamName"] for one in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    return {
        name: [event["message"] for event in logs.get_log_events(logGroupName=group, logStreamName=name)["events"]]
        for name in names
    }


def test_logs_and_health_are_streamed_kept_for_their_days_and_go_where_asked(shop: Shop) -> None:
    logs = shop.server.client("logs")
    spaces = ("aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health")
    shop.create(
        "shop-prod",
        option(spaces[0], "StreamLogs", "true"),
        option(spaces[0], "RetentionInDays", "30"),
        option(spaces[0], "DeleteOnTerminate", "true"),
        option(spaces[1], "HealthStreamingEnabled", "true"),
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
    )
    shop.create("shop-quiet", single=True)
    shop.until("shop-prod")
    shop.advance(60)

    def groups() -> dict[str, Any]:
        found = logs.describe_log_groups(logGroupNamePrefix="/aws/elasticbeanstalk/")["logGroups"]
        return {one["logGroupName"]: one.get("retentionInDays") for one in found}

    prefix = "/aws/elasticbeanstalk/shop-prod/"
    assert groups() == {
        f"{prefix}var/log/eb-engine.log": 30,
        f"{prefix}var/log/eb-docker/containers/eb-current-app/stdouterr.log": 30,
        f"{prefix}environment-health.log": 7,
    }
    instance = shop.instances("shop-prod")[0]
    assert list(streamed(shop, f"{prefix}var/log/eb-docker/containers/eb-current-app/stdouterr.log")) == [instance]
    first = streamed(shop, f"{prefix}var/log/eb-engine.log")[instance]
    assert first[0].endswith("[INFO] Starting deployment 1: v1")
    assert first[-1].endswith("[INFO] Instance deployment completed successfully.")
    reports = [json.loads(one) for one in next(iter(streamed(shop, f"{prefix}environment-health.log").values()))]
    assert (reports[-1]["EnvironmentName"], reports[-1]["Color"]) == ("shop-prod", "Green")
    shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel="v2")
    shop.until("shop-prod")
    after = streamed(shop, f"{prefix}var/log/eb-engine.log")[instance]
    assert after[: len(first)] == first
    assert after[len(first)].endswith("Starting deployment 2: v2")
    shop.server.kill()
    shop.server.start()
    shop.advance(0)
    assert streamed(shop, f"{prefix}var/log/eb-engine.log")[instance] == after
    shop.eb.terminate_environment(EnvironmentName="shop-prod")
    shop.until("shop-prod", "Terminated")
    assert groups() == {f"{prefix}environment-health.log": 7}

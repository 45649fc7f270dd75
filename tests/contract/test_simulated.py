"""boto3, the AWS CLI and the ashore command against a running server on the simulated runtime."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

WEB = [{"name": "app", "image": "web:1", "cpu": 128, "memory": 64}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("contract") / "state", runtime="simulated", preset="demo")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def empty(server: RunningServer) -> None:
    server.admin("POST", "reset")


def settled(server: RunningServer, **tasks: Any) -> Any:
    """The tasks once they are RUNNING."""
    ecs = server.client("ecs")
    arns = [task["taskArn"] for task in tasks["tasks"]]
    server.wait_until(lambda: all(t["lastStatus"] == "RUNNING" for t in ecs.describe_tasks(tasks=arns)["tasks"]))
    return ecs.describe_tasks(tasks=arns)["tasks"]


def test_run_task_places_on_hosts_and_explain_tells_why(server: RunningServer) -> None:
    ecs = server.client("ecs")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    spread = [{"type": "spread", "field": "attribute:ecs.availability-zone"}]
    tasks = settled(server, **ecs.run_task(taskDefinition="web", count=6, placementStrategy=spread))
    assert set(Counter(task["availabilityZone"] for task in tasks).values()) == {2}
    told = server.run("ashore", "explain", tasks[0]["taskArn"])
    assert "was placed on" in told
    assert "spread(attribute:ecs.availability-zone)" in told
    document = json.loads(server.run("ashore", "explain", tasks[0]["taskArn"], "-o", "json"))
    assert document["decision"]["chosen"] == tasks[0]["containerInstanceArn"]


def test_what_cannot_be_placed_is_told_in_failures(server: RunningServer) -> None:
    ecs = server.client("ecs")
    ecs.register_task_definition(family="big", containerDefinitions=[{**WEB[0], "memory": 100_000}])
    result = ecs.run_task(taskDefinition="big")
    assert result["tasks"] == []
    assert {failure["reason"] for failure in result["failures"]} == {"RESOURCE:MEMORY"}


def test_a_service_reaches_steady_state_and_replaces_what_stops(server: RunningServer) -> None:
    ecs = server.client("ecs")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=3)

    def steady() -> bool:
        service = ecs.describe_services(services=["web"])["services"][0]
        return bool(service["runningCount"] == 3 and service["deployments"][0]["rolloutState"] == "COMPLETED")

    server.wait_until(steady)
    before = set(ecs.list_tasks(serviceName="web")["taskArns"])
    ecs.stop_task(task=min(before))
    server.wait_until(lambda: len(set(ecs.list_tasks(serviceName="web")["taskArns"]) - before) == 1 and steady())
    messages = [event["message"] for event in ecs.describe_services(services=["web"])["services"][0]["events"]]
    assert messages[0] == "(service web) has reached a steady state."
    assert any("has started 3 tasks: (task " in message for message in messages)


def test_a_new_revision_replaces_the_old_on_the_clock(server: RunningServer) -> None:
    ecs = server.client("ecs")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=4)
    server.wait_until(lambda: ecs.describe_services(services=["web"])["services"][0]["runningCount"] == 4)
    ecs.register_task_definition(family="web", containerDefinitions=[{**WEB[0], "image": "web:2"}])
    ecs.update_service(service="web", taskDefinition="web:2")
    server.wait_until(lambda: ecs.describe_services(services=["web"])["services"][0]["runningCount"] == 8)
    server.admin("POST", "clock", {"advance": 60})
    server.wait_until(lambda: ecs.describe_services(services=["web"])["services"][0]["runningCount"] == 4)
    service = ecs.describe_services(services=["web"])["services"][0]
    assert [(d["status"], d["rolloutState"]) for d in service["deployments"]] == [("PRIMARY", "COMPLETED")]
    tasks = ecs.describe_tasks(tasks=ecs.list_tasks(serviceName="web")["taskArns"])["tasks"]
    assert {task["containers"][0]["image"] for task in tasks} == {"web:2"}


def test_a_service_without_room_says_which_host_came_closest(server: RunningServer) -> None:
    ecs = server.client("ecs")
    port = {**WEB[0], "portMappings": [{"containerPort": 80, "hostPort": 80}]}
    ecs.register_task_definition(family="web", containerDefinitions=[port])
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=7)

    def messages() -> list[str]:
        return [event["message"] for event in ecs.describe_services(services=["web"])["services"][0]["events"]]

    server.wait_until(
        lambda: any("is already using a port required by your task." in message for message in messages())
    )
    server.run("ashore", "hosts", "add", "--count", "1")
    server.wait_until(lambda: ecs.describe_services(services=["web"])["services"][0]["runningCount"] == 7)


def test_kill_9_loses_nothing(server: RunningServer) -> None:
    ecs = server.client("ecs")
    server.client("s3").create_bucket(Bucket="kept")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    tasks = settled(server, **ecs.run_task(taskDefinition="web", count=3))
    server.kill()
    server.start()
    again = ecs.describe_tasks(tasks=[task["taskArn"] for task in tasks])["tasks"]
    assert [(task["taskArn"], task["lastStatus"]) for task in again] == [(task["taskArn"], "RUNNING") for task in tasks]
    assert [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]] == ["kept"]


def test_an_ec2_instance_whose_user_data_names_a_cluster_becomes_a_host(server: RunningServer) -> None:
    ecs, ec2 = server.client("ecs"), server.client("ec2")
    ecs.create_cluster(clusterName="farm")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    data = "#!/bin/bash\necho ECS_CLUSTER=farm >> /etc/ecs/ecs.config\n"
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", UserData=data)
    instance = made["Instances"][0]["InstanceId"]
    server.wait_until(lambda: len(ecs.list_container_instances(cluster="farm")["containerInstanceArns"]) == 1)
    arns = ecs.list_container_instances(cluster="farm")["containerInstanceArns"]
    host = ecs.describe_container_instances(cluster="farm", containerInstances=arns)["containerInstances"][0]
    assert (host["ec2InstanceId"], host["status"]) == (instance, "ACTIVE")
    ecs.register_task_definition(family="web", containerDefinitions=WEB)
    task = ecs.run_task(cluster="farm", taskDefinition="web")["tasks"][0]["taskArn"]
    ec2.terminate_instances(InstanceIds=[instance])
    server.wait_until(lambda: not ecs.list_container_instances(cluster="farm")["containerInstanceArns"])
    server.wait_until(lambda: ecs.describe_tasks(cluster="farm", tasks=[task])["tasks"][0]["lastStatus"] == "STOPPED")
    stopped = ecs.describe_tasks(cluster="farm", tasks=[task])["tasks"][0]
    assert (stopped["stopCode"], stopped["stoppedReason"]) == (
        "TerminationNotice",
        f"Host EC2 (instance {instance}) terminated.",
    )


def test_accounts_and_regions_do_not_see_each_other(server: RunningServer) -> None:
    server.client("ecs", "111122223333").create_cluster(clusterName="mine")
    assert server.client("ecs", "444455556666").list_clusters()["clusterArns"] == []
    assert server.client("ecs", "111122223333", "eu-west-1").list_clusters()["clusterArns"] == []


def test_errors_have_the_services_codes(server: RunningServer) -> None:
    ecs = server.client("ecs")
    with pytest.raises(ClientError, match="Cluster not found") as caught:
        ecs.list_tasks(cluster="nowhere")
    assert caught.value.response["Error"]["Code"] == "ClusterNotFoundException"
    with pytest.raises(ClientError) as missing:
        server.client("eks").list_clusters()
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_aws_command_works_with_only_the_environment(server: RunningServer) -> None:
    assert "cluster/default" in server.run("aws", "ecs", "list-clusters")
    assert "Vpcs" in server.run("aws", "ec2", "describe-vpcs")


def test_coverage_is_computed(server: RunningServer) -> None:
    document = json.loads(server.run("ashore", "coverage", "-o", "json"))
    assert "RunTask" in document["ecs"]["emulated"]
    assert document["ecs"]["missing"] == ["DiscoverPollEndpoint"]
    assert document["eks"]["emulated"] == []


def test_nothing_of_before_a_reset_is_journaled_after_it(server: RunningServer) -> None:
    server.client("ecs").list_clusters()  # an entry that is kept in memory for a moment
    server.admin("POST", "reset")
    entries = server.admin("GET", "journal?kind=api_call&subject=ecs:ListClusters")["entries"]
    assert entries == []


def test_reset_is_fast_and_complete(server: RunningServer) -> None:
    server.client("ecs").create_cluster(clusterName="gone")
    assert server.admin("POST", "reset")["milliseconds"] < 1000
    assert server.client("ecs").list_clusters()["clusterArns"] == ["arn:aws:ecs:us-east-1:000000000000:cluster/default"]


def test_a_second_server_cannot_take_the_state_folder(server: RunningServer) -> None:
    with pytest.raises(AssertionError, match="ASH-S003"):
        RunningServer(server._state_dir, runtime="simulated")

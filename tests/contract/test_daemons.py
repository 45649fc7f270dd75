"""Daemons by boto3 against a running server, killed in the middle of a deployment; its clock stands still until told."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.test_capacity import advance, make_farm
from tests.running import RunningServer


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("daemons") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def register(ecs: Any, image: str) -> str:
    containers = [{"name": "agent", "image": image, "memory": 64}]
    made = ecs.register_daemon_task_definition(family="agent", containerDefinitions=containers)
    return str(made["daemonTaskDefinitionArn"])


def images(ecs: Any) -> list[str]:
    arns = ecs.list_tasks(cluster="farm")["taskArns"]
    shown = ecs.describe_tasks(cluster="farm", tasks=arns)["tasks"] if arns else []
    return sorted(task["containers"][0]["image"] for task in shown if task["lastStatus"] == "RUNNING")


def scale(server: RunningServer, count: int) -> None:
    server.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="farm", DesiredCapacity=count)


def test_a_daemon_follows_its_hosts_and_its_deployment_survives_kill_9(server: RunningServer) -> None:
    make_farm(server)
    ecs = server.client("ecs")
    scale(server, 3)
    (provider,) = ecs.describe_capacity_providers(capacityProviders=["farm"])["capacityProviders"]
    (cluster,) = ecs.describe_clusters(clusters=["farm"])["clusters"]
    where = {"capacityProviderArns": [provider["capacityProviderArn"]]}
    made = ecs.create_daemon(
        daemonName="agent",
        clusterArn=cluster["clusterArn"],
        daemonTaskDefinitionArn=register(ecs, "agent:1"),
        deploymentConfiguration={"drainPercent": 34.0, "bakeTimeInMinutes": 5},
        **where,
    )
    daemon = made["daemonArn"]
    server.wait_until(lambda: images(ecs) == ["agent:1"] * 3)
    advance(server, 301)

    def status(arn: str) -> Any:
        return ecs.describe_daemon_deployments(daemonDeploymentArns=[arn])["daemonDeployments"][0]["status"]

    server.wait_until(lambda: bool(status(made["deploymentArn"]) == "SUCCESSFUL"))
    scale(server, 4)
    server.wait_until(lambda: images(ecs) == ["agent:1"] * 4)

    changed = ecs.update_daemon(daemonArn=daemon, daemonTaskDefinitionArn=register(ecs, "agent:2"), **where)
    server.wait_until(lambda: images(ecs) == ["agent:1"] * 3 + ["agent:2"])
    told = server.admin("GET", "explain?target=agent&cluster=farm")
    assert "Daemon agent is ACTIVE: 4 hosts of farm" in told["text"]
    server.kill()
    server.start()
    ecs = server.client("ecs")
    server.wait_until(lambda: images(ecs) == ["agent:1"] * 3 + ["agent:2"])
    for _ in range(4):
        advance(server, 41)
    server.wait_until(lambda: images(ecs) == ["agent:2"] * 4)
    assert status(changed["deploymentArn"]) == "IN_PROGRESS"
    advance(server, 301)
    server.wait_until(lambda: bool(status(changed["deploymentArn"]) == "SUCCESSFUL"))
    shown = ecs.describe_daemon(daemonArn=daemon)["daemon"]
    assert [item["totalRunningCount"] for item in shown["currentRevisions"]] == [4]

    ecs.delete_daemon(daemonArn=daemon)
    server.wait_until(lambda: not ecs.list_daemons(clusterArn=cluster["clusterArn"])["daemonSummariesList"])
    assert images(ecs) == []
    with pytest.raises(ClientError) as error:
        ecs.describe_daemon(daemonArn=daemon)
    assert error.value.response["Error"]["Code"] == "DaemonNotFoundException"

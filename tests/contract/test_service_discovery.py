"""`serviceRegistries` by boto3: tasks are instances of a Cloud Map service while they run, and only then."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

MAIN = {"name": "app", "image": "web:1", "portMappings": [{"containerPort": 80}]}
CHECK = {"command": ["CMD", "true"], "interval": 5}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    state = tmp_path_factory.mktemp("discovery") / "state"
    running = RunningServer(state, runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


@pytest.fixture
def ecs(server: RunningServer) -> Any:
    server.admin("POST", "reset")
    server.admin("DELETE", "runtime/scripts")
    return server.client("ecs")


def registry(server: RunningServer, kind: str) -> tuple[str, str]:
    """Id and ARN of a Cloud Map service with records of a kind."""
    discovery = server.client("servicediscovery")
    discovery.create_http_namespace(Name="shop")
    namespace = discovery.list_namespaces()["Namespaces"][0]["Id"]
    made = discovery.create_service(
        Name="web",
        NamespaceId=namespace,
        DnsConfig={"DnsRecords": [{"Type": kind, "TTL": 10}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]
    return made["Id"], made["Arn"]


def instances(server: RunningServer, registry_id: str) -> dict[str, dict[str, str]]:
    found = server.client("servicediscovery").list_instances(ServiceId=registry_id)["Instances"]
    return {one["Id"]: one["Attributes"] for one in found}


def on_fargate(server: RunningServer, ecs: Any, container: Any) -> dict[str, Any]:
    """Members of a service on Fargate."""
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )
    subnets = [server.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]]
    return {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}}


def test_tasks_come_and_go_and_a_killed_server_catches_up(server: RunningServer, ecs: Any) -> None:
    registry_id, arn = registry(server, "A")
    members = on_fargate(server, ecs, MAIN)
    ecs.create_service(
        serviceName="web", taskDefinition="web", desiredCount=2, serviceRegistries=[{"registryArn": arn}], **members
    )
    server.wait_until(lambda: len(instances(server, registry_id)) == 2)
    (shown,) = ecs.describe_services(services=["web"])["services"]
    assert shown["serviceRegistries"] == [{"registryArn": arn}]
    tasks = ecs.describe_tasks(tasks=ecs.list_tasks(serviceName="web")["taskArns"])["tasks"]
    for task in tasks:
        details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
        found = instances(server, registry_id)[task["taskArn"].rpartition("/")[2]]
        assert found == {
            "AWS_INSTANCE_IPV4": details["privateIPv4Address"],
            "AVAILABILITY_ZONE": task["availabilityZone"],
            "REGION": "us-east-1",
            "ECS_CLUSTER_NAME": "default",
            "ECS_SERVICE_NAME": "web",
            "ECS_TASK_DEFINITION_FAMILY": "web",
        }
    ecs.update_service(service="web", desiredCount=3)
    server.kill()
    server.start()
    server.wait_until(lambda: len(instances(server, registry_id)) == 3)
    gone = tasks[0]["taskArn"]
    server.client("ecs").stop_task(task=gone)
    server.wait_until(lambda: gone.rpartition("/")[2] not in instances(server, registry_id))
    server.wait_until(lambda: len(instances(server, registry_id)) == 3)
    server.client("ecs").delete_service(service="web", force=True)
    server.wait_until(lambda: instances(server, registry_id) == {})


def test_a_container_that_fails_its_check_is_unhealthy_in_cloud_map(server: RunningServer, ecs: Any) -> None:
    registry_id, arn = registry(server, "A")
    server.admin("POST", "runtime/scripts", {"pattern": "web:*", "health_after": 30})
    members = on_fargate(server, ecs, {**MAIN, "healthCheck": CHECK})
    ecs.create_service(
        serviceName="web", taskDefinition="web", desiredCount=1, serviceRegistries=[{"registryArn": arn}], **members
    )
    discovery = server.client("servicediscovery")

    def status() -> list[str]:
        return list(discovery.get_instances_health_status(ServiceId=registry_id)["Status"].values())

    server.wait_until(lambda: status() == ["UNHEALTHY"])
    server.admin("POST", "clock", {"advance": 60})
    server.wait_until(lambda: status() == ["HEALTHY"])


def test_tasks_of_hosts_are_found_with_their_ports(server: RunningServer, ecs: Any) -> None:
    registry_id, arn = registry(server, "SRV")
    ecs.register_task_definition(family="web", containerDefinitions=[{**MAIN, "memory": 64}])
    asked = [{"registryArn": arn, "containerName": "app", "containerPort": 80}]
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1, serviceRegistries=asked)
    server.wait_until(lambda: len(instances(server, registry_id)) == 1)
    (task,) = ecs.describe_tasks(tasks=ecs.list_tasks(serviceName="web")["taskArns"])["tasks"]
    (found,) = instances(server, registry_id).values()
    assert found["AWS_INSTANCE_PORT"] == str(task["containers"][0]["networkBindings"][0]["hostPort"])
    assert found["AWS_INSTANCE_IPV4"].startswith("127.")
    assert found["EC2_INSTANCE_ID"].startswith("i-")
    ecs.update_service(service="web", serviceRegistries=[])
    server.wait_until(lambda: len(ecs.list_tasks(serviceName="web")["taskArns"]) == 2)
    server.admin("POST", "clock", {"advance": 60})
    server.wait_until(lambda: instances(server, registry_id) == {})
    (shown,) = ecs.describe_services(services=["web"])["services"]
    assert shown["serviceRegistries"] == []


def test_what_is_refused(server: RunningServer, ecs: Any) -> None:
    _, arn = registry(server, "SRV")
    members = on_fargate(server, ecs, MAIN)
    ecs.register_task_definition(family="host", containerDefinitions=[{**MAIN, "memory": 64}])
    nobody = "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-0"
    bridge = (
        "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be "
        f"specified from the task definition. Registry: {arn}"
    )
    cases: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
        ({"taskDefinition": "host"}, [{"registryArn": arn}], bridge),
        ({"taskDefinition": "host"}, [{"registryArn": nobody}], f"The service registry {nobody} does not exist."),
        ({"taskDefinition": "web", **members}, [{"registryArn": arn}], "For an SRV record, either"),
        (
            {"taskDefinition": "web", **members},
            [{"registryArn": arn, "containerName": "app", "containerPort": 81}],
            "The container app did not have a container port 81 defined.",
        ),
        (
            {"taskDefinition": "web", **members},
            [{"registryArn": arn, "port": 80}] * 2,
            "A service can have at most one service registry.",
        ),
    ]
    for asked, registries, text in cases:
        with pytest.raises(ClientError) as raised:
            ecs.create_service(serviceName="web", desiredCount=1, serviceRegistries=registries, **asked)
        assert raised.value.response["Error"]["Code"] == "InvalidParameterException"
        assert raised.value.response["Error"]["Message"].startswith(text)

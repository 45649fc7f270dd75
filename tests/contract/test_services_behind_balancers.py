"""Services behind load balancers that can be asked: requests show which revision serves, and how traffic moves."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fronts import Front, make_front
from tests.running import RunningServer

REQUESTS = 400
CONTAINER = {"name": "app", "image": "web:1", "memory": 64, "portMappings": [{"containerPort": 80}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("behind") / "state", runtime="simulated", preset="demo")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def empty(server: RunningServer) -> None:
    server.admin("POST", "reset")


@pytest.fixture
def front(server: RunningServer) -> Front:
    return make_front(server)


def define(ecs: Any, image: str = "web:1") -> None:
    """Register a revision of the family `web`."""
    ecs.register_task_definition(family="web", containerDefinitions=[{**CONTAINER, "image": image}])


def newest(ecs: Any) -> Any:
    """The newest service deployment of `web`."""
    arn = ecs.list_service_deployments(service="web")["serviceDeployments"][0]["serviceDeploymentArn"]
    return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]


def until(server: RunningServer, ecs: Any, status: str, stage: str | None = None) -> Any:
    """Let time pass, a few seconds at a time, until the newest deployment is there."""

    def there() -> bool:
        found = newest(ecs)
        if found["status"] == status and stage in {None, found.get("lifecycleStage")}:
            return True
        server.admin("POST", "clock", {"advance": 5})
        return False

    server.wait_until(there, 60)
    return newest(ecs)


def states(server: RunningServer, group: str) -> list[str]:
    """Of the group's targets."""
    found = server.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted(item["TargetHealth"]["State"] for item in found)


def test_tasks_are_registered_and_answer(server: RunningServer, front: Front) -> None:
    ecs = server.client("ecs")
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, loadBalancers=front.single)
    until(server, ecs, "SUCCESSFUL")
    assert states(server, front.blue) == ["healthy", "healthy"]
    revision = newest(ecs)["targetServiceRevision"]["arn"]
    server.wait_until(lambda: front.get()[0] == 200)
    assert front.share(revision, 20) == 100
    messages = [event["message"] for event in ecs.describe_services(services=["web"])["services"][0]["events"]]
    assert f"(service web) registered 2 targets in (target-group {front.blue})" in messages
    (task, *_) = ecs.list_tasks(serviceName="web")["taskArns"]
    ecs.update_service(service="web", desiredCount=0)
    server.wait_until(lambda: "draining" in states(server, front.blue) or not states(server, front.blue))
    ecs.get_waiter("tasks_stopped").wait(tasks=[task], WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_simulated_targets_answer_health_checks_as_they_are_told(server: RunningServer, front: Front) -> None:
    ecs = server.client("ecs")
    define(ecs)
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, loadBalancers=front.single)
    until(server, ecs, "SUCCESSFUL")
    first = server.client("elbv2").describe_target_health(TargetGroupArn=front.blue)["TargetHealthDescriptions"][0]
    target = f"{first['Target']['Id']}:{first['Target']['Port']}"
    assert "503" in server.run("ashore", "simulate", "health", "blue", "503", "--target", target)
    server.kill()
    server.start()
    server.admin("POST", "clock", {"advance": 11})
    server.wait_until(lambda: "draining" in states(server, front.blue))
    event = (
        f"(instance {first['Target']['Id']}) (port {first['Target']['Port']}) is unhealthy in (target-group {front.blue}) "
        "due to (reason Health checks failed with these codes: [503])"
    )
    assert any(event in one["message"] for one in ecs.describe_services(services=["web"])["services"][0]["events"])
    server.wait_until(lambda: states(server, front.blue).count("healthy") == 2)  # another task is there
    shown = server.admin("POST", "balancers/health", {"target_group": front.blue, "answers": "timeout"})["scripts"]
    assert shown == [{"targetGroup": front.blue, "target": None, "answers": "timeout"}]
    server.admin("POST", "clock", {"advance": 11})
    server.wait_until(lambda: states(server, front.blue).count("healthy") < 2)
    server.admin("POST", "balancers/health", {"target_group": "blue"})
    assert server.admin("GET", "balancers/health") == {"scripts": []}
    refused = server.admin("POST", "balancers/health", {"target_group": "red", "answers": "ok"})
    assert refused == {"detail": "no target group red; there are: blue, green"}


def test_no_request_fails_while_a_first_deployment_is_superseded(server: RunningServer, front: Front) -> None:
    ecs = server.client("ecs")
    define(ecs)
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_PRODUCTION_TRAFFIC_SHIFT"]}
    ecs.create_service(
        serviceName="web",
        taskDefinition="web",
        desiredCount=2,
        loadBalancers=front.pair,
        deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": [pause]},
    )
    first = until(server, ecs, "IN_PROGRESS", "POST_PRODUCTION_TRAFFIC_SHIFT")["targetServiceRevision"]["arn"]
    server.wait_until(lambda: front.get()[0] == 200)
    server.admin("POST", "runtime/scripts", {"pattern": "slow:*", "start": 600})
    define(ecs, "slow:1")
    ecs.update_service(service="web", taskDefinition="web")
    server.wait_until(lambda: newest(ecs).get("lifecycleStage") == "SCALE_UP")
    assert front.share(first, 20) == 100
    server.admin("POST", "clock", {"advance": 600})
    second = until(server, ecs, "IN_PROGRESS", "POST_PRODUCTION_TRAFFIC_SHIFT")["targetServiceRevision"]["arn"]
    server.wait_until(lambda: front.share(second, 20) == 100)


def test_a_canary_gets_its_share_then_all_and_blue_is_gone(server: RunningServer, front: Front) -> None:
    ecs = server.client("ecs")
    define(ecs)
    canary = {"canaryPercent": 25.0, "canaryBakeTimeInMinutes": 60}
    configuration = {"strategy": "CANARY", "canaryConfiguration": canary, "bakeTimeInMinutes": 0}
    ecs.create_service(
        serviceName="web",
        taskDefinition="web",
        desiredCount=2,
        loadBalancers=front.pair,
        deploymentConfiguration=configuration,
    )
    until(server, ecs, "SUCCESSFUL")
    server.wait_until(lambda: front.get()[0] == 200)
    define(ecs, "web:2")
    ecs.update_service(service="web", taskDefinition="web")
    found = until(server, ecs, "IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT")
    green = found["targetServiceRevision"]["arn"]
    assert found["targetServiceRevision"]["requestedProductionTrafficWeight"] == 25.0
    server.wait_until(lambda: green in front.get("/test")[1])
    assert abs(front.share(green, REQUESTS) - 25) <= 5
    server.admin("POST", "clock", {"advance": 3600})
    until(server, ecs, "SUCCESSFUL")
    server.wait_until(lambda: front.share(green, 20) == 100)
    assert front.share(green, REQUESTS) == 100


def test_the_way_back_is_a_switch_that_clients_do_not_feel(server: RunningServer, front: Front) -> None:
    ecs = server.client("ecs")
    define(ecs)
    ecs.create_service(
        serviceName="web",
        taskDefinition="web",
        desiredCount=1,
        loadBalancers=front.pair,
        deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 600},
    )
    until(server, ecs, "SUCCESSFUL")
    server.wait_until(lambda: front.get()[0] == 200)
    blue = newest(ecs)["targetServiceRevision"]["arn"]
    define(ecs, "web:2")
    ecs.update_service(service="web", taskDefinition="web")
    baking = until(server, ecs, "IN_PROGRESS", "BAKE_TIME")
    server.wait_until(lambda: front.share(blue, 10) == 0)
    server.kill()
    server.start()
    server.wait_until(lambda: front.get()[0] == 200)
    assert front.share(blue, 20) == 0
    ecs.stop_service_deployment(serviceDeploymentArn=baking["serviceDeploymentArn"])
    until(server, ecs, "ROLLBACK_SUCCESSFUL")
    server.wait_until(lambda: front.share(blue, 10) == 100)
    assert front.share(blue, REQUESTS) == 100


def test_a_group_without_a_load_balancer_is_refused(server: RunningServer) -> None:
    ecs, elbv2 = server.client("ecs"), server.client("elbv2")
    vpc = server.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    alone = elbv2.create_target_group(Name="alone", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    define(ecs)
    with pytest.raises(ClientError) as caught:
        ecs.create_service(
            serviceName="web",
            taskDefinition="web",
            desiredCount=1,
            loadBalancers=[{"targetGroupArn": alone["TargetGroupArn"], "containerName": "app", "containerPort": 80}],
        )
    assert caught.value.response["Error"]["Message"] == (
        f"The target group with targetGroupArn {alone['TargetGroupArn']} does not have an associated load balancer."
    )

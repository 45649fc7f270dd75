"""Deployments on a real engine, behind a real proxy, under requests: none of them fails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.runtime import images
from tests.fronts import ROLE, Front, make_front
from tests.generator import Requests, ask
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300), pytest.mark.usefixtures("engine")]

IMAGE = "ashore-test-behind:1"
SCRIPT = "mkdir -p /www && echo $VERSION > /www/index.html && exec httpd -f -p 80 -h /www"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    images.make(IMAGE)
    running = RunningServer(tmp_path / "state", runtime="docker", preset="demo", clock="x4")
    yield running
    running.stop()
    images.remove(IMAGE)


def define(ecs: Any, version: str) -> None:
    """Register a revision that answers with its version."""
    container = {
        "name": "app",
        "image": IMAGE,
        "memory": 32,
        "command": ["sh", "-c", SCRIPT],
        "environment": [{"name": "VERSION", "value": version}],
        "portMappings": [{"containerPort": 80}],
    }
    ecs.register_task_definition(family="web", containerDefinitions=[container])


def test_a_rolling_update_loses_no_request(server: RunningServer) -> None:
    ecs = server.client("ecs")
    front = make_front(server, **{"deregistration_delay.timeout_seconds": "30"})
    define(ecs, "one")
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, loadBalancers=front.single)

    def completed() -> bool:
        (deployment, *others) = ecs.describe_services(services=["web"])["services"][0]["deployments"]
        return bool(deployment["rolloutState"] == "COMPLETED" and not others)

    server.wait_until(completed, 120)
    server.wait_until(lambda: ask(front.port, front.dns_name).said == "one")
    define(ecs, "two")
    with Requests(front.port, front.dns_name) as requests:
        ecs.update_service(service="web", taskDefinition="web")
        server.wait_until(completed, 120)
        server.wait_until(lambda: ask(front.port, front.dns_name).said == "two")
    assert requests.seen.keys() <= {"one", "two"}, requests.seen
    assert requests.seen["one"]
    assert {ask(front.port, front.dns_name).said for _ in range(20)} == {"two"}


def make_deployment_group(server: RunningServer, front: Front) -> None:
    """An application and a group that deploys `web` by CodeDeploy."""
    deploy = server.client("codedeploy")
    deploy.create_application(applicationName="shop", computePlatform="ECS")
    listener = front.production.replace("listener-rule", "listener").rpartition("/")[0]
    groups = {"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": {"listenerArns": [listener]}}
    deploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="web",
        serviceRoleArn=ROLE,
        ecsServices=[{"serviceName": "web", "clusterName": "default"}],
        loadBalancerInfo={"targetGroupPairInfoList": [groups]},
    )


@pytest.mark.timeout(400)
def test_a_flip_of_code_deploy_loses_no_request(server: RunningServer) -> None:
    ecs, deploy = server.client("ecs"), server.client("codedeploy")
    front = make_front(server, **{"deregistration_delay.timeout_seconds": "30"})
    define(ecs, "one")
    ecs.create_service(
        serviceName="web",
        taskDefinition="web",
        desiredCount=1,
        loadBalancers=front.single,
        deploymentController={"type": "CODE_DEPLOY"},
    )
    make_deployment_group(server, front)
    server.wait_until(lambda: ask(front.port, front.dns_name).said == "one", 120)
    define(ecs, "two")
    balancer = {"ContainerName": "app", "ContainerPort": 80}
    properties = {"TaskDefinition": "web", "LoadBalancerInfo": balancer}
    target = {"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}
    content = json.dumps({"version": 0.0, "Resources": [target]})
    with Requests(front.port, front.dns_name) as requests:
        made = deploy.create_deployment(
            applicationName="shop",
            deploymentGroupName="web",
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
        )["deploymentId"]

        def succeeded() -> bool:
            return bool(deploy.get_deployment(deploymentId=made)["deploymentInfo"]["status"] == "Succeeded")

        server.wait_until(succeeded, 240)
        server.wait_until(lambda: ask(front.port, front.dns_name).said == "two")
    assert requests.seen.keys() <= {"one", "two"}, requests.seen
    assert requests.seen["one"]
    assert {ask(front.port, front.dns_name).said for _ in range(20)} == {"two"}


def test_an_express_service_answers_curl_at_its_endpoint(server: RunningServer) -> None:
    ecs = server.client("ecs")
    container = {
        "image": IMAGE,
        "command": ["sh", "-c", f"mkdir -p /www && echo ok > /www/ping && {SCRIPT}"],
        "environment": [{"name": "VERSION", "value": "express"}],
    }
    arn = ecs.create_express_gateway_service(
        serviceName="shop", executionRoleArn=ROLE, infrastructureRoleArn=ROLE, primaryContainer=container
    )["service"]["serviceArn"]

    def successful() -> bool:
        found = ecs.list_service_deployments(service=arn)["serviceDeployments"]
        return bool(found and found[0]["status"] == "SUCCESSFUL")

    server.wait_until(successful, 120)
    service = ecs.describe_express_gateway_service(serviceArn=arn)["service"]
    url = service["activeConfigurations"][0]["ingressPaths"][0]["endpoint"]
    name, _, port = url.removeprefix("https://").partition(":")
    resolved = f"{name}:{port or 443}:127.0.0.1"
    server.wait_until(lambda: server.run("curl", "-sk", "--resolve", resolved, url).strip() == "express")

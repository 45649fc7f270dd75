"""A course's CodeDeploy lab from end to end, as boto3 and `aws ecs deploy` drive it; traffic is really asked for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fronts import ROLE, Front, make_front
from tests.running import RunningServer

CONTAINER = {"name": "app", "image": "web:1", "memory": 64, "portMappings": [{"containerPort": 80}]}
GROUP = {"applicationName": "AppECS-default-web", "deploymentGroupName": "DgpECS-default-web"}
QUICK_DEPLOY = (
    "import sys, awscli.customizations.ecs.deploy as deploy, awscli.clidriver as driver;"
    "deploy.DEFAULT_DELAY_SEC = 1; sys.exit(driver.main())"
)
"""The command as it is, but for the 15 seconds between its looks."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("codedeploy") / "state", runtime="simulated", preset="demo")
    yield running
    running.stop()


@pytest.fixture
def front(server: RunningServer) -> Front:
    server.admin("POST", "reset")
    front = make_front(server)
    ecs, deploy = server.client("ecs"), server.client("codedeploy")
    first = ecs.register_task_definition(family="web", containerDefinitions=[CONTAINER])["taskDefinition"]
    ecs.create_service(
        serviceName="web",
        taskDefinition=first["taskDefinitionArn"],
        desiredCount=2,
        loadBalancers=front.single,
        deploymentController={"type": "CODE_DEPLOY"},
    )
    deploy.create_application(applicationName=GROUP["applicationName"], computePlatform="ECS")
    listener = front.production.replace("listener-rule", "listener").rpartition("/")[0]
    route = {"listenerArns": [listener]}
    deploy.create_deployment_group(
        **GROUP,
        serviceRoleArn=ROLE,
        ecsServices=[{"serviceName": "web", "clusterName": "default"}],
        loadBalancerInfo={
            "targetGroupPairInfoList": [
                {"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": route}
            ]
        },
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
    )
    server.wait_until(lambda: settled(server, lambda: front.get()[0] == 200), 60)
    return front


def settled(server: RunningServer, holds: Any) -> bool:
    """Let a few seconds pass where it does not hold yet."""
    if holds():
        return True
    server.admin("POST", "clock", {"advance": 5})
    return False


def appspec() -> dict[str, Any]:
    """With a task definition that somebody puts in."""
    balancer = {"containerName": "app", "containerPort": 80}
    properties = {"taskDefinition": "<TASK_DEFINITION>", "loadBalancerInfo": balancer}
    return {"version": 0.0, "resources": [{"web": {"type": "AWS::ECS::Service", "properties": properties}}]}


def test_aws_ecs_deploy(server: RunningServer, front: Front, tmp_path: Path) -> None:
    ecs = server.client("ecs")
    definition, spec = tmp_path / "definition.json", tmp_path / "appspec.json"
    definition.write_text(json.dumps({"family": "web", "containerDefinitions": [{**CONTAINER, "image": "web:2"}]}))
    spec.write_text(json.dumps(appspec()))
    server.admin("POST", "clock", {"rate": 60})
    said = server.run(
        "python",
        "-c",
        QUICK_DEPLOY,
        *("ecs", "deploy", "--service", "web", "--cluster", "default"),
        *("--task-definition", str(definition), "--codedeploy-appspec", str(spec)),
    )
    server.admin("POST", "clock", {"rate": 1})
    assert "Successfully deployed" in said
    (only,) = ecs.describe_services(services=["web"])["services"][0]["taskSets"]
    assert (only["status"], only["taskDefinition"].rpartition(":")[2]) == ("PRIMARY", "2")
    server.wait_until(lambda: front.share(only["id"].rpartition("/")[2], 20) == 100)


def test_a_canary_gets_its_share_over_a_kill_and_a_stop_takes_it_back(server: RunningServer, front: Front) -> None:
    deploy, ecs = server.client("codedeploy"), server.client("ecs")
    newest = ecs.register_task_definition(family="web", containerDefinitions=[{**CONTAINER, "image": "web:2"}])
    document = json.dumps(appspec()).replace("<TASK_DEFINITION>", newest["taskDefinition"]["taskDefinitionArn"])
    server.client("s3").create_bucket(Bucket="revisions")
    server.client("s3").put_object(Bucket="revisions", Key="appspec.json", Body=document.encode())
    location = {"bucket": "revisions", "key": "appspec.json", "bundleType": "JSON"}
    deploy.create_deployment_config(
        deploymentConfigName="quarter",
        computePlatform="ECS",
        trafficRoutingConfig={
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 25, "canaryInterval": 60},
        },
    )
    made = deploy.create_deployment(
        **GROUP, revision={"revisionType": "S3", "s3Location": location}, deploymentConfigName="quarter"
    )["deploymentId"]

    def sets() -> dict[str, Any]:
        found = deploy.get_deployment_target(deploymentId=made, targetId="default:web")["deploymentTarget"]
        return {item["taskSetLabel"]: item for item in found["ecsTarget"]["taskSetsInfo"]}

    server.wait_until(lambda: settled(server, lambda: sets().get("Green", {}).get("trafficWeight") == 25), 60)
    green = sets()["Green"]["identifer"].rpartition("/")[2]
    server.kill()
    server.start()
    server.wait_until(lambda: front.get()[0] == 200)
    assert abs(front.share(green, 400) - 25) <= 5
    deploy.stop_deployment(deploymentId=made, autoRollbackEnabled=True)
    server.wait_until(lambda: deploy.get_deployment(deploymentId=made)["deploymentInfo"]["status"] == "Stopped")
    back = deploy.get_deployment(deploymentId=made)["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"]

    def is_back() -> bool:
        return bool(deploy.get_deployment(deploymentId=back)["deploymentInfo"]["status"] == "Succeeded")

    server.wait_until(lambda: settled(server, is_back), 60)
    server.wait_until(lambda: front.share(green, 20) == 0)


def test_what_is_not_there(server: RunningServer) -> None:
    deploy = server.client("codedeploy")
    with pytest.raises(ClientError) as caught:
        deploy.get_deployment(deploymentId="d-AAAAAAAAA")
    assert caught.value.response["Error"]["Code"] == "DeploymentDoesNotExistException"
    with pytest.raises(ClientError) as caught:
        deploy.list_on_premises_instances()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501

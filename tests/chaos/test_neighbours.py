"""A server that dies before its neighbours' state was saved: what its rows tell of is there all the same."""

import asyncio
import base64
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.environment_deaths import Reluctant
from tests.fronts import Front, make_front
from tests.running import RunningServer
from tests.server_process import fork

USER_DATA = base64.b64encode(b"#!/bin/bash\necho ECS_CLUSTER=farm >> /etc/ecs/ecs.config\n").decode()
SERVICE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
CONTAINER = {"name": "app", "image": "web:1", "memory": 64, "portMappings": [{"containerPort": 80}]}
IN_TWO_STEPS = {
    "strategy": "LINEAR",
    "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 3},
    "bakeTimeInMinutes": 0,
}
FIVE_MINUTES = 300
"""Of them the second step is the last thing that a neighbour is told."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


def pass_away(server: RunningServer, folder: Path, seconds: float) -> None:
    """End the server; another one lives so long on its clock, saves nothing of the neighbours that can wait, and dies."""
    server.kill()
    told, process = fork(_live, (str(folder), seconds))
    assert told.recv_bytes() == b"done"
    process.wait(30)
    server.start()


def _live(argument: tuple[str, float], tell: Connection) -> None:
    folder, seconds = argument
    asyncio.run(_whole_life(Path(folder), seconds))
    tell.send_bytes(b"done")
    tell.close()
    os._exit(0)  # what is not durable now was not to be


async def _whole_life(folder: Path, seconds: float) -> None:
    import emulator.balancer.proxy  # noqa: PLC0415 - the test process does not need it
    from api.server import build  # noqa: PLC0415 - as above
    from emulator.settings import RuntimeKind, Settings  # noqa: PLC0415 - as above

    proxy: Any = emulator.balancer.proxy
    proxy.find_caddy = lambda: None  # nobody asks for anything
    server = build(Settings(state_dir=folder, runtime=RuntimeKind.SIMULATED, clock="paused"), 4566)
    server.world.worker = Reluctant()
    await server.start()
    await server.emulator.loops.settle()
    await server.emulator.clock.advance(timedelta(seconds=seconds), server.emulator.loops.settle)
    server.remember_clock()  # as after an advance


def make_group(server: RunningServer, name: str) -> str:
    """An Auto Scaling group without instances, which would be hosts of the cluster `farm`; its ARN."""
    ec2, scaling = server.client("ec2"), server.client("autoscaling")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    template = {"ImageId": image, "InstanceType": "m5.large", "UserData": USER_DATA}
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=template)
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name},
        MinSize=0,
        MaxSize=8,
        DesiredCapacity=0,
        AvailabilityZones=["us-east-1a"],
    )
    return str(group_of(server, name)["AutoScalingGroupARN"])


def group_of(server: RunningServer, name: str) -> Any:
    """The group as it is described."""
    found = server.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return found["AutoScalingGroups"][0]


def run_waiting_task(server: RunningServer) -> str:
    """A task that waits for the first host of a group with managed scaling; its ARN."""
    ecs = server.client("ecs")
    provider = {"autoScalingGroupArn": make_group(server, "grows"), "managedScaling": {"status": "ENABLED"}}
    ecs.create_capacity_provider(name="farm", autoScalingGroupProvider=provider)
    ecs.create_cluster(
        clusterName="farm",
        capacityProviders=["farm"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "farm", "weight": 1}],
    )
    return str(ecs.run_task(cluster="farm", taskDefinition="web")["tasks"][0]["taskArn"])


def plan_actions(server: RunningServer) -> None:
    """Scheduled actions of a group and of the service `web`, for once, in a minute or two."""
    now = datetime.fromisoformat(server.admin("GET", "status")["clock"]["now"])
    soon = now + timedelta(seconds=70)
    make_group(server, "planned")
    server.client("autoscaling").put_scheduled_update_group_action(
        AutoScalingGroupName="planned", ScheduledActionName="once", StartTime=soon, MinSize=1, DesiredCapacity=2
    )
    scaling = server.client("application-autoscaling")
    scaling.register_scalable_target(**SERVICE, MinCapacity=1, MaxCapacity=6)
    bounds = {"MinCapacity": 4, "MaxCapacity": 8}
    schedule = f"at({soon:%Y-%m-%dT%H:%M:%S})"
    scaling.put_scheduled_action(ScheduledActionName="rush", **SERVICE, Schedule=schedule, ScalableTargetAction=bounds)


def create_web(server: RunningServer, front: Front) -> None:
    """The service `web` behind a load balancer; its deployments move all traffic in two steps."""
    ecs = server.client("ecs")
    ecs.create_service(
        serviceName="web",
        taskDefinition="web",
        desiredCount=2,
        loadBalancers=front.pair,
        deploymentConfiguration=IN_TWO_STEPS,
    )
    server.admin("POST", "clock", {"advance": 60})
    assert newest(server) == "SUCCESSFUL"


def newest(server: RunningServer) -> str:
    """The status of the newest deployment of `web`."""
    return str(server.client("ecs").list_service_deployments(service="web")["serviceDeployments"][0]["status"])


def weights(server: RunningServer, front: Front) -> list[int]:
    """Of blue and green."""
    (rule,) = server.client("elbv2").describe_rules(RuleArns=[front.production])["Rules"]
    shares = {item["TargetGroupArn"]: item["Weight"] for item in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]}
    return [shares[front.blue], shares[front.green]]


def test_what_rows_tell_of_outlives_a_death_before_neighbours_were_saved(server: RunningServer, tmp_path: Path) -> None:
    ecs, front = server.client("ecs"), make_front(server)
    ecs.register_task_definition(family="web", containerDefinitions=[CONTAINER])
    create_web(server, front)
    task = run_waiting_task(server)
    plan_actions(server)
    ecs.update_service(service="web", forceNewDeployment=True)
    pass_away(server, tmp_path / "state", FIVE_MINUTES)

    server.admin("POST", "clock", {"advance": 60})
    found = ecs.describe_tasks(cluster="farm", tasks=[task])["tasks"][0]
    assert (found["lastStatus"], found.get("stoppedReason")) == ("RUNNING", None)  # its host is there
    assert group_of(server, "grows")["DesiredCapacity"] == 2
    planned = group_of(server, "planned")
    assert (planned["MinSize"], planned["DesiredCapacity"], len(planned["Instances"])) == (1, 2, 2)
    (target,) = server.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 8)
    assert (newest(server), weights(server, front)) == ("SUCCESSFUL", [0, 100])

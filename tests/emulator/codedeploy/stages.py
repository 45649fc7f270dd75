"""A course's CodeDeploy lab as tests play it: a service behind two listeners, an application, a group."""

import json
from dataclasses import dataclass, field
from typing import Any

from emulator.codedeploy.applications import create_application
from emulator.codedeploy.deployment_documents import get_deployment
from emulator.codedeploy.deployment_groups import create_deployment_group
from emulator.codedeploy.deployment_targets import get_deployment_target
from emulator.codedeploy.deployments import create_deployment
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.fixed_balancer import PRODUCTION, TEST, FixedBalancer, group_arn, listener_of
from tests.emulator.ecs.services_playing import ServicesPlaying

DYNAMIC = {"portMappings": [{"containerPort": 80}]}
ROLE = "arn:aws:iam::111122223333:role/codedeploy"
GROUP = {"applicationName": "shop", "deploymentGroupName": "web"}


def pair(*, test: bool = True) -> dict[str, Any]:
    """`loadBalancerInfo` of a group."""
    routes = {"prodTrafficRoute": {"listenerArns": [listener_of(PRODUCTION)]}}
    routes |= {"testTrafficRoute": {"listenerArns": [listener_of(TEST)]}} if test else {}
    return {"targetGroupPairInfoList": [{"targetGroups": [{"name": "blue"}, {"name": "green"}], **routes}]}


def blue_green(termination: int = 5, ready: int | None = None) -> dict[str, Any]:
    """`blueGreenDeploymentConfiguration` of a group."""
    waits = {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}
    if ready is not None:
        waits = {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": ready}
    ended = {"action": "TERMINATE", "terminationWaitTimeInMinutes": termination}
    return {"deploymentReadyOption": waits, "terminateBlueInstancesOnDeploymentSuccess": ended}


def rollback(*events: str) -> dict[str, Any]:
    """`autoRollbackConfiguration` of a group."""
    return {"enabled": True, "events": list(events)}


def appspec(definition: str = "web", **hooks: str) -> dict[str, Any]:
    """A revision."""
    balancer = {"ContainerName": "app", "ContainerPort": 80}
    properties = {"TaskDefinition": definition, "LoadBalancerInfo": balancer}
    document: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}],
        "Hooks": [{event: function} for event, function in hooks.items()],
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(document)}}


@dataclass
class Lab:
    """The lab: `web` runs `web:1` behind the group `blue`, `green` is free."""

    stage: ServicesPlaying
    balancer: FixedBalancer
    settings: dict[str, Any] = field(default_factory=dict)

    async def begin(self, **settings: Any) -> "Lab":
        """The service is steady, the group exists, the next revision is registered."""
        for name in ("blue", "green"):
            self.balancer.add(name, "instance", PRODUCTION, TEST)
        self.stage.stage.define({"image": "web:1", **DYNAMIC})
        await self.stage.create(
            2,
            deploymentController={"type": "CODE_DEPLOY"},
            loadBalancers=[{"targetGroupArn": group_arn("blue"), "containerName": "app", "containerPort": 80}],
        )
        self.stage.stage.do(create_application, applicationName="shop", computePlatform="ECS")
        asked = {
            "serviceRoleArn": ROLE,
            "ecsServices": [{"clusterName": "default", "serviceName": "web"}],
            "loadBalancerInfo": pair(),
            "blueGreenDeploymentConfiguration": blue_green(),
            **settings,
        }
        self.stage.stage.do(create_deployment_group, **GROUP, **asked)
        self.stage.stage.define({"image": "web:2", **DYNAMIC})
        return self

    async def deploy(self, revision: dict[str, Any] | None = None, **request: Any) -> str:
        """Begin a deployment; its id."""
        made = self.stage.stage.do(create_deployment, **GROUP, revision=revision or appspec(), **request)
        await self.stage.stage.settle()
        return str(made["deploymentId"])

    async def wait(self, seconds: float) -> None:
        """Let time pass; connections to what drains end at once."""
        await self.stage.stage.advance(seconds)
        self.drained()
        await self.stage.stage.settle()

    def drained(self) -> None:
        """No connection is under way to a target that drains."""
        for arn, targets in self.balancer.targets.items():
            for key in [key for key, health in targets.items() if health.state == "draining"]:
                with self.stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
                    self.balancer.say(context, arn, key, None)

    def shown(self, deployment_id: str) -> Any:
        """The deployment."""
        return self.stage.stage.do(get_deployment, deploymentId=deployment_id)["deploymentInfo"]

    def target(self, deployment_id: str) -> Any:
        """Its target."""
        asked = {"deploymentId": deployment_id, "targetId": "default:web"}
        return self.stage.stage.do(get_deployment_target, **asked)["deploymentTarget"]["ecsTarget"]

    def events(self, deployment_id: str) -> dict[str, str]:
        """Its lifecycle events and how they are."""
        return {event["lifecycleEventName"]: event["status"] for event in self.target(deployment_id)["lifecycleEvents"]}

    def share(self, rule: str = PRODUCTION) -> float:
        """Percent of a rule's traffic that the group `green` has."""
        weights = self.balancer.rules[rule]
        return 100 * weights[group_arn("green")] / sum(weights.values())

    def images(self) -> list[str]:
        """What the service's tasks run."""
        found = [self.stage.stage.task(arn)["containers"][0]["image"] for arn in self.stage.tasks()]
        return sorted(found)

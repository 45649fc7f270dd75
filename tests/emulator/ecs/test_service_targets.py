"""Services behind load balancers: registration, health, replacement, draining, and traffic that moves."""

from typing import Any

import pytest

from emulator.balancer.ports import TargetKey
from emulator.ecs.errors import InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.service_deployments import stop_service_deployment
from emulator.ecs.service_revisions import describe_service_revisions
from emulator.ecs.services import create_service
from emulator.ecs.task_states import StopCode, request_stop
from emulator.runtime.scripts import Script
from emulator.state.ecs import TaskRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.fixed_balancer import PREFIX, PRODUCTION, TEST, FixedBalancer, group_arn
from tests.emulator.ecs.services_playing import ServicesPlaying, play
from tests.emulator.ecs.test_shifting import blue_green, images, newest

DYNAMIC = {"portMappings": [{"containerPort": 80}]}
AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}


def behind(*arns: str, **members: Any) -> list[dict[str, Any]]:
    """`loadBalancers` of a request."""
    return [{"targetGroupArn": arn, "containerName": "app", "containerPort": 80, **members} for arn in arns]


def pair() -> list[dict[str, Any]]:
    """`loadBalancers` of a deployment that shifts traffic between the groups `blue` and `green`."""
    advanced = {
        "alternateTargetGroupArn": group_arn("green"),
        "productionListenerRule": PRODUCTION,
        "testListenerRule": TEST,
        "roleArn": "arn:aws:iam::111122223333:role/ecsInfrastructureRole",
    }
    return behind(group_arn("blue"), advancedConfiguration=advanced)


def two_groups(balancer: FixedBalancer) -> tuple[str, str]:
    """The groups `blue` and `green`, which the rules of production and test forward to."""
    return balancer.add("blue", "instance", PRODUCTION, TEST), balancer.add("green", "instance", PRODUCTION, TEST)


def say(stage: ServicesPlaying, balancer: FixedBalancer, arn: str, state: str | None, text: str | None = None) -> None:
    """Have every target of a group that is in another state in this one."""
    with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
        for key in list(balancer.targets[arn]):
            balancer.say(context, arn, key, state, text)


def test_running_tasks_are_registered_with_their_dynamic_ports_in_every_group() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        groups = [balancer.add("a"), balancer.add("b")]
        stage.stage.define(DYNAMIC)
        service = await stage.create(2, loadBalancers=behind(*groups))
        assert [item["targetGroupArn"] for item in service["loadBalancers"]] == groups
        expected = set()
        for arn in stage.tasks():
            task = stage.stage.task(arn)
            with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
                fleet = context.emulator.fleets.of(context.session, task["clusterArn"])
                node = fleet.node(task["containerInstanceArn"])
                assert node is not None
                port = task["containers"][0]["networkBindings"][0]["hostPort"]
                expected.add(TargetKey(node.instance_id, port))
        assert set(balancer.targets[groups[0]]) == set(balancer.targets[groups[1]]) == expected
        revision = service["currentServiceRevisions"][0]["arn"]
        assert {target.revision for _, target in balancer.registered} == {revision}
        assert all(target.simulated for _, target in balancer.registered)
        assert stage.messages() == [
            "has started 2 tasks: (task ID) (task ID).",
            f"registered 2 targets in (target-group {groups[0]})",
            f"registered 2 targets in (target-group {groups[1]})",
            "(deployment ID) deployment completed.",
            "has reached a steady state.",
        ]

    play(story, balancer=balancer)


def test_tasks_with_an_address_of_their_own_are_registered_by_it() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a", "ip")
        fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        stage.stage.define(DYNAMIC, **fargate)
        await stage.create(1, launchType="FARGATE", networkConfiguration=AWSVPC, loadBalancers=behind(arn))
        (key,) = balancer.targets[arn]
        details = stage.stage.task(stage.tasks()[0])["attachments"][0]["details"]
        assert key == TargetKey(next(i["value"] for i in details if i["name"] == "privateIPv4Address"), 80)

    play(story, hosts=0, balancer=balancer)


def test_a_task_counts_only_once_its_targets_are_healthy() -> None:
    balancer = FixedBalancer(first="initial")

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.define(DYNAMIC)
        service = await stage.create(1, loadBalancers=behind(arn))
        assert (service["runningCount"], service["deployments"][0]["rolloutState"]) == (1, "IN_PROGRESS")
        say(stage, balancer, arn, "healthy")
        await stage.stage.settle()
        assert stage.web()["deployments"][0]["rolloutState"] == "COMPLETED"
        await stage.update(forceNewDeployment=True)
        assert (await stage.wait(600))["runningCount"] == 2
        say(stage, balancer, arn, "healthy")
        await stage.stage.settle()
        assert stage.web()["runningCount"] == 1

    play(story, balancer=balancer)


def test_an_unhealthy_target_has_its_task_replaced_after_the_grace_period() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.define(DYNAMIC)
        await stage.create(1, loadBalancers=behind(arn), healthCheckGracePeriodSeconds=60)
        (ill,) = stage.tasks()
        say(stage, balancer, arn, "unhealthy", "Health checks failed with these codes: [500]")
        await stage.wait(59)
        assert stage.tasks() == [ill]
        await stage.wait(1)
        assert ill not in stage.tasks()
        (key,) = [key for key, health in balancer.targets[arn].items() if health.state == "draining"]
        messages = stage.messages()[4:]
        assert messages[:3] == [
            "has started 1 tasks: (task ID). Amazon ECS replaced 1 tasks due to an unhealthy status.",
            f"registered 1 targets in (target-group {arn})",
            (
                f"(instance {key.id}) (port {key.port}) is unhealthy in (target-group {arn}) due to "
                "(reason Health checks failed with these codes: [500])"
            ),
        ]
        assert stage.stage.task(ill)["stoppedReason"] == f"Task failed ELB health checks in (target-group {arn})"

    play(story, balancer=balancer)


def test_connections_drain_before_the_task_stops() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.define(DYNAMIC)
        await stage.create(2, loadBalancers=behind(arn))
        before = stage.tasks()
        await stage.update(desiredCount=1)
        (leaving,) = set(before) - set(stage.tasks())
        assert stage.stage.task(leaving)["lastStatus"] == "DEACTIVATING"
        assert stage.stage.task(leaving)["containers"][0]["lastStatus"] == "RUNNING"
        lines = [event["message"] for event in reversed(stage.web()["events"])]
        made = stage.web()["deployments"][0]["id"]
        assert lines[-4:-1] == [
            f"(service web, taskSet {made}) has begun draining connections on 1 tasks.",
            f"(service web) deregistered 1 targets in (target-group {arn})",
            f"(service web) has stopped 1 running tasks: (task {leaving.rpartition('/')[2]}).",
        ]
        await stage.wait(200)
        assert stage.stage.task(leaving)["lastStatus"] == "DEACTIVATING"
        (key,) = [key for key, health in balancer.targets[arn].items() if health.state == "draining"]
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            balancer.say(context, arn, key, None)
        await stage.stage.settle()
        assert stage.stage.task(leaving)["lastStatus"] == "STOPPED"

    play(story, balancer=balancer)


def test_a_task_that_a_user_stops_drains_too() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.define(DYNAMIC)
        await stage.create(1, loadBalancers=behind(arn))
        (dead,) = stage.tasks()
        await stage.stage.stop(dead)
        assert stage.stage.task(dead)["lastStatus"] == "DEACTIVATING"
        say(stage, balancer, arn, None)
        await stage.stage.settle()
        assert stage.stage.task(dead)["lastStatus"] == "STOPPED"
        assert f"deregistered 1 targets in (target-group {arn})" in stage.messages()

    play(story, balancer=balancer)


def test_a_spot_task_has_its_sigterm_with_the_notice_and_does_not_wait_for_the_drain() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.runtime.script("*", Script(stop=20))
        stage.stage.define(DYNAMIC)
        await stage.create(1, loadBalancers=behind(arn))
        (taken,) = stage.tasks()
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            row = context.session.get_one(TaskRow, taken)
            request_stop(context, row, StopCode.SPOT_INTERRUPTION, "Your Spot Task was interrupted.")
        await stage.stage.settle()
        assert {health.state for health in balancer.targets[arn].values()} == {"draining", "healthy"}
        assert stage.stage.task(taken)["lastStatus"] in {"DEACTIVATING", "STOPPING"}
        await stage.wait(21)
        assert stage.stage.task(taken)["lastStatus"] in {"DEPROVISIONING", "STOPPED"}
        assert len(stage.tasks()) == 1

    play(story, balancer=balancer)


def test_a_group_that_was_deleted_is_told() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        arn = balancer.add("a")
        stage.stage.define(DYNAMIC)
        await stage.create(0, loadBalancers=behind(arn))
        kept = balancer.groups.pop(arn)
        await stage.update(desiredCount=1)
        assert "does not exist" in stage.messages()[-1]
        assert stage.web()["runningCount"] == 1
        balancer.groups[arn] = kept
        await stage.wait(30)
        assert stage.messages()[-1] == "has reached a steady state."

    play(story, balancer=balancer)


def test_blue_and_green_change_their_groups_and_the_rules_move() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        blue, green = two_groups(balancer)
        stage.stage.define({"image": "web:1", **DYNAMIC})
        configuration = {
            "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 5},
        }
        service = await stage.create(1, loadBalancers=pair(), deploymentConfiguration=configuration)
        assert len(balancer.targets[blue]) == 1
        assert not balancer.targets[green]
        revision = service["currentServiceRevisions"][0]["arn"]
        shown = stage.stage.do(describe_service_revisions, serviceRevisionArns=[revision])["serviceRevisions"][0]
        assert shown["resolvedConfiguration"]["loadBalancers"] == [
            {"targetGroupArn": blue, "productionListenerRule": PRODUCTION}
        ]
        balancer.moves.clear()
        stage.stage.define({"image": "web:2", **DYNAMIC})
        await stage.update(taskDefinition="web")
        assert len(balancer.targets[green]) == 1
        assert balancer.moves == [(TEST, {green: 100, blue: 0}), (PRODUCTION, {green: 25, blue: 975})]
        target, (source,) = newest(stage)["targetServiceRevision"], newest(stage)["sourceServiceRevisions"]
        assert (target["requestedProductionTrafficWeight"], source["requestedProductionTrafficWeight"]) == (2.5, 97.5)
        assert (target["requestedTestTrafficWeight"], source["requestedTestTrafficWeight"]) == (100.0, 0.0)
        await stage.wait(300)
        assert balancer.moves[2:] == [(PRODUCTION, {green: 100, blue: 0})]
        say(stage, balancer, blue, None)
        await stage.stage.settle()
        assert (newest(stage)["status"], images(stage)) == ("SUCCESSFUL", {"web:2": 1})
        # the next one goes the other way
        await stage.update(forceNewDeployment=True)
        assert len(balancer.targets[blue]) == 1
        assert balancer.moves[-1] == (PRODUCTION, {blue: 25, green: 975})

    play(story, balancer=balancer)


def test_the_way_back_moves_traffic_before_green_goes() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        blue, green = two_groups(balancer)
        stage.stage.define({"image": "web:1", **DYNAMIC})
        await stage.create(1, loadBalancers=pair(), deploymentConfiguration=blue_green(10))
        stage.stage.define({"image": "web:2", **DYNAMIC})
        await stage.update(taskDefinition="web")
        assert balancer.rules[PRODUCTION] == {green: 100, blue: 0}
        stage.stage.do(stop_service_deployment, serviceDeploymentArn=newest(stage)["serviceDeploymentArn"])
        await stage.stage.settle()
        assert balancer.rules[PRODUCTION] == balancer.rules[TEST] == {blue: 100, green: 0}
        assert images(stage) == {"web:1": 1}
        say(stage, balancer, green, None)
        await stage.stage.settle()
        assert newest(stage)["status"] == "ROLLBACK_SUCCESSFUL"

    play(story, balancer=balancer)


def test_a_rule_that_serves_twice_takes_the_deployment_back() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        blue, green = two_groups(balancer)
        stage.stage.define({"image": "web:1", **DYNAMIC})
        await stage.create(1, loadBalancers=pair(), deploymentConfiguration=blue_green(0))
        balancer.rules[PRODUCTION] = {blue: 50, green: 50}
        await stage.update(forceNewDeployment=True)
        assert newest(stage)["statusReason"] == (
            "Service deployment rolled back because of invalid networking configuration. productionListenerRule "
            f"{PRODUCTION} should have exactly one target group serving traffic but found 2 target groups which are "
            "serving traffic"
        )

    play(story, balancer=balancer)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (behind(group_arn("a"), containerName="no"), "The container no does not exist in the task definition."),
        (behind(group_arn("a"), containerPort=81), "The container app did not have a container port 81 defined."),
        (
            behind(group_arn("alone")),
            f"The target group with targetGroupArn {group_arn('alone')} does not have an associated load balancer.",
        ),
        (
            behind(group_arn("ip")),
            (
                f"The provided target group {group_arn('ip')} has target type ip, which is incompatible with the bridge "
                "network mode specified in the task definition."
            ),
        ),
        (behind(group_arn("a"), group_arn("a")), f"Duplicate targetGroupArn found: {group_arn('a')}"),
        (
            [*behind(group_arn("a")), {"loadBalancerName": "old", "containerName": "app", "containerPort": 80}],
            (
                "All loadBalancers must be strictly either ELBv1 (defining loadBalancerName) or ELBv2 (defining "
                "targetGroupArn)"
            ),
        ),
        (
            [*pair(), *behind(group_arn("a"))],
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_in_awss_words(asked: list[dict[str, Any]], message: str) -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        balancer.add("a")
        balancer.add("ip", "ip")
        balancer.add("alone")
        del balancer.rules[f"{PREFIX}listener-rule/app/front/1/2/alone"]
        stage.stage.define(DYNAMIC)
        with pytest.raises(InvalidParameterException) as caught:
            stage.stage.do(create_service, serviceName="web", taskDefinition="web", desiredCount=1, loadBalancers=asked)
        assert caught.value.message == message

    play(story, balancer=balancer)


def test_what_a_shifting_deployment_needs_is_refused_in_awss_words() -> None:
    balancer = FixedBalancer()

    async def story(stage: ServicesPlaying) -> None:
        blue, _ = balancer.add("blue", "instance", PRODUCTION), balancer.add("green", "instance", TEST)
        stage.stage.define(DYNAMIC)
        base: dict[str, Any] = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1}
        base["deploymentConfiguration"] = blue_green(0)

        def refused(items: list[dict[str, Any]]) -> str:
            with pytest.raises(InvalidParameterException) as caught:
                stage.stage.do(create_service, **base, loadBalancers=items)
            return caught.value.message

        def changed(**members: Any) -> list[dict[str, Any]]:
            (item,) = pair()
            return [{**item, "advancedConfiguration": {**item["advancedConfiguration"], **members}}]

        assert refused(behind(blue)) == (
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy"
        )
        listener = f"{PREFIX}listener/app/front/1/2"
        assert refused(changed(productionListenerRule=listener)) == (
            f"productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: {listener}"
        )
        assert refused(changed(testListenerRule=PRODUCTION)) == (
            f"The following rules cannot be used as both production and test listener rules: {PRODUCTION}"
        )
        assert refused(changed(testListenerRule=None)) == (
            "For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated "
            "with both targetGroup and alternateTargetGroup"
        )
        with pytest.raises(UnsupportedFeatureException):
            stage.stage.do(
                create_service,
                serviceName="web",
                taskDefinition="web",
                desiredCount=1,
                loadBalancers=[{"loadBalancerName": "old", "containerName": "app", "containerPort": 80}],
            )

    play(story, balancer=balancer)

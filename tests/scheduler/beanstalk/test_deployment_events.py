"""The events of each policy, text for text: clients wait for some of them, and people read them all."""

from dataclasses import replace

import pytest

from scheduler.beanstalk.batches import batch_size, cut
from scheduler.beanstalk.deployment import at_rest
from scheduler.beanstalk.model import (
    Command,
    Deploy,
    OperationKind,
    Outcome,
    Policy,
    Settings,
    Severity,
)
from tests.scheduler.beanstalk.environment_world import NEW, Quality, Run, Trouble, World, begin

DONE = "Instance deployment completed successfully."
DEPLOYED = [
    "New application version was deployed to running EC2 instances.",
    "Environment update completed successfully.",
]
ABANDONED = [
    "Failed to deploy application.",
    (
        "During an aborted deployment, some instances may have deployed the new application version. To ensure all instances"
        " are running the same version, re-deploy the appropriate application version."
    ),
]


def played(
    rule: Settings,
    desired: int = 2,
    kind: OperationKind = OperationKind.DEPLOY,
    quality: Quality = Quality.GOOD,
    abort_at: int | None = None,
) -> Run:
    world = World(rule, quality, desired)
    world.populate()
    run = begin(world, kind)
    if abort_at is not None:
        while run.rounds < abort_at:
            run.round()
        run.round([(Trouble.ABORT, 0)])
    run.finish()
    return run


def rule(policy: Policy, size: int = 1) -> Settings:
    return Settings(policy=policy, batch_size=size, batch_fixed=True, command_timeout=60, needed_checks=2)


@pytest.mark.parametrize(
    ("size", "fixed", "instances", "batches"),
    [
        (30, False, 3, [1, 1, 1]),
        (30, False, 2, [1, 1]),
        (50, False, 4, [2, 2]),
        (50, False, 5, [3, 2]),
        (100, False, 4, [4]),
        (1, False, 300, [3] * 100),
        (2, True, 5, [2, 2, 1]),
        (9, True, 5, [5]),
        (1, True, 1, [1]),
    ],
)
def test_batches(size: int, *, fixed: bool, instances: int, batches: list[int]) -> None:
    settings = Settings(batch_size=size, batch_fixed=fixed)
    ids = [str(number) for number in range(instances)]
    assert [len(batch) for batch in cut(ids, batch_size(settings, instances))] == batches


def test_all_at_once() -> None:
    run = played(rule(Policy.ALL_AT_ONCE))
    assert run.messages == ["Deploying new version to instance(s).", DONE, DONE, *DEPLOYED]
    assert run.outcome is Outcome.SUCCEEDED


def test_rolling() -> None:
    run = played(rule(Policy.ROLLING))
    expected: list[str] = []
    for number, one in ((1, "i-001"), (2, "i-002")):
        out = "De-registering instance(s) from the load balancer and waiting for them to go out of service."
        expected += [
            f"Batch {number}: Starting application deployment on instance(s) [{one}].",
            f"Batch {number}: {out}",
            f"Batch {number}: Starting application deployment command execution.",
            DONE,
            f"Batch {number}: Completed application deployment command execution.",
            f"Command execution completed on {number} of 2 instances in environment.",
            f"Batch {number}: Registering instance(s) with the load balancer and waiting for them to be healthy.",
            f"Batch {number}: Completed application deployment.",
        ]
    assert run.messages == [*expected, *DEPLOYED]


def test_an_additional_batch_comes_first_and_goes_at_last() -> None:
    run = played(rule(Policy.ROLLING_WITH_ADDITIONAL_BATCH, 2), desired=4)
    assert run.messages[:3] == [DONE, DONE, "Batch 1: Starting application deployment on instance(s) [i-001,i-002]."]
    assert run.messages[-2:] == DEPLOYED
    assert sorted(run.world.instances) == ["i-001", "i-002", "i-003", "i-004"]


def test_immutable() -> None:
    run = played(rule(Policy.IMMUTABLE), desired=3)
    assert run.messages == [
        "Immutable deployment policy enabled. Launching one instance with the new settings to verify health.",
        "Created temporary auto scaling group temporary.",
        "Adding new instance(s) (i-004) to the load balancer.",
        "Waiting for instance(s) (i-004) to pass health checks.",
        "Added instance [i-004] to your environment.",
        "Test instance passed health checks. Launching remaining new instances.",
        "Added instances [i-005, i-006] to your environment.",
        "Successfully launched all instances.",
        "Adding new instance(s) (i-005, i-006) to the load balancer.",
        "Waiting for instance(s) (i-005, i-006) to pass health checks.",
        "Detached new instance(s) from temporary auto scaling group temporary.",
        "Attached new instance(s) to the permanent auto scaling group permanent.",
        "Starting post-deployment configuration on new instances.",
        DONE,
        "Waiting for post-deployment configuration to complete.",
        "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.",
        "Removed instance [i-001] from your environment.",
        "Removed instance [i-002] from your environment.",
        "Removed instance [i-003] from your environment.",
        *DEPLOYED,
    ]
    assert sorted(run.world.instances) == ["i-004", "i-005", "i-006"]


@pytest.mark.parametrize("policy", [Policy.IMMUTABLE, Policy.TRAFFIC_SPLITTING])
def test_a_new_fleet_that_fails_goes_and_the_old_one_was_never_touched(policy: Policy) -> None:
    run = played(rule(policy), desired=1, quality=Quality.FAILS)
    assert (
        run.messages[-6:]
        == [
            "Instance deployment failed. For details, see 'eb-engine.log'.",
            "[Instance: i-002] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
            "Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
            "Unsuccessful command execution on instance id(s) 'i-002'. Aborting the operation.",
            "Failed to deploy application.",
        ][-6:]
        or run.messages[-5:]
    )
    assert run.outcome is Outcome.ROLLED_BACK
    assert list(run.world.instances) == ["i-001"]


def test_traffic_is_split_for_the_evaluation_time() -> None:
    split = replace(rule(Policy.TRAFFIC_SPLITTING), new_version_percent=15, evaluation_seconds=600)
    world = World(split)
    world.populate()
    run, shares = begin(world), []
    while run.outcome is None:
        run.round()
        shares.append(world.temporary.weight if world.temporary else None)
    assert list(dict.fromkeys(shares)) == [0, 15, 100, None]
    assert shares.count(15) == 61
    assert run.messages[-2:] == DEPLOYED


def test_an_ill_instance_takes_the_share_away_before_the_evaluation_time_is_over() -> None:
    split = replace(rule(Policy.TRAFFIC_SPLITTING), evaluation_seconds=3600)
    run = played(split, quality=Quality.FLAKY)
    assert run.outcome is Outcome.ROLLED_BACK
    assert run.rounds < 30
    assert sorted(run.world.instances) == ["i-001", "i-002"]


def test_a_batch_that_fails_stops_a_rolling_deployment() -> None:
    run = played(rule(Policy.ROLLING), quality=Quality.FAILS)
    assert run.messages[3:] == [
        "Instance deployment failed. For details, see 'eb-engine.log'.",
        "[Instance: i-001] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
        "Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
        "Unsuccessful command execution on instance id(s) 'i-001'. Aborting the operation.",
        *ABANDONED,
    ]
    assert run.events[3].severity is Severity.ERROR
    assert [one.deployment for one in run.world.instances.values()] == [NEW, 1]


def test_a_command_that_does_not_end_in_time() -> None:
    run = played(rule(Policy.ALL_AT_ONCE), desired=1, quality=Quality.HANGS)
    assert run.messages == [
        "Deploying new version to instance(s).",
        (
            "The following instances have not responded in the allowed command timeout time"
            " (they might still finish eventually on their own): [i-001]."
        ),
        "Command execution completed on all instances. Summary: [Successful: 0, TimedOut: 1].",
        "Unsuccessful command execution on instance id(s) 'i-001'. Aborting the operation.",
        *ABANDONED,
    ]
    assert run.outcome is Outcome.TIMED_OUT
    assert run.rounds == 31, "60 seconds and the 240 that the service adds"


def test_health_is_ignored_but_a_failed_command_is_not() -> None:
    ignoring = replace(rule(Policy.ROLLING), ignore_health=True)
    assert played(ignoring, quality=Quality.SICK).outcome is Outcome.SUCCEEDED
    assert played(ignoring, quality=Quality.FAILS).outcome is Outcome.FAILED


def test_an_aborted_deployment_stops_and_puts_its_batch_back() -> None:
    run = played(rule(Policy.ROLLING), desired=3, abort_at=2)
    assert run.outcome is Outcome.ABORTED
    assert run.messages[-2:] == ABANDONED
    run.world.tick()
    assert run.world.in_service == 3
    assert [one.deployment for one in run.world.instances.values()] == [NEW, 1, 1]


@pytest.mark.parametrize("kind", [OperationKind.DEPLOY, OperationKind.CONFIGURE])
@pytest.mark.parametrize("policy", [Policy.ALL_AT_ONCE, Policy.ROLLING, Policy.ROLLING_WITH_ADDITIONAL_BATCH])
def test_what_is_aborted_while_it_is_prepared_has_touched_no_instance(policy: Policy, kind: OperationKind) -> None:
    world = World(rule(policy), desired=3, preparing=1000)
    world.populate()
    run = begin(world, kind)
    for _ in range(5):
        run.round()
    run.round([(Trouble.ABORT, 0)])
    assert run.finish(20) is Outcome.ABORTED
    assert [(one.deployment, one.command) for one in world.instances.values()] == [(1, Command.SUCCEEDED)] * 3
    assert "Instance deployment completed successfully." not in run.messages


def test_a_configuration() -> None:
    run = played(rule(Policy.ALL_AT_ONCE), kind=OperationKind.CONFIGURE)
    assert run.messages == [
        "Updating environment shop's configuration settings.",
        DONE,
        DONE,
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ]


def test_a_configuration_that_fails_is_taken_back() -> None:
    run = played(rule(Policy.ROLLING), kind=OperationKind.CONFIGURE, quality=Quality.FAILS)
    assert run.messages[-2:] == [
        "Failed to deploy configuration.",
        "The environment was reverted to the previous configuration setting.",
    ]
    assert run.outcome is Outcome.ROLLED_BACK
    assert [one.deployment for one in run.world.instances.values()] == [1, 1]


def test_a_restart() -> None:
    run = played(rule(Policy.ALL_AT_ONCE), kind=OperationKind.RESTART)
    assert run.messages == [DONE, DONE, "Restarted application server on all ec2 instances."]


def test_instances_are_replaced_in_batches() -> None:
    replacing = replace(rule(Policy.ALL_AT_ONCE), rolling_update="Health", max_batch=1, min_in_service=1)
    run = played(replacing, kind=OperationKind.REPLACE)
    assert run.messages == [
        "Updating environment shop's configuration settings.",
        "Removed instance [i-001] from your environment.",
        DONE,
        "Added instance [i-003] to your environment.",
        "Removed instance [i-002] from your environment.",
        DONE,
        "Added instance [i-004] to your environment.",
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ]


def test_instances_that_were_never_taken_out_are_not_told_of_on_the_way_back() -> None:
    replacing = replace(rule(Policy.ALL_AT_ONCE), rolling_update="Health", max_batch=1, min_in_service=1)
    run = played(replacing, kind=OperationKind.REPLACE, quality=Quality.FAILS)
    back = run.messages[
        run.messages.index("Unsuccessful command execution on instance id(s) 'i-003'. Aborting the operation.") :
    ]
    assert back[1:] == [
        "Removed instance [i-003] from your environment.",
        DONE,
        "Added instance [i-004] to your environment.",
        "Failed to deploy configuration.",
        "The environment was reverted to the previous configuration setting.",
    ]


def test_further_instances_that_fail_are_taken_away_on_the_way_back() -> None:
    replacing = replace(rule(Policy.ALL_AT_ONCE), rolling_update="Health", max_batch=1, min_in_service=2)
    run = played(replacing, kind=OperationKind.REPLACE, quality=Quality.FAILS)
    back = run.messages[
        run.messages.index("Unsuccessful command execution on instance id(s) 'i-003'. Aborting the operation.") :
    ]
    assert [text for text in back if "i-001" in text or "i-002" in text] == []
    assert back.count(DONE) == sum(text.startswith("Added") for text in back)
    assert len(run.world.instances) == 2


def test_replaced_instances_that_do_not_become_healthy_are_replaced_back() -> None:
    replacing = replace(rule(Policy.ALL_AT_ONCE), rolling_update="Health", update_timeout=300)
    run = played(replacing, kind=OperationKind.REPLACE, quality=Quality.SICK)
    assert run.messages[-2:] == [
        "Failed to deploy configuration.",
        "The environment was reverted to the previous configuration setting.",
    ]
    assert run.outcome is Outcome.ROLLED_BACK
    assert {one.generation for one in run.world.instances.values()} == {1}


def launched(quality: Quality, desired: int = 1) -> Run:
    world = World(rule(Policy.ALL_AT_ONCE), quality, desired, current=0)
    run = begin(world, OperationKind.LAUNCH)
    run.finish()
    return run


def test_a_launch() -> None:
    assert launched(Quality.GOOD).messages == [
        DONE,
        "Application available at shop.elasticbeanstalk.com.",
        "Successfully launched environment: shop",
    ]


def test_a_launch_that_fails() -> None:
    run = launched(Quality.FAILS)
    assert run.messages[-1] == (
        "Create environment operation is complete, but with errors."
        " For more information, see troubleshooting documentation."
    )
    assert run.outcome is Outcome.FAILED


def test_a_launch_whose_command_does_not_end() -> None:
    assert launched(Quality.HANGS).messages[-2:] == [
        "Create environment operation is complete, but with command timeouts. Try increasing the timeout period.",
        "Launched environment: shop. However, there were issues during launch. See event log for details.",
    ]


def test_what_is_launched_at_rest_gets_the_last_deployment_that_succeeded() -> None:
    world = World(rule(Policy.ALL_AT_ONCE))
    world.populate()
    assert at_rest(world.view()) == ()
    world.die(0)
    world.tick()
    assert at_rest(world.view()) == (Deploy(("i-004",), 1),)


def test_no_instances_at_all_are_deployed_to_at_once() -> None:
    for policy in Policy:
        run = played(rule(policy), desired=0)
        assert run.messages[-2:] == DEPLOYED
        assert run.rounds == 1


def test_the_same_view_asks_again_for_what_was_lost() -> None:
    world = World(rule(Policy.ROLLING))
    world.populate()
    run = begin(world)
    first = run.round([(Trouble.LOST, 0)])
    assert run.look().actions == first.actions

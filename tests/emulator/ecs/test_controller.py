"""What services do, event by event, on the simulated runtime and a clock that moves when told."""

from sqlalchemy import func, select

from emulator.ecs.container_instances import update_container_instances_state, wake_services
from emulator.ecs.deployments import living
from emulator.ecs.service_counts import at_rest, awaits_starts
from emulator.ecs.services import delete_service
from emulator.ecs.task_states import StopCode, request_stop
from emulator.runtime.simulated import Script
from emulator.state.ecs import ServiceEventRow, ServiceRow, TaskRow
from emulator.state.journal import JournalRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, add_hosts
from tests.emulator.ecs.services_playing import ServicesPlaying, play

CHECKED = {"healthCheck": {"command": ["CMD", "true"]}}
STATIC = {"portMappings": [{"containerPort": 80, "hostPort": 80}]}
AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}
MORE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
UNPLACED = "was unable to place a task because no container instance met all of its requirements."


def test_a_new_service_becomes_steady() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        service = await stage.create(2)
        (deployment,) = service["deployments"]
        assert (service["runningCount"], service["pendingCount"], deployment["rolloutState"]) == (2, 0, "COMPLETED")
        assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
        assert stage.messages() == [
            "has started 2 tasks: (task ID) (task ID).",
            "(deployment ID) deployment completed.",
            "has reached a steady state.",
        ]
        task = stage.stage.task(stage.tasks()[0])
        assert (task["startedBy"], task["group"]) == (deployment["id"], "service:web")

    play(story)


def test_events_are_journaled_too() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        service = await stage.create(1)
        with stage.stage.emulator.store.begin() as session:
            rows = session.scalars(select(JournalRow).where(JournalRow.kind == "event").order_by(JournalRow.seq)).all()
        assert [row.detail["message"] for row in rows] == [e["message"] for e in reversed(service["events"])]
        assert {(row.subject, row.scope) for row in rows} == {(service["serviceArn"], service["clusterArn"])}

    play(story)


def test_a_task_that_is_stopped_or_dies_is_replaced() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(2)
        first = stage.tasks()[0]
        await stage.stage.stop(first)
        assert len(stage.tasks()) == 2
        assert first not in stage.tasks()
        assert stage.messages()[-2:] == ["has started 1 tasks: (task ID).", "has reached a steady state."]

    play(story)


def test_the_desired_count_is_followed_without_a_new_deployment() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        before = await stage.create(2)
        more = await stage.update(desiredCount=5)
        assert (more["runningCount"], more["deployments"][0]["desiredCount"]) == (5, 5)
        less = await stage.update(desiredCount=1)
        assert (less["runningCount"], less["deployments"][0]["id"]) == (1, before["deployments"][0]["id"])
        assert stage.messages()[-2:] == [
            "has stopped 4 running tasks: (task ID) (task ID) (task ID) (task ID).",
            "has reached a steady state.",
        ]
        with stage.stage.emulator.store.begin() as session:
            stopped = session.scalars(select(TaskRow).where(TaskRow.last_status == "STOPPED")).all()
        reason = f"Scaling activity initiated by (deployment {before['deployments'][0]['id']})"
        assert {(task.stop_code, task.stopped_reason) for task in stopped} == {("ServiceSchedulerInitiated", reason)}

    play(story)


def test_a_new_revision_replaces_the_old_once_it_has_settled() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(2)
        stage.stage.define({"image": "web:2"})
        service = await stage.update(taskDefinition="web")
        shown = [(d["status"], d["desiredCount"], d["runningCount"], d["rolloutState"]) for d in service["deployments"]]
        assert shown == [("PRIMARY", 2, 2, "IN_PROGRESS"), ("ACTIVE", 0, 2, "COMPLETED")]
        assert len((await stage.wait(39))["deployments"]) == 2
        service = await stage.wait(1)
        assert [(d["status"], d["rolloutState"]) for d in service["deployments"]] == [("PRIMARY", "COMPLETED")]
        assert service["runningCount"] == 2
        assert stage.messages()[-4:] == [
            "has started 2 tasks: (task ID) (task ID).",
            "has stopped 2 running tasks: (task ID) (task ID).",
            "(deployment ID) deployment completed.",
            "has reached a steady state.",
        ]

    play(story)


def test_with_a_health_check_the_old_goes_as_soon_as_the_new_is_healthy() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define(CHECKED)
        await stage.create(1)
        await stage.wait(5)
        await stage.update(forceNewDeployment=True)
        assert len(stage.web()["deployments"]) == 2
        assert len((await stage.wait(5))["deployments"]) == 1

    play(story, scripts={"*": Script(health_after=5)})


def test_an_unhealthy_task_is_replaced() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define(CHECKED)
        await stage.create(1)
        ill = stage.tasks()
        await stage.wait(1)
        assert stage.stage.task(ill[0])["healthStatus"] == "UNHEALTHY"
        stage.stage.runtime.script("*", Script())
        await stage.wait(2)
        assert "has started 1 tasks: (task ID). Amazon ECS replaced 1 tasks due to an unhealthy status." in (
            stage.messages()
        )

    play(story, scripts={"*": Script(health_after=1, health="UNHEALTHY")})


def test_one_old_task_makes_room_on_a_host_with_a_static_port() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define(STATIC)
        await stage.create(1, deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100})
        await stage.update(forceNewDeployment=True)
        service = await stage.wait(41)
        assert [(d["status"], d["rolloutState"]) for d in service["deployments"]] == [("PRIMARY", "COMPLETED")]
        assert not any("unable" in message for message in stage.messages())

    play(story, hosts=1, scripts={"*": Script(stop=3)})


def test_a_configuration_that_leaves_no_way_is_told_once() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1, deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 100})
        await stage.update(forceNewDeployment=True)
        await stage.update(enableExecuteCommand=True)
        assert [message for message in stage.messages() if "unable" in message] == [
            (
                "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
                "Update the minimumHealthyPercent or maximumPercent value and try again."
            )
        ]

    play(story)


def test_without_hosts_it_is_told_and_the_first_host_is_used() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        await stage.wait(120)
        assert stage.messages() == [f"{UNPLACED} Reason: No Container Instances were found in your cluster. {MORE}"]
        add_hosts(stage.stage.emulator)
        await stage.stage.settle()
        assert stage.web()["runningCount"] == 1

    play(story, hosts=0)


def test_the_closest_host_is_named_and_a_task_that_goes_makes_room() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define(STATIC)
        alone = await stage.stage.run()
        await stage.create(1)
        host = stage.stage.task(alone)["containerInstanceArn"].rpartition("/")[2]
        assert stage.messages() == [
            (
                f"{UNPLACED} The closest matching (container-instance {host}) is already using a port required by your "
                f"task. {MORE}"
            )
        ]
        await stage.stage.stop(alone)
        assert stage.web()["runningCount"] == 1

    play(story, hosts=1)


def test_starts_that_fail_are_held_back_counted_and_tried_again_by_the_clock() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        service = await stage.create(1)
        assert service["deployments"][0]["failedTasks"] == 3
        assert stage.messages()[-1] == f"is unable to consistently start tasks successfully. {MORE}"
        assert (await stage.wait(9))["deployments"][0]["failedTasks"] == 3
        assert (await stage.wait(1))["deployments"][0]["failedTasks"] == 4
        assert (await stage.wait(20))["deployments"][0]["failedTasks"] == 5
        failed = (await stage.wait(2 * 3600))["deployments"][0]["failedTasks"]
        assert 10 <= failed <= 16  # the longest delay is 27 minutes; rows of tasks are gone after an hour
        assert service["deployments"][0]["rolloutState"] == "IN_PROGRESS"
        stage.stage.runtime.script("*", Script())
        await stage.update(forceNewDeployment=True)
        assert stage.web()["runningCount"] == 1

    play(story, scripts={"*": Script(pull_error="no such image")})


def test_tasks_that_die_at_once_do_not_keep_the_server_busy() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        with stage.stage.emulator.store.begin() as session:
            assert (session.scalar(select(func.count()).select_from(TaskRow)) or 0) < 10

    play(story, scripts={"*": Script(runs_for=0)})


def test_a_deleted_service_drains_and_its_name_is_free_again() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(2)
        deleted = stage.stage.do(delete_service, service="web", force=True)["service"]
        assert (deleted["status"], deleted["desiredCount"], deleted["runningCount"]) == ("DRAINING", 0, 2)
        await stage.stage.settle()
        assert stage.web()["status"] == "DRAINING"
        gone = await stage.wait(3)
        assert (gone["status"], gone["runningCount"], gone["deployments"]) == ("INACTIVE", 0, [])
        again = await stage.create(1)
        assert (again["runningCount"], len(again["deployments"]), len(again["events"])) == (1, 1, 3)

    play(story, scripts={"*": Script(stop=3)})


def test_tasks_of_a_draining_host_move() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(2)
        host = stage.stage.task(stage.tasks()[0])["containerInstanceArn"]
        stage.stage.do(update_container_instances_state, containerInstances=[host], status="DRAINING")
        await stage.stage.settle()
        hosts = {stage.stage.task(arn)["containerInstanceArn"] for arn in stage.tasks()}
        assert (stage.web()["runningCount"], len(stage.tasks()), host in hosts) == (2, 2, False)

    play(story)


def test_a_fargate_service_runs_in_the_zones_of_its_subnets() -> None:
    async def story(stage: ServicesPlaying) -> None:
        members = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        stage.stage.define(**members)
        service = await stage.create(4, launchType="FARGATE", networkConfiguration=AWSVPC, enableECSManagedTags=True)
        assert (service["runningCount"], service["platformVersion"]) == (4, "LATEST")
        assert service["deployments"][0]["platformVersion"] == "1.4.0"
        tasks = [stage.stage.task(arn) for arn in stage.tasks()]
        assert sorted(task["availabilityZone"][-1] for task in tasks) == ["a", "a", "b", "b"]
        assert {"key": "aws:ecs:serviceName", "value": "web"} in tasks[0]["tags"]
        stage.stage.neighbours.known.remove("subnet-b")
        await stage.stage.stop(stage.tasks()[0])
        assert "was unable to place a task. Reason: Error retrieving subnet information" in stage.messages()[-1]

    play(story, hosts=0)


def test_a_steady_service_that_is_woken_in_vain_changes_nothing() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(2)
        cluster_arn = stage.web()["clusterArn"]
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            before = context.session.scalar(select(func.count()).select_from(JournalRow))
            wake_services(context, cluster_arn)
        await stage.wait(3600)
        with stage.stage.emulator.store.begin() as session:
            assert session.scalar(select(func.count()).select_from(JournalRow)) == before

    play(story)


def test_events_beyond_a_hundred_are_dropped() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        for _ in range(60):
            (arn,) = stage.tasks()
            with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
                row = context.session.get_one(TaskRow, arn)
                request_stop(context, row, StopCode.USER_INITIATED, "test")
            await stage.stage.settle()
        with stage.stage.emulator.store.begin() as session:
            assert session.scalar(select(func.count()).select_from(ServiceEventRow)) == 100
        assert len(stage.web()["events"]) == 100

    play(story)


def test_what_waits_is_carried_on_after_a_restart() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(1)
        stage.stage.emulator.loops.forget()  # what a restart loses
        with stage.stage.emulator.store.begin() as session:
            arns = session.scalars(select(ServiceRow.arn)).all()
        stage.stage.runtime.script("*", Script())
        stage.stage.emulator.loops.wake("services", *arns)
        await stage.stage.settle()
        assert (await stage.wait(10))["runningCount"] == 1

    play(story, scripts={"*": Script(pull_error="no such image")})


def test_a_service_that_waits_for_starts_is_not_looked_through_and_becomes_steady_all_the_same() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        waiting = await stage.create(3)
        assert (waiting["runningCount"], waiting["pendingCount"]) == (0, 3)
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            row = context.session.get_one(ServiceRow, waiting["serviceArn"])
            assert awaits_starts(context, row, living(context, row))
        done = await stage.wait(5)
        assert (done["runningCount"], done["pendingCount"]) == (3, 0)
        assert stage.messages()[-1] == "has reached a steady state."
        with stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
            row = context.session.get_one(ServiceRow, waiting["serviceArn"])
            assert not awaits_starts(context, row, living(context, row))
            assert at_rest(context, row)

    play(story, scripts={"*": Script(start=5)})

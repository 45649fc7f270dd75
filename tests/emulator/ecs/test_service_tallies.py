"""The tallies of services follow the rows: after every kind of change they equal a count from the rows."""

import pytest
from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.container_instances import update_container_instances_state
from emulator.ecs.service_tallies import ServiceTallies
from emulator.ecs.services import delete_service
from emulator.ecs.task_protection import update_task_protection
from emulator.ecs.task_states import StopCode, request_stop
from emulator.reset import reset
from emulator.runtime.simulated import Script
from emulator.state.ecs import ServiceRow, TaskRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.services_playing import ServicesPlaying, play


def compare(stage: ServicesPlaying) -> int:
    """How many tasks are counted, once the index agrees with the rows."""
    emulator = stage.stage.emulator
    fresh, total = ServiceTallies(emulator.store), 0
    with emulator.store.begin() as session:
        for service in session.scalars(select(ServiceRow)).all():
            known, counted = emulator.tallies.of(session, service.arn), fresh.of(session, service.arn)
            assert known is not counted
            assert (known.standings, known.hosts, known.total) == (counted.standings, counted.hosts, counted.total)
            cluster = service.cluster_arn
            assert emulator.tallies.draining(session, cluster) == fresh.draining(session, cluster)
            total += known.total
    return total


def test_the_index_follows_every_kind_of_change() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        await stage.create(4)
        assert compare(stage) == 4
        await stage.wait(5)
        await stage.stage.stop(stage.tasks()[0])
        assert compare(stage) == 4
        stage.stage.do(update_task_protection, cluster="default", tasks=stage.tasks()[:1], protectionEnabled=True)
        assert compare(stage) == 4
        host = stage.stage.task(stage.tasks()[0])["containerInstanceArn"]
        stage.stage.do(update_container_instances_state, containerInstances=[host], status="DRAINING")
        compare(stage)
        await stage.update(desiredCount=2, forceNewDeployment=True)
        await stage.wait(300)
        compare(stage)
        stage.stage.do(delete_service, service="web", force=True)
        await stage.wait(2 * 3600)  # rows of stopped tasks go after an hour
        assert compare(stage) == 0

    play(story, scripts={"*": Script(start=5)})


def stop_one(context: Context, arn: str) -> None:
    """Stop a task, see that it is counted so at once, and fail."""
    row = context.session.scalars(select(TaskRow).where(TaskRow.service_arn == arn)).first()
    assert row is not None
    request_stop(context, row, StopCode.USER_INITIATED, "Task stopped by user")
    standings = context.emulator.tallies.of(context.session, arn).standings
    assert sum(count for standing, count in standings.items() if standing.wanted) == 2
    raise KeyError(arn)


def test_a_transaction_counts_its_own_changes_and_a_rollback_leaves_no_trace() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        arn = (await stage.create(3))["serviceArn"]
        tallies = stage.stage.emulator.tallies
        for forgotten in (False, True):
            if forgotten:
                tallies.forget()
            with pytest.raises(KeyError), stage.stage.emulator.transaction(ACCOUNT, REGION) as context:
                stop_one(context, arn)
            with stage.stage.emulator.store.begin() as session:
                assert all(standing.wanted for standing in tallies.of(session, arn).standings)
            assert compare(stage) == 3

    play(story)


def test_a_reset_forgets_it() -> None:
    async def story(stage: ServicesPlaying) -> None:
        stage.stage.define()
        arn = (await stage.create(2))["serviceArn"]
        reset(stage.stage.emulator)
        with stage.stage.emulator.store.begin() as session:
            assert stage.stage.emulator.tallies.of(session, arn).total == 0

    play(story)

"""Spot interruptions."""

from typing import Any

from emulator.ecs.clusters import find_cluster, put_cluster_capacity_providers
from emulator.ecs.spot import interrupt
from emulator.runtime.simulated import Script
from tests.emulator.ecs.capacity_playing import on_stage
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.ecs.services_playing import ServicesPlaying
from tests.emulator.ecs.test_capacity_providers import FARGATE, NETWORK


async def spot_service(playing: ServicesPlaying, **app: Any) -> list[str]:
    playing.stage.define(app, **FARGATE)
    playing.stage.do(
        put_cluster_capacity_providers,
        cluster="default",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    )
    await playing.create(2, networkConfiguration=NETWORK)
    return playing.tasks()


def take(playing: ServicesPlaying, *arns: str, count: int = 1) -> list[str]:
    with playing.stage.emulator.transaction(ACCOUNT, REGION) as context:
        return interrupt(context, find_cluster(context, "default"), arns, count)


@on_stage
async def test_an_interrupted_task_has_two_minutes_and_is_replaced_at_once(playing: ServicesPlaying) -> None:
    playing.stage.runtime.script("*", Script(stop=1000))
    before = await spot_service(playing, stopTimeout=120)
    (taken,) = take(playing)
    await playing.stage.settle()
    task = playing.stage.task(taken)
    assert (task["stopCode"], task["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert (task["desiredStatus"], task["lastStatus"]) == ("STOPPED", "STOPPING")
    assert len(playing.tasks()) == 2
    assert playing.web()["runningCount"] == 2
    await playing.wait(119)
    assert playing.stage.task(taken)["lastStatus"] != "STOPPED"
    await playing.wait(2)
    task = playing.stage.task(taken)
    assert (task["lastStatus"], task["containers"][0]["exitCode"]) == ("STOPPED", 137)
    assert set(before) - {taken} < set(playing.tasks())


@on_stage
async def test_only_spot_tasks_are_taken_and_each_once(playing: ServicesPlaying) -> None:
    tasks = await spot_service(playing)
    assert take(playing, tasks[1]) == [tasks[1]]
    assert take(playing, tasks[1]) == []
    assert take(playing, count=5) == [tasks[0]]
    await playing.update(capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}])
    await playing.wait(60)
    take(playing, count=5)
    await playing.wait(60)
    assert take(playing, count=5) == []
    assert len(playing.tasks()) == 2

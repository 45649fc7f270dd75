"""The process dies at any moment of a deployment: the next one brings it to the end that it would have had."""

import asyncio
import os
import random
from typing import Any

import pytest

from emulator.ecs.agent import Agent
from emulator.ecs.controller import Controller
from emulator.runtime.simulated import Script
from tests.emulator.ecs.fixed_balancer import PRODUCTION, TEST, FixedBalancer
from tests.emulator.ecs.services_playing import ServicesPlaying, services_playing
from tests.emulator.ecs.test_service_targets import DYNAMIC, pair
from tests.emulator.ecs.test_shifting import blue_green, images, newest
from tests.emulator.playing import no_credentials

SEEDS = int(os.environ.get("ASHORE_SEEDS", "5"))
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
STORIES: dict[str, tuple[dict[str, Any], str]] = {
    "rolling": ({"minimumHealthyPercent": 50, "maximumPercent": 100}, "web:2"),
    "rolled back": (BREAKER, "broken:1"),
    "blue/green": (blue_green(3), "web:2"),
    "canary": ({"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 2}}, "web:2"),
    "canary back": ({"strategy": "CANARY", **BREAKER}, "broken:1"),
}
SCRIPTS = {"web:*": Script(pull=5, stop=2), "broken:*": Script(pull=5, pull_error="no such image")}


async def die(stage: ServicesPlaying) -> None:
    """End as `kill -9` does, and begin again from the rows: what was only in memory is gone."""
    emulator = stage.stage.emulator
    await emulator.loops.stop()
    await stage.stage.agent.stop()
    emulator.loops.forget()
    emulator.fleets.forget()
    agent = stage.stage.agent = Agent(emulator, no_credentials)
    controller = Controller(emulator)
    await agent.start()
    controller.start()
    emulator.loops.start()


async def told(name: str, seed: int | None) -> tuple[Any, ...]:
    """How a deployment ends; the process dies twice on the way where a seed is given."""
    configuration, image = STORIES[name]
    balancer = FixedBalancer()
    chance = random.Random(seed)
    async with services_playing(hosts=3, scripts=SCRIPTS, balancer=balancer) as stage:
        for group in ("blue", "green"):
            balancer.add(group, "instance", PRODUCTION, TEST)
        stage.stage.define({"image": "web:1", **DYNAMIC})
        shifts = "strategy" in configuration
        await stage.create(3, deploymentConfiguration=configuration, loadBalancers=pair() if shifts else [])
        await stage.wait(60)
        stage.stage.define({"image": image, **DYNAMIC})
        await stage.update(taskDefinition="web")
        for _ in range(2 if seed is not None else 0):
            await stage.wait(chance.choice([0, 1, 5, 41, 120]) + chance.random() * 10)
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            await die(stage)
        for _ in range(20):
            await stage.wait(30)
            for arn, targets in balancer.targets.items():
                for key in [key for key, health in targets.items() if health.state == "draining"]:
                    with stage.stage.emulator.transaction("111122223333", "eu-west-1") as context:
                        balancer.say(context, arn, key, None)
        service = stage.web()
        weights = tuple(sorted(balancer.rules[PRODUCTION].items())) if shifts else ()
        left = {item.task_arn for item in await stage.stage.runtime.observe()}
        assert left == set(stage.tasks()), "a container that nobody wants is left over, or one is missing"
        return newest(stage)["status"], images(stage), len(service["deployments"]), service["runningCount"], weights


@pytest.mark.parametrize("name", STORIES)
def test_the_end_is_the_same(name: str) -> None:
    expected = asyncio.run(told(name, None))
    for seed in range(SEEDS):
        assert asyncio.run(told(name, seed)) == expected, f"seed {seed}"

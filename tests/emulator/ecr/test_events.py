"""Events reach a rule's targets after the commit, also where the server died in between."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from emulator.clock import Clock
from emulator.ecr.background import Background
from emulator.neighbours.moto_backends import MotoNeighbours
from emulator.neighbours.ports import BusEvent
from emulator.neighbours.world import MotoWorld
from emulator.state.ecr_registry import EventRow
from tests.emulator.ecr.emulators import ACCOUNT, REGION, START, Told, ecr_emulator
from tests.emulator.ecr.stages import NAME, Stage, ecr_stage


def test_pushes_and_deletions_are_told_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        async with ecr_stage(tmp_path) as stage:
            digest = stage.push("v1")
            stage.do("BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
            await stage.settle()
            event = {"result": "SUCCESS", "repository-name": NAME, "image-digest": digest, "image-tag": "v1"}
            media = {
                "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
                "artifact-media-type": "application/vnd.oci.image.config.v1+json",
            }
            assert stage.told("ECR Image Action") == [
                {**event, **media, "action-type": "PUSH"},
                {**event, "action-type": "DELETE"},
            ]

    asyncio.run(story())


def test_what_was_not_put_is_put_after_a_restart(tmp_path: Path) -> None:
    first = ecr_emulator(tmp_path)
    stage = Stage(first)
    stage.do("CreateRepository", repositoryName=NAME)
    stage.push("v1")
    first.store.close()  # as `kill -9` right after the commit

    async def second() -> None:
        emulator = ecr_emulator(tmp_path)
        Background(emulator).start()
        emulator.loops.start()
        await emulator.loops.settle()
        assert [event["image-tag"] for event in Stage(emulator).told("ECR Image Action")] == ["v1"]
        await emulator.loops.stop()
        emulator.store.close()

    asyncio.run(second())


class Unwilling(Told):
    """An EventBridge that fails the first time."""

    failures = 1

    def put_events(self, events: Sequence[BusEvent]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not now")
        super().put_events(events)


def test_what_fails_is_put_again(tmp_path: Path) -> None:
    async def story() -> None:
        neighbours: Any = Unwilling()
        async with ecr_stage(tmp_path, neighbours) as stage:
            stage.push("v1")
            await stage.settle()
            with stage.emulator.store.begin() as session:
                assert session.scalar(select(func.count()).select_from(EventRow)) == 1
            await stage.advance(seconds=2)
            assert len(stage.told("ECR Image Action")) == 1
            with stage.emulator.store.begin() as session:
                assert session.scalar(select(func.count()).select_from(EventRow)) == 0

    asyncio.run(story())


@pytest.mark.parametrize(("pattern", "count"), [({"source": ["aws.ecr"]}, 1), ({"source": ["aws.s3"]}, 0)])
def test_a_rule_sends_it_to_its_queue(tmp_path: Path, pattern: dict[str, Any], count: int) -> None:
    world = MotoWorld(Clock(0, START), ACCOUNT, tmp_path / "neighbours.db")
    neighbours = MotoNeighbours(world)
    try:
        with world.lock:
            queue = world.backend("sqs", ACCOUNT, REGION).create_queue("told", {})
            events = world.backend("events", ACCOUNT, REGION)
            events.put_rule(name="all", event_pattern=json.dumps(pattern), state="ENABLED")
            events.put_targets("all", "default", [{"Id": "1", "Arn": queue.queue_arn}])
        event = BusEvent("id-1", START, ACCOUNT, REGION, "aws.ecr", "ECR Image Action", (), {"image-tag": "v1"})
        neighbours.put_events([event])
        bodies = [json.loads(message.body) for message in queue._messages]
        assert [body["id"] for body in bodies] == ["id-1"] * count
        if count:
            assert bodies[0]["detail"] == {"image-tag": "v1"}
            assert bodies[0]["time"] == "2026-01-01T00:00:00Z"
    finally:
        world.close()

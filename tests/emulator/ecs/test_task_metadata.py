"""What containers are told of where to ask, and who is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.ecs.task_metadata import (
    container_of,
    credentials_id,
    describe_task_metadata,
    environment,
    task_of_credentials,
)
from emulator.state.ecs import TaskRow
from tests.emulator.ecs.control_plane import ACCOUNT, REGION
from tests.emulator.playing import Playing, playing

BASE = "http://169.254.170.2"


def play(story: Callable[[Playing], Awaitable[None]]) -> None:
    async def told() -> None:
        async with playing() as stage:
            await story(stage)

    asyncio.run(told())


def told_to(stage: Playing, arn: str) -> dict[str, dict[str, str]]:
    with stage.emulator.transaction(ACCOUNT, REGION) as context:
        return environment(context, context.session.get_one(TaskRow, arn))


def test_each_container_has_an_address_of_its_own() -> None:
    async def story(stage: Playing) -> None:
        stage.emulator.task_endpoint = BASE
        stage.define({"name": "a"}, {"name": "b"})
        arns = [await stage.run(), await stage.run()]
        addresses = [values["ECS_CONTAINER_METADATA_URI_V4"] for arn in arns for values in told_to(stage, arn).values()]
        assert len(set(addresses)) == 4
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            found = [container_of(context, address.removeprefix(f"{BASE}/v4/")) for address in addresses]
            assert [(row.arn, item["name"]) for row, item in filter(None, found)] == [
                (arn, name) for arn in arns for name in ("a", "b")
            ]
            assert container_of(context, "0" * 32 + "-0000000000") is None

    play(story)


def test_nothing_is_told_where_containers_cannot_ask() -> None:
    async def story(stage: Playing) -> None:
        stage.define()
        arn = await stage.run()
        assert told_to(stage, arn) == {"app": {}}
        stage.emulator.task_endpoint = BASE
        stage.define(networkMode="none")
        assert told_to(stage, await stage.run()) == {"app": {}}

    play(story)


def test_credentials_are_the_tasks_own_and_end_with_it() -> None:
    async def story(stage: Playing) -> None:
        stage.emulator.task_endpoint = BASE
        stage.define(taskRoleArn="arn:aws:iam::111122223333:role/app")
        arns = [await stage.run(), await stage.run()]
        uris = [told_to(stage, arn)["app"]["AWS_CONTAINER_CREDENTIALS_FULL_URI"] for arn in arns]
        assert len(set(uris)) == 2
        await stage.stop(arns[0])
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            known = [task_of_credentials(context, uri.rpartition("/")[2]) for uri in uris]
            assert [row.arn if row else None for row in known] == [None, arns[1]]
            row = context.session.get_one(TaskRow, arns[1])
            assert credentials_id(context, row) == uris[1].rpartition("/")[2]

    play(story)


def test_a_task_as_its_containers_see_it() -> None:
    async def story(stage: Playing) -> None:
        stage.define({"name": "a", "cpu": 10})
        arn = await stage.run()
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            shown: dict[str, Any] = describe_task_metadata(context, context.session.get_one(TaskRow, arn))
        assert (shown["TaskARN"], shown["KnownStatus"], shown["Revision"]) == (arn, "RUNNING", "1")
        (container,) = shown["Containers"]
        assert (container["Name"], container["Limits"]["CPU"], container["KnownStatus"]) == ("a", 10, "RUNNING")

    play(story)

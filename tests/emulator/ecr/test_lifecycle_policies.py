"""Lifecycle policies put, previewed and carried out by the clock."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.background import Background
from emulator.ecr.errors import (
    InvalidParameterException,
    LifecyclePolicyNotFoundException,
    LifecyclePolicyPreviewInProgressException,
    LifecyclePolicyPreviewNotFoundException,
)
from emulator.ecr.images import Push, store_image
from emulator.ecr.repositories import find_repository
from tests.emulator.ecr.emulators import ACCOUNT, REGION, add_image, ecr_emulator, image_manifest, index_manifest, text
from tests.emulator.ecr.stages import NAME, Stage, ecr_stage


def policy(*rules: dict[str, Any]) -> str:
    listed = [
        {"rulePriority": number, "selection": selection, "action": selection.pop("action", {"type": "expire"})}
        for number, selection in enumerate(map(dict, rules), 1)
    ]
    return json.dumps({"rules": listed})


OLD = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
TWO = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}
UNTAGGED = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
UNUSED = {**OLD, "countType": "sinceImagePulled", "action": {"type": "transition", "targetStorageClass": "archive"}}


def play(folder: Path, story: Callable[[Stage], Awaitable[None]]) -> None:
    async def told() -> None:
        async with ecr_stage(folder) as stage:
            await story(stage)

    asyncio.run(told())


def test_it_is_kept_verbatim_and_deleted(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        put = stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(OLD))
        assert put["lifecyclePolicyText"] == policy(OLD)
        assert stage.do("GetLifecyclePolicy", repositoryName=NAME) == put
        await stage.advance(minutes=6)
        assert "lastEvaluatedAt" in stage.do("DeleteLifecyclePolicy", repositoryName=NAME)
        with pytest.raises(LifecyclePolicyNotFoundException) as error:
            stage.do("GetLifecyclePolicy", repositoryName=NAME)
        assert error.value.message == (
            f"Lifecycle policy does not exist for the repository with name '{NAME}' in the registry with id '{ACCOUNT}'"
        )

    play(tmp_path, story)


def test_a_bad_one_is_refused_in_awss_words(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(InvalidParameterException) as error:
            stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText="{}")
        assert error.value.message == (
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation "
            'failure: object has missing required properties (["rules"])\''
        )

    play(tmp_path, story)


def test_images_expire_by_the_clock(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("old")
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(OLD))
        await stage.advance(days=10)
        stage.push("new")
        assert stage.tags() == ["new", "old"]
        await stage.advance(days=5)
        assert stage.tags() == ["new"]
        await stage.advance(days=10)
        assert stage.tags() == []
        deleted = [event["image-tag"] for event in stage.told("ECR Image Action") if event["action-type"] == "DELETE"]
        assert deleted == ["old", "new"]

    play(tmp_path, story)


def test_images_beyond_the_count_expire_once_pushes_have_settled(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(TWO))
        await stage.advance(hours=1)
        for tag in ("v1", "v2", "v3"):
            stage.push(tag)
            await stage.advance(seconds=10)
        assert stage.tags() == ["v1", "v2", "v3"]
        await stage.advance(minutes=5)
        assert stage.tags() == ["v2", "v3"]

    play(tmp_path, story)


def test_images_of_an_index_go_after_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            repository = find_repository(context, NAME)
            children = [add_image(context, NAME, layer) for layer in (b"amd64", b"arm64")]
            for child in children:
                store_image(context, repository, Push(child.encode()))
            store_image(context, repository, Push(text(index_manifest(children)).encode(), tags=["multi"]))
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(UNTAGGED))
        await stage.advance(days=2)
        assert stage.tags() == ["<untagged>", "<untagged>", "multi"]
        stage.do("BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageTag": "multi"}])
        await stage.advance(days=1)
        assert stage.tags() == ["<untagged>"]

    play(tmp_path, story)


def test_artifacts_follow_their_subject_within_a_day(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        digest = stage.push("v1", layer=b"image")
        descriptor = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            repository = find_repository(context, NAME)
            for number, tags in enumerate(([], ["kept"])):
                manifest = text(image_manifest([b"image"], subject=descriptor, annotations={"number": str(number)}))
                store_image(context, repository, Push(manifest.encode(), tags=tags))
        everything = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(everything))
        await stage.advance(days=3)
        assert stage.tags() == ["<untagged>", "kept", "v1"]
        asked: dict[str, Any] = {"repositoryName": NAME, "imageId": {"imageDigest": digest}}
        stage.do("UpdateImageStorageClass", **asked, targetStorageClass="ARCHIVE")
        await stage.advance(hours=11)
        assert stage.tags() == ["<untagged>", "kept"]
        await stage.advance(hours=2)
        assert stage.tags() == []
        stage.do("DeleteLifecyclePolicy", repositoryName=NAME)
        stage.do("BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageDigest": digest}])
        await stage.advance(hours=13)
        assert stage.tags(filter={"imageStatus": "ANY"}) == ["kept"]  # type: ignore[arg-type]

    play(tmp_path, story)


def test_unused_images_go_to_the_archive(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("unused")
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(UNUSED))
        await stage.advance(days=15)
        assert stage.tags() == []
        assert stage.tags(filter={"imageStatus": "ARCHIVED"}) == ["unused"]  # type: ignore[arg-type]

    play(tmp_path, story)


def test_it_carries_on_after_a_restart(tmp_path: Path) -> None:
    async def first(stage: Stage) -> None:
        stage.push("old")
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(OLD))
        await stage.settle()

    play(tmp_path, first)

    async def second() -> None:
        emulator = ecr_emulator(tmp_path)
        stage = Stage(emulator)
        Background(emulator).start()
        emulator.loops.start()
        await stage.advance(days=15)
        assert stage.tags() == []
        await emulator.loops.stop()
        emulator.store.close()

    asyncio.run(second())


def test_why_an_image_expired_is_journaled(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told: list[str] = []
        stage.emulator.journal.watch(lambda entry: told.append(str(entry.detail.get("reason", ""))))
        stage.push("old")
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(OLD))
        await stage.advance(days=15)
        assert "rule 1 has it expired: pushed 14 days ago, the limit is 14 days" in told

    play(tmp_path, story)


def test_a_preview_changes_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first, second = stage.push("v1"), ""
        for tag in ("v2", "v3", "v4"):
            await stage.advance(seconds=1)
            second = second or stage.push(tag)
            if tag != "v2":
                stage.push(tag)
        begun = stage.do("StartLifecyclePolicyPreview", repositoryName=NAME, lifecyclePolicyText=policy(TWO))
        assert begun["status"] == "IN_PROGRESS"
        with pytest.raises(LifecyclePolicyPreviewInProgressException):
            stage.do("StartLifecyclePolicyPreview", repositoryName=NAME, lifecyclePolicyText=policy(TWO))
        await stage.settle()
        preview = stage.do("GetLifecyclePolicyPreview", repositoryName=NAME, maxResults=1)
        assert preview["status"] == "COMPLETE"
        assert preview["summary"] == {"expiringImageTotalCount": 2}
        assert [item["imageDigest"] for item in preview["previewResults"]] == [first]
        assert preview["previewResults"][0]["action"] == {"type": "EXPIRE"}
        assert preview["previewResults"][0]["appliedRulePriority"] == 1
        rest = stage.do("GetLifecyclePolicyPreview", repositoryName=NAME, maxResults=1, nextToken=preview["nextToken"])
        assert [item["imageDigest"] for item in rest["previewResults"]] == [second]
        assert "nextToken" not in rest
        only = stage.do("GetLifecyclePolicyPreview", repositoryName=NAME, imageIds=[{"imageTag": "v2"}])
        assert [item["imageTags"] for item in only["previewResults"]] == [["v2"]]
        none = stage.do("GetLifecyclePolicyPreview", repositoryName=NAME, filter={"tagStatus": "UNTAGGED"})
        assert (none["previewResults"], none["summary"]) == ([], {"expiringImageTotalCount": 2})
        assert stage.tags() == ["v1", "v2", "v3", "v4"]
        await stage.advance(hours=25)
        assert stage.do("GetLifecyclePolicyPreview", repositoryName=NAME)["status"] == "EXPIRED"

    play(tmp_path, story)


def test_a_preview_needs_a_policy(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(LifecyclePolicyPreviewNotFoundException):
            stage.do("GetLifecyclePolicyPreview", repositoryName=NAME)
        with pytest.raises(LifecyclePolicyNotFoundException):
            stage.do("StartLifecyclePolicyPreview", repositoryName=NAME)
        stage.do("PutLifecyclePolicy", repositoryName=NAME, lifecyclePolicyText=policy(TWO))
        assert stage.do("StartLifecyclePolicyPreview", repositoryName=NAME)["lifecyclePolicyText"] == policy(TWO)

    play(tmp_path, story)

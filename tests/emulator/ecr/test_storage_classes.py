"""Images in the archive."""

from datetime import timedelta

import pytest

from emulator.context import Context
from emulator.ecr.errors import ImageNotFoundException, ImageStorageClassUpdateNotSupportedException
from emulator.ecr.image_lists import describe_images, list_images
from emulator.ecr.images import batch_get_image, put_image
from emulator.ecr.repositories import create_repository
from emulator.ecr.storage_classes import RESTORING, update_image_storage_class
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION, START, add_image, index_manifest, text

NAME = "team/app"


def put(context: Context, manifest: str, tag: str) -> str:
    result = put_image(context, {"repositoryName": NAME, "imageManifest": manifest, "imageTag": tag})
    return result["image"]["imageId"]["imageDigest"]


def move(context: Context, target: str, tag: str = "v1") -> str:
    result = update_image_storage_class(
        context,
        {"repositoryName": NAME, "imageId": {"imageTag": tag}, "targetStorageClass": target},  # type: ignore[typeddict-item]
    )
    return result["imageStatus"]


def shown(context: Context, status: str) -> list[str]:
    listed = list_images(context, {"repositoryName": NAME, "filter": {"imageStatus": status}})  # type: ignore[typeddict-item]
    described = describe_images(context, {"repositoryName": NAME, "filter": {"imageStatus": status}})  # type: ignore[typeddict-item]
    assert {item["imageDigest"] for item in listed["imageIds"]} == {
        item["imageDigest"] for item in described["imageDetails"]
    }
    return [item["imageTag"] for item in listed["imageIds"]]


def test_an_archived_image_cannot_be_pulled_and_is_hidden(context: Context) -> None:
    put(context, add_image(context, NAME), "v1")
    assert move(context, "ARCHIVE") == "ARCHIVED"
    assert (shown(context, "ACTIVE"), shown(context, "ARCHIVED"), shown(context, "ANY")) == ([], ["v1"], ["v1"])
    (failure,) = batch_get_image(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]})["failures"]
    assert failure["failureCode"] == "ImageInaccessible"
    (detail,) = describe_images(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]})["imageDetails"]
    assert (detail["imageStatus"], detail["lastArchivedAt"]) == ("ARCHIVED", START)
    assert "lastActivatedAt" not in detail


def test_restoring_takes_its_time_on_the_clock(emulator: Emulator, context: Context) -> None:
    put(context, add_image(context, NAME), "v1")
    move(context, "ARCHIVE")
    assert move(context, "STANDARD") == "ACTIVATING"
    assert (shown(context, "ACTIVATING"), shown(context, "ACTIVE")) == (["v1"], [])
    emulator.clock.rewind_to(START + RESTORING)
    assert (shown(context, "ACTIVATING"), shown(context, "ACTIVE")) == ([], ["v1"])
    (detail,) = describe_images(context, {"repositoryName": NAME})["imageDetails"]
    assert (detail["imageStatus"], detail["lastActivatedAt"]) == ("ACTIVE", START + RESTORING)
    assert batch_get_image(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]})["images"]
    emulator.clock.rewind_to(START + RESTORING + timedelta(days=1))
    assert move(context, "ARCHIVE") == "ARCHIVED"


def test_pushing_an_archived_image_restores_it(context: Context) -> None:
    manifest = add_image(context, NAME)
    put(context, manifest, "v1")
    move(context, "ARCHIVE")
    put(context, manifest, "v2")
    assert shown(context, "ACTIVATING") == ["v1", "v2"]


def test_an_image_of_an_index_goes_after_the_index(context: Context) -> None:
    manifest = add_image(context, NAME)
    put(context, manifest, "v1")
    index = put(context, text(index_manifest([manifest])), "all")
    with pytest.raises(ImageStorageClassUpdateNotSupportedException, match=index):
        move(context, "ARCHIVE")
    move(context, "ARCHIVE", "all")
    assert move(context, "ARCHIVE") == "ARCHIVED"


def test_an_absent_image(context: Context) -> None:
    with pytest.raises(ImageNotFoundException):
        move(context, "ARCHIVE")


def test_the_change_is_told(emulator: Emulator) -> None:
    told: list[str] = []
    emulator.journal.watch(lambda entry: told.append(entry.detail.get("target-storage-class", "")))
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": NAME})
        put(context, add_image(context, NAME), "v1")
        move(context, "ARCHIVE")
        move(context, "ARCHIVE")
        move(context, "STANDARD")
    assert [text for text in told if text] == ["ARCHIVE", "STANDARD"]

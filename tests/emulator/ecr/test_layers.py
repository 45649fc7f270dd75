"""The layer operations."""

import errno
import os
from datetime import timedelta

import pytest

from emulator.context import Context
from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.errors import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    LayerAlreadyExistsException,
    LayerInaccessibleException,
    LayerPartTooSmallException,
    LayersNotFoundException,
    ServerException,
    UploadNotFoundException,
)
from emulator.ecr.images import put_image
from emulator.ecr.layers import (
    batch_check_layer_availability,
    complete_layer_upload,
    get_download_url_for_layer,
    initiate_layer_upload,
    upload_layer_part,
)
from emulator.ecr.storage_classes import update_image_storage_class
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, START, add_image, add_layer

NAME = "team/app"


def begin(context: Context) -> str:
    result = initiate_layer_upload(context, {"repositoryName": NAME})
    assert result["partSize"] == 10_485_760
    return result["uploadId"]


def send(context: Context, upload: str, part: bytes, first: int = 0) -> int:
    result = upload_layer_part(
        context,
        {
            "repositoryName": NAME,
            "uploadId": upload,
            "partFirstByte": first,
            "partLastByte": first + len(part) - 1,
            "layerPartBlob": part,
        },
    )
    return result["lastByteReceived"]


def complete(context: Context, upload: str, content: bytes) -> str:
    result = complete_layer_upload(
        context, {"repositoryName": NAME, "uploadId": upload, "layerDigests": [digest_of(content)]}
    )
    return result["layerDigest"]


def test_parts_become_a_layer(context: Context) -> None:
    first, last = bytes(5 * 1_048_576), b"end"
    upload = begin(context)
    assert send(context, upload, first) == len(first) - 1
    send(context, upload, last, len(first))
    digest = complete(context, upload, first + last)
    result = batch_check_layer_availability(context, {"repositoryName": NAME, "layerDigests": [digest]})
    assert result["layers"] == [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(first) + len(last)}
    ]
    with pytest.raises(UploadNotFoundException):
        send(context, upload, b"more", len(first) + len(last))


def test_a_part_with_a_gap_tells_how_far_the_upload_has_come(context: Context) -> None:
    upload = begin(context)
    send(context, upload, b"012")
    with pytest.raises(InvalidLayerPartException) as error:
        send(context, upload, b"4", 4)
    assert error.value.members == {
        "registryId": ACCOUNT,
        "repositoryName": NAME,
        "uploadId": upload,
        "lastValidByteReceived": 2,
    }


def test_only_the_last_part_may_be_small(context: Context) -> None:
    upload = begin(context)
    send(context, upload, b"0")
    send(context, upload, b"1", 1)
    with pytest.raises(LayerPartTooSmallException):
        complete(context, upload, b"01")


def test_an_upload_without_parts_is_empty(context: Context) -> None:
    with pytest.raises(EmptyUploadException):
        complete(context, begin(context), b"")


def test_another_digest_makes_no_layer(context: Context) -> None:
    upload = begin(context)
    send(context, upload, b"0")
    with pytest.raises(InvalidLayerException):
        complete(context, upload, b"1")


def test_a_layer_that_is_there(context: Context) -> None:
    add_layer(context, NAME, b"0")
    upload = begin(context)
    send(context, upload, b"0")
    with pytest.raises(LayerAlreadyExistsException):
        complete(context, upload, b"0")


def test_what_the_repository_does_not_have(context: Context) -> None:
    absent = digest_of(b"absent")
    digests = [absent, "nonsense", ""]
    result = batch_check_layer_availability(context, {"repositoryName": NAME, "layerDigests": digests})
    assert result["layers"] == [{"layerDigest": absent, "layerAvailability": "UNAVAILABLE"}]
    assert [item["failureCode"] for item in result["failures"]] == ["InvalidLayerDigest", "MissingLayerDigest"]
    with pytest.raises(LayersNotFoundException) as error:
        get_download_url_for_layer(context, {"repositoryName": NAME, "layerDigest": absent})
    assert error.value.message == (
        f"The layer with digest {absent} does not exist within the repository with name '{NAME}' "
        f"in the registry with id '{ACCOUNT}'"
    )


def test_what_images_make_of_a_layer(context: Context) -> None:
    digest = add_layer(context, NAME, b"layer")
    with pytest.raises(LayerInaccessibleException):
        get_download_url_for_layer(context, {"repositoryName": NAME, "layerDigest": digest})
    manifest = add_image(context, NAME)
    put_image(context, {"repositoryName": NAME, "imageManifest": manifest, "imageTag": "v1"})

    def shown() -> tuple[str, str]:
        (layer,) = batch_check_layer_availability(context, {"repositoryName": NAME, "layerDigests": [digest]})["layers"]
        return layer["layerAvailability"], layer["mediaType"]

    assert shown() == ("AVAILABLE", "application/vnd.oci.image.layer.v1.tar")
    update_image_storage_class(
        context, {"repositoryName": NAME, "imageId": {"imageTag": "v1"}, "targetStorageClass": "ARCHIVE"}
    )
    assert shown() == ("ARCHIVED", "application/vnd.oci.image.layer.v1.tar")


def test_an_upload_that_nothing_arrives_for_expires(emulator: Emulator, context: Context) -> None:
    content = bytes(5 * 1_048_576)
    upload = begin(context)
    emulator.clock.rewind_to(START + timedelta(hours=23))
    send(context, upload, content)
    emulator.clock.rewind_to(START + timedelta(hours=46))
    send(context, upload, b"end", len(content))
    emulator.clock.rewind_to(START + timedelta(hours=70))
    with pytest.raises(UploadNotFoundException):
        complete(context, upload, content + b"end")


def test_digests_of_several_algorithms_name_one_layer(context: Context) -> None:
    upload = begin(context)
    send(context, upload, b"layer")
    digests = [digest_of(b"layer", "sha512"), digest_of(b"layer")]
    request = {"repositoryName": NAME, "uploadId": upload, "layerDigests": digests}
    assert complete_layer_upload(context, request)["layerDigest"] == digests[1]  # type: ignore[arg-type]


def test_what_the_disk_refuses_is_the_services_own_fault(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _pieces: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    upload = begin(context)
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", refuse)
        with pytest.raises(ServerException, match="No space left on device"):
            send(context, upload, b"layer")
    send(context, upload, b"layer")
    assert complete(context, upload, b"layer") == digest_of(b"layer")


def test_an_upload_that_another_request_writes(context: Context) -> None:
    upload = begin(context)
    with blobs_of(context.emulator).claim(upload), pytest.raises(ServerException):
        send(context, upload, b"layer")

"""The layer operations."""

import pytest

from emulator.context import Context
from emulator.ecr.blobs import digest_of
from emulator.ecr.errors import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    LayerAlreadyExistsException,
    LayerPartTooSmallException,
    LayersNotFoundException,
    UploadNotFoundException,
)
from emulator.ecr.layers import (
    batch_check_layer_availability,
    complete_layer_upload,
    get_download_url_for_layer,
    initiate_layer_upload,
    upload_layer_part,
)
from tests.emulator.ecr.emulators import ACCOUNT, add_layer

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

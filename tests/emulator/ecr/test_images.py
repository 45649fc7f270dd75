"""Images in and out."""

import json
from typing import TYPE_CHECKING

import pytest

from emulator.context import Context
from emulator.ecr.blobs import digest_of
from emulator.ecr.errors import (
    ImageAlreadyExistsException,
    ImageDigestDoesNotMatchException,
    ImageNotFoundException,
    ImageTagAlreadyExistsException,
    InvalidParameterException,
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
)
from emulator.ecr.image_deletion import batch_delete_image
from emulator.ecr.image_lists import describe_images, list_images
from emulator.ecr.images import batch_get_image, put_image
from emulator.ecr.repositories import create_repository, put_image_tag_mutability
from emulator.emulator import Emulator
from emulator.state.ecr_registry import PullTimeExclusionRow
from tests.emulator.ecr.emulators import (
    ACCOUNT,
    CONFIG,
    REGION,
    START,
    add_image,
    image_manifest,
    index_manifest,
    text,
)

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

NAME = "team/app"
MISSING = "sha256:" + "0" * 64


def push(context: Context, manifest: str, tag: str | None = None) -> str:
    digest = digest_of(manifest.encode())
    image_id: ImageIdentifierTypeDef = {"imageDigest": digest}
    if tag is None:
        result = put_image(context, {"repositoryName": NAME, "imageManifest": manifest})
    else:
        image_id["imageTag"] = tag
        result = put_image(context, {"repositoryName": NAME, "imageManifest": manifest, "imageTag": tag})
    assert result["image"]["imageId"] == image_id
    return digest


def ids(context: Context) -> "list[ImageIdentifierTypeDef]":
    return list_images(context, {"repositoryName": NAME})["imageIds"]


def test_an_image_comes_back_as_it_was_put(context: Context) -> None:
    manifest = add_image(context, NAME)
    digest = push(context, manifest, "v1")
    images = batch_get_image(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]})["images"]
    assert images[0]["imageManifest"] == manifest
    assert images[0]["imageId"] == {"imageDigest": digest, "imageTag": "v1"}


def test_it_is_described(context: Context) -> None:
    digest = push(context, add_image(context, NAME), "v1")
    assert describe_images(context, {"repositoryName": NAME})["imageDetails"] == [
        {
            "registryId": ACCOUNT,
            "repositoryName": NAME,
            "imageDigest": digest,
            "imageSizeInBytes": len(CONFIG) + len(b"layer"),
            "imagePushedAt": START,
            "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
            "imageStatus": "ACTIVE",
            "imageTags": ["v1"],
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
        }
    ]


@pytest.mark.parametrize(("tag", "shown"), [("v1", "v1"), (None, "null")])
def test_the_same_again_is_an_error(context: Context, tag: str | None, shown: str) -> None:
    digest = push(context, manifest := add_image(context, NAME), tag)
    with pytest.raises(ImageAlreadyExistsException) as error:
        push(context, manifest, tag)
    assert error.value.message == (
        f"Image with digest '{digest}' and tag '{shown}' already exists in the repository with name '{NAME}' "
        f"in registry with id '{ACCOUNT}'"
    )


def test_a_moved_tag_leaves_its_image_untagged(context: Context) -> None:
    first = push(context, add_image(context, NAME, b"1"), "latest")
    second = push(context, add_image(context, NAME, b"2"), "latest")
    assert sorted(ids(context), key=str) == sorted(
        [{"imageDigest": first}, {"imageDigest": second, "imageTag": "latest"}], key=str
    )
    for status, digest in (("UNTAGGED", first), ("TAGGED", second)):
        listed = list_images(context, {"repositoryName": NAME, "filter": {"tagStatus": status}})  # type: ignore[typeddict-item]  # a loop's str
        assert [item["imageDigest"] for item in listed["imageIds"]] == [digest]


@pytest.mark.parametrize(
    ("mode", "filters", "tag", "moves"),
    [
        ("IMMUTABLE", [], "v1", False),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev*"], "dev1", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev*"], "my-dev1", False),
        ("MUTABLE_WITH_EXCLUSION", ["v*.*"], "v1.0", False),
        ("MUTABLE_WITH_EXCLUSION", ["v*.*"], "latest", True),
    ],
)
def test_immutable_tags_stay(context: Context, mode: str, filters: list[str], tag: str, moves: bool) -> None:
    put_image_tag_mutability(
        context,
        {
            "repositoryName": NAME,
            "imageTagMutability": mode,  # type: ignore[typeddict-item]  # a parameter's str
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": item} for item in filters],
        },
    )
    push(context, add_image(context, NAME, b"1"), tag)
    other = add_image(context, NAME, b"2")
    if moves:
        push(context, other, tag)
        return
    with pytest.raises(ImageTagAlreadyExistsException) as error:
        push(context, other, tag)
    assert error.value.message == (
        f"The image tag '{tag}' already exists in the '{NAME}' repository and cannot be overwritten "
        "because the tag is immutable."
    )


@pytest.mark.parametrize("manifest", ["", "[]", "{", "{}", '{"mediaType": "text/plain"}', "[" * 5000])
def test_what_is_no_manifest_is_refused(context: Context, manifest: str) -> None:
    with pytest.raises(InvalidParameterException):
        push(context, manifest)


def test_a_manifest_without_any_media_type(context: Context) -> None:
    manifest = json.loads(add_image(context, NAME))
    del manifest["mediaType"]
    with pytest.raises(InvalidParameterException) as error:
        push(context, text(manifest))
    assert error.value.message == "image manifest mediatype not provided in manifest or parameter"


def test_another_digest_is_refused(context: Context) -> None:
    with pytest.raises(ImageDigestDoesNotMatchException):
        put_image(context, {"repositoryName": NAME, "imageManifest": add_image(context, NAME), "imageDigest": MISSING})


def test_absent_layers_are_named(context: Context) -> None:
    add_image(context, NAME)
    with pytest.raises(LayersNotFoundException) as error:
        push(context, text(image_manifest([b"absent"])), "v1")
    assert error.value.message == (
        f"Layers with digests '[{digest_of(b'absent')}]' required for pushing image into repository with name "
        f"'{NAME}' in the registry with id '{ACCOUNT}' do not exist"
    )


def test_an_index_needs_its_manifests_and_keeps_them(context: Context) -> None:
    manifest = add_image(context, NAME)
    index = text(index_manifest([manifest]))
    with pytest.raises(ReferencedImagesNotFoundException):
        push(context, index)
    child, parent = push(context, manifest), push(context, index, "all")
    result = batch_delete_image(context, {"repositoryName": NAME, "imageIds": [{"imageDigest": child}]})
    assert result["failures"][0] == {
        "imageId": {"imageDigest": child},
        "failureCode": "ImageReferencedByManifestList",
        "failureReason": f"Requested image referenced by manifest list: [{parent}]",
    }
    both: list[ImageIdentifierTypeDef] = [{"imageTag": "all"}, {"imageDigest": child}]
    result = batch_delete_image(context, {"repositoryName": NAME, "imageIds": both})
    assert result["imageIds"] == [{"imageDigest": parent, "imageTag": "all"}, {"imageDigest": child}]
    assert ids(context) == []


def test_an_image_goes_with_its_last_tag(context: Context) -> None:
    manifest = add_image(context, NAME)
    digest = digest_of(manifest.encode())
    for tag in ("a", "b"):
        push(context, manifest, tag)
    for tag in ("a", "b"):
        assert ids(context)
        result = batch_delete_image(context, {"repositoryName": NAME, "imageIds": [{"imageTag": tag}]})
        assert result["imageIds"] == [{"imageDigest": digest, "imageTag": tag}]
    assert ids(context) == []


def test_a_digest_goes_with_all_tags(context: Context) -> None:
    manifest = add_image(context, NAME)
    digest = digest_of(manifest.encode())
    for tag in ("b", "a"):
        push(context, manifest, tag)
    result = batch_delete_image(context, {"repositoryName": NAME, "imageIds": [{"imageDigest": digest}]})
    assert result["imageIds"] == [{"imageDigest": digest, "imageTag": tag} for tag in ("a", "b")]


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ({}, "MissingDigestAndTag"),
        ({"imageDigest": "nonsense"}, "InvalidImageDigest"),
        ({"imageDigest": MISSING}, "ImageNotFound"),
        ({"imageTag": "none"}, "ImageNotFound"),
        ({"imageTag": "v1", "imageDigest": MISSING}, "ImageTagDoesNotMatchDigest"),
    ],
)
def test_failures_echo_the_id(context: Context, image_id: "ImageIdentifierTypeDef", code: str) -> None:
    push(context, add_image(context, NAME), "v1")
    for operation in (batch_get_image, batch_delete_image):
        result = operation(context, {"repositoryName": NAME, "imageIds": [image_id]})
        assert [(item["imageId"], item["failureCode"]) for item in result["failures"]] == [(image_id, code)]


def test_describing_an_absent_image_is_an_error(context: Context) -> None:
    with pytest.raises(ImageNotFoundException) as error:
        describe_images(context, {"repositoryName": NAME, "imageIds": [{"imageTag": "x"}]})
    assert error.value.message == (
        "The image with imageId {imageDigest:'null', imageTag:'x'} does not exist within the repository with name "
        f"'{NAME}' in the registry with id '{ACCOUNT}'"
    )


def test_pages_of_images(context: Context) -> None:
    for number in range(3):
        manifest = add_image(context, NAME, b"%d" % number)
        for tag in ("", "x", "y")[: number + 1]:
            push(context, manifest, f"{tag}{number}")
    seen: list[ImageIdentifierTypeDef] = []
    token = None
    while token != "":
        page = (
            list_images(context, {"repositoryName": NAME, "maxResults": 2, "nextToken": token})
            if token
            else list_images(context, {"repositoryName": NAME, "maxResults": 2})
        )
        seen += page["imageIds"]
        token = page.get("nextToken", "")
    assert seen == ids(context)
    assert len(seen) == 6
    first = describe_images(context, {"repositoryName": NAME, "maxResults": 2})
    rest = describe_images(context, {"repositoryName": NAME, "maxResults": 2, "nextToken": first["nextToken"]})
    assert len(first["imageDetails"] + rest["imageDetails"]) == 3


def test_pulls_of_excluded_principals_do_not_count(emulator: Emulator) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/scanner"
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "other"})
        put_image(context, {"repositoryName": "other", "imageManifest": add_image(context, "other"), "imageTag": "v1"})
        row = PullTimeExclusionRow(account=ACCOUNT, region=REGION, principal_arn=role, created_at=context.now)
        context.session.add(row)
    request = {"repositoryName": "other", "imageIds": [{"imageTag": "v1"}]}
    for principal, recorded in (
        (role, False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/scanner/session", False),
        (f"arn:aws:iam::{ACCOUNT}:user/ann", True),
    ):
        with emulator.transaction(ACCOUNT, REGION, principal) as context:
            assert batch_get_image(context, request)["images"]  # type: ignore[arg-type]
            (detail,) = describe_images(context, {"repositoryName": "other"})["imageDetails"]
            assert ("lastRecordedPullTime" in detail) is recorded

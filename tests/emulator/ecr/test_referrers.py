"""ListImageReferrers."""

import pytest

from emulator.context import Context
from emulator.ecr.blobs import digest_of
from emulator.ecr.errors import InvalidParameterException
from emulator.ecr.images import put_image
from emulator.ecr.manifests import OCI_MANIFEST
from emulator.ecr.referrers import list_image_referrers
from emulator.ecr.storage_classes import update_image_storage_class
from tests.emulator.ecr.emulators import add_image, add_layer, descriptor, image_manifest, text

NAME = "team/app"
SUBJECT = digest_of(b"what is signed need not be there")


def sign(context: Context, artifact_type: str | None, number: int = 0) -> str:
    add_image(context, NAME)
    subject = {**descriptor(b"", OCI_MANIFEST), "digest": SUBJECT}
    document = image_manifest([b"layer"], subject=subject, annotations={"number": str(number)})
    if artifact_type is not None:
        document["artifactType"] = artifact_type
    manifest = text(document)
    result = put_image(context, {"repositoryName": NAME, "imageManifest": manifest})
    return result["image"]["imageId"]["imageDigest"]


def test_a_referrer_is_shown_as_its_descriptor(context: Context) -> None:
    digest = sign(context, "application/x.signature", 7)
    add_layer(context, NAME, b"unrelated")
    result = list_image_referrers(context, {"repositoryName": NAME, "subjectId": {"imageDigest": SUBJECT}})
    (referrer,) = result["referrers"]
    assert referrer["size"] > 100
    assert referrer == {
        "size": referrer["size"],
        "digest": digest,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/x.signature",
        "annotations": {"number": "7"},
        "artifactStatus": "ACTIVE",
    }
    other = {"repositoryName": NAME, "subjectId": {"imageDigest": digest}}
    assert list_image_referrers(context, other) == {"referrers": []}  # type: ignore[arg-type]


def test_filters(context: Context) -> None:
    signature, sbom = sign(context, "application/x.signature"), sign(context, "application/x.sbom")
    plain = sign(context, None)
    update_image_storage_class(
        context, {"repositoryName": NAME, "imageId": {"imageDigest": sbom}, "targetStorageClass": "ARCHIVE"}
    )

    def found(**chosen: object) -> set[str]:
        result = list_image_referrers(
            context,
            {"repositoryName": NAME, "subjectId": {"imageDigest": SUBJECT}, "filter": chosen},  # type: ignore[typeddict-item]
        )
        return {item["digest"] for item in result["referrers"]}

    assert found() == {signature, plain}
    assert found(artifactStatus="ANY") == {signature, sbom, plain}
    assert found(artifactStatus="ARCHIVED") == {sbom}
    kinds = ["application/x.sbom", "application/x.signature"]
    assert found(artifactTypes=kinds, artifactStatus="ANY") == {signature, sbom}
    assert found(artifactTypes=["application/vnd.oci.image.config.v1+json"]) == {plain}


def test_pages(context: Context) -> None:
    made = {sign(context, "application/x.signature", number) for number in range(5)}
    seen: list[str] = []
    token = ""
    while True:
        start = {"nextToken": token} if token else {}
        result = list_image_referrers(
            context,
            {"repositoryName": NAME, "subjectId": {"imageDigest": SUBJECT}, "maxResults": 2, **start},  # type: ignore[typeddict-item]
        )
        seen += [item["digest"] for item in result["referrers"]]
        token = result.get("nextToken", "")
        if not token:
            break
    assert seen == sorted(made)


def test_a_subject_that_is_no_digest(context: Context) -> None:
    with pytest.raises(InvalidParameterException):
        list_image_referrers(context, {"repositoryName": NAME, "subjectId": {"imageDigest": "latest"}})

"""ECR Public: repositories without a region, catalog data, images, tags, policies."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from emulator.context import Context
from emulator.ecr import errors as ecr_errors
from emulator.ecr.access import AccessDeniedException
from emulator.ecr.errors import (
    InvalidParameterException,
    RepositoryAlreadyExistsException,
    RepositoryNotEmptyException,
    RepositoryNotFoundException,
)
from emulator.ecr.operations import OPERATIONS as PRIVATE
from emulator.ecr_public import errors
from emulator.ecr_public.errors import RepositoryCatalogDataNotFoundException, UnsupportedCommandException
from emulator.ecr_public.operations import OPERATIONS
from emulator.errors import AwsError
from tests.emulator.ecr.emulators import ACCOUNT, CONFIG, ecr_emulator, image_manifest, text

NAME = "team/app"
ARN = f"arn:aws:ecr-public::{ACCOUNT}:repository/{NAME}"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    server = ecr_emulator(tmp_path)
    with server.transaction(ACCOUNT, "us-east-1") as context:
        do(context, "CreateRepository", repositoryName=NAME)
        yield context
    server.store.close()


def do(context: Context, operation: str, **request: Any) -> Any:
    result = OPERATIONS[operation](context, request)
    context.session.flush()
    return result


def push(context: Context, tag: str) -> str:
    for blob in (CONFIG, b"layer"):
        upload = do(context, "InitiateLayerUpload", repositoryName=NAME)["uploadId"]
        part = {"repositoryName": NAME, "uploadId": upload, "partFirstByte": 0, "partLastByte": len(blob) - 1}
        do(context, "UploadLayerPart", **part, layerPartBlob=blob)
        digest = json.loads(text(image_manifest([blob])))["layers"][0]["digest"]
        do(context, "CompleteLayerUpload", repositoryName=NAME, uploadId=upload, layerDigests=[digest])
    image = do(context, "PutImage", repositoryName=NAME, imageManifest=text(image_manifest([b"layer"])), imageTag=tag)
    return str(image["image"]["imageId"]["imageDigest"])


def test_every_operation_of_the_model_is_there() -> None:
    model = botocore.session.get_session().get_service_model("ecr-public")
    assert set(OPERATIONS) == set(model.operation_names)
    for name, function in OPERATIONS.items():
        assert function.__name__.replace("_", "") == name.lower()


def test_its_errors_are_the_models() -> None:
    model = botocore.session.get_session().get_service_model("ecr-public")
    shapes = {name for name in model.shape_names if model.shape_for(name).metadata.get("exception")}
    own = {name for name, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, AwsError)}
    assert own - {"AwsError"} == {name for name in shapes if not hasattr(ecr_errors, name)}


def test_a_repository(context: Context) -> None:
    (shown,) = do(context, "DescribeRepositories", repositoryNames=[NAME])["repositories"]
    (registry,) = do(context, "DescribeRegistries")["registries"]
    assert shown["repositoryArn"] == ARN
    assert shown["repositoryUri"] == f"{registry['registryUri']}/{NAME}"
    with pytest.raises(RepositoryAlreadyExistsException):
        do(context, "CreateRepository", repositoryName=NAME)
    with pytest.raises(InvalidParameterException):
        do(context, "CreateRepository", repositoryName="Bad")
    do(context, "CreateRepository", repositoryName="zz")
    page = do(context, "DescribeRepositories", maxResults=1)
    rest = do(context, "DescribeRepositories", nextToken=page["nextToken"])
    assert [item["repositoryName"] for item in (*page["repositories"], *rest["repositories"])] == [NAME, "zz"]
    do(context, "DeleteRepository", repositoryName="zz")
    with pytest.raises(RepositoryNotFoundException):
        do(context, "DescribeRepositories", repositoryNames=["zz"])


def test_it_is_apart_from_the_private_registry(context: Context) -> None:
    assert PRIVATE["DescribeRepositories"](context, {})["repositories"] == []
    PRIVATE["CreateRepository"](context, {"repositoryName": NAME})
    push(context, "v1")
    assert PRIVATE["ListImages"](context, {"repositoryName": NAME})["imageIds"] == []


def test_images(context: Context) -> None:
    digest = push(context, "v1")
    (detail,) = do(context, "DescribeImages", repositoryName=NAME)["imageDetails"]
    assert (detail["imageDigest"], detail["imageTags"]) == (digest, ["v1"])
    assert "imageStatus" not in detail
    (tag,) = do(context, "DescribeImageTags", repositoryName=NAME)["imageTagDetails"]
    assert (tag["imageTag"], tag["imageDetail"]["imageDigest"]) == ("v1", digest)
    checked = do(context, "BatchCheckLayerAvailability", repositoryName=NAME, layerDigests=["sha256:" + "0" * 64])
    assert checked["layers"][0]["layerAvailability"] == "UNAVAILABLE"
    with pytest.raises(RepositoryNotEmptyException):
        do(context, "DeleteRepository", repositoryName=NAME)
    do(context, "BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
    assert do(context, "DescribeImages", repositoryName=NAME)["imageDetails"] == []


def test_catalog_data(context: Context) -> None:
    with pytest.raises(RepositoryCatalogDataNotFoundException):
        do(context, "GetRepositoryCatalogData", repositoryName=NAME)
    data = {"description": "An app", "architectures": ["ARM 64"], "logoImageBlob": b"\x89PNG"}
    kept = do(context, "PutRepositoryCatalogData", repositoryName=NAME, catalogData=data)
    expected = {"description": "An app", "architectures": ["ARM 64"], "marketplaceCertified": False}
    assert kept["catalogData"] == expected
    assert do(context, "GetRepositoryCatalogData", repositoryName=NAME)["catalogData"] == expected
    assert do(context, "GetRegistryCatalogData") == {"registryCatalogData": {}}
    do(context, "PutRegistryCatalogData", displayName="Team")
    assert do(context, "GetRegistryCatalogData") == {"registryCatalogData": {"displayName": "Team"}}


def test_tags_and_policies(context: Context) -> None:
    do(context, "TagResource", resourceArn=ARN, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    do(context, "UntagResource", resourceArn=ARN, tagKeys=["b"])
    assert do(context, "ListTagsForResource", resourceArn=ARN)["tags"] == [{"Key": "a", "Value": "1"}]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr-public:DescribeImages"}
    do(context, "SetRepositoryPolicy", repositoryName=NAME, policyText=json.dumps({"Statement": [statement]}))
    assert "DescribeImages" in do(context, "GetRepositoryPolicy", repositoryName=NAME)["policyText"]
    other = "444455556666"
    stranger = Context(
        context.session, other, "us-east-1", f"arn:aws:iam::{other}:root", context.request_id, context.emulator
    )
    assert do(stranger, "DescribeImages", repositoryName=NAME, registryId=ACCOUNT) == {"imageDetails": []}
    with pytest.raises(AccessDeniedException):
        do(stranger, "DeleteRepository", repositoryName=NAME, registryId=ACCOUNT)
    do(context, "DeleteRepositoryPolicy", repositoryName=NAME)


def test_it_is_in_two_regions_only(context: Context) -> None:
    far = Context(context.session, ACCOUNT, "eu-west-1", context.principal, context.request_id, context.emulator)
    with pytest.raises(UnsupportedCommandException):
        do(far, "DescribeRegistries")

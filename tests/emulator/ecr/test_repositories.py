"""Repositories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.context import Context
from emulator.ecr.access import AccessDeniedException
from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.errors import (
    InvalidParameterException,
    RepositoryAlreadyExistsException,
    RepositoryNotEmptyException,
    RepositoryNotFoundException,
)
from emulator.ecr.images import put_image
from emulator.ecr.operations import OPERATIONS
from emulator.ecr.repositories import (
    create_repository,
    delete_repository,
    describe_repositories,
    is_name,
    put_image_tag_mutability,
)
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION, START, add_image, add_layer


def test_a_new_repository_is_described(context: Context) -> None:
    repository = create_repository(context, {"repositoryName": "web"})["repository"]
    assert repository == {
        "repositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/web",
        "registryId": ACCOUNT,
        "repositoryName": "web",
        "repositoryUri": "localhost:4566/web",
        "createdAt": START,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }


def test_a_name_is_taken_once(context: Context) -> None:
    with pytest.raises(RepositoryAlreadyExistsException) as error:
        create_repository(context, {"repositoryName": "team/app"})
    assert error.value.message == (
        f"The repository with name 'team/app' already exists in the registry with id '{ACCOUNT}'"
    )


@pytest.mark.parametrize("name", ["a", "Team", "a//b", "-a", "a-", "a..b", "a/", "a___b", "x" * 257])
def test_bad_names_are_refused(context: Context, name: str) -> None:
    with pytest.raises(InvalidParameterException, match="must satisfy regular expression"):
        create_repository(context, {"repositoryName": name})


@given(st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", fullmatch=True))
def test_the_pattern_of_the_model_is_accepted(name: str) -> None:
    assert is_name(name) == (2 <= len(name) <= 256)


def test_kms_without_a_key_gets_the_managed_one(context: Context) -> None:
    repository = create_repository(
        context, {"repositoryName": "kms", "encryptionConfiguration": {"encryptionType": "KMS"}}
    )["repository"]
    key = repository["encryptionConfiguration"]["kmsKey"]
    assert key.startswith(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/")


def test_pages_follow_each_other(context: Context) -> None:
    for number in range(5):
        create_repository(context, {"repositoryName": f"page{number}"})
    first = describe_repositories(context, {"maxResults": 4})
    second = describe_repositories(context, {"maxResults": 4, "nextToken": first["nextToken"]})
    names = [item["repositoryName"] for page in (first, second) for item in page["repositories"]]
    assert names == [f"page{number}" for number in range(5)] + ["team/app"]
    assert "nextToken" not in second


def test_a_token_of_nobodys_is_refused(context: Context) -> None:
    with pytest.raises(InvalidParameterException, match="nextToken"):
        describe_repositories(context, {"nextToken": "nobody"})


def test_one_absent_name_fails_the_description(context: Context) -> None:
    with pytest.raises(RepositoryNotFoundException) as error:
        describe_repositories(context, {"repositoryNames": ["team/app", "none"]})
    assert error.value.message == f"The repository with name 'none' does not exist in the registry with id '{ACCOUNT}'"


def test_accounts_and_regions_do_not_see_each_other(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "own"})
    for account, region in ((ACCOUNT, "us-east-1"), ("999988887777", REGION)):
        with emulator.transaction(account, region) as context:
            assert describe_repositories(context, {})["repositories"] == []
            with pytest.raises((RepositoryNotFoundException, AccessDeniedException)):
                OPERATIONS["DescribeRepositories"](context, {"repositoryNames": ["own"], "registryId": ACCOUNT})


def test_deleting_needs_force_while_there_are_images(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "app"})
        put_image(context, {"repositoryName": "app", "imageManifest": add_image(context, "app")})
        with pytest.raises(RepositoryNotEmptyException, match="cannot be deleted because it still contains images"):
            delete_repository(context, {"repositoryName": "app"})
        delete_repository(context, {"repositoryName": "app", "force": True})
    assert list(blobs_of(emulator).stored()) == []


def test_deleting_keeps_the_layers_of_others(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        for name in ("one", "two"):
            create_repository(context, {"repositoryName": name})
            add_layer(context, name, b"shared")
        add_layer(context, "one", b"own")
    with emulator.transaction(ACCOUNT, REGION) as context:
        delete_repository(context, {"repositoryName": "one"})
    assert list(blobs_of(emulator).stored()) == [digest_of(b"shared")]


def test_put_image_tag_mutability_is_shown(context: Context) -> None:
    filters = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    result = put_image_tag_mutability(
        context,
        {
            "repositoryName": "team/app",
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
        },
    )
    assert result["imageTagMutabilityExclusionFilters"] == filters
    shown = describe_repositories(context, {"repositoryNames": ["team/app"]})["repositories"][0]
    assert shown["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert shown["imageTagMutabilityExclusionFilters"] == filters

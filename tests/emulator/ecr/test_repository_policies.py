"""Policies of repositories and registries: set, shown, obeyed."""

import json
from typing import Any

import pytest

from emulator.context import Context
from emulator.ecr.access import AccessDeniedException, access_of
from emulator.ecr.errors import (
    InvalidParameterException,
    RegistryPolicyNotFoundException,
    RepositoryNotFoundException,
    RepositoryPolicyNotFoundException,
)
from emulator.ecr.operations import OPERATIONS
from emulator.ecr.registry_policies import delete_registry_policy, get_registry_policy, put_registry_policy
from emulator.ecr.registry_settings import put_account_setting
from emulator.ecr.repositories import find_repository
from emulator.ecr.repository_policies import (
    delete_repository_policy,
    get_repository_policy,
    set_repository_policy,
)
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION

NAME = "team/app"
OTHER = "444455556666"
DENIAL = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}


def text(**elements: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "ecr:DescribeImages", **elements}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_it_is_kept_and_deleted(context: Context) -> None:
    kept = set_repository_policy(context, {"repositoryName": NAME, "policyText": text()})
    assert json.loads(kept["policyText"]) == json.loads(text())
    assert get_repository_policy(context, {"repositoryName": NAME}) == kept
    assert delete_repository_policy(context, {"repositoryName": NAME}) == kept
    with pytest.raises(RepositoryPolicyNotFoundException) as error:
        get_repository_policy(context, {"repositoryName": NAME})
    assert error.value.message == (
        f"Repository policy does not exist for the repository with name '{NAME}' in the registry with id '{ACCOUNT}'"
    )


@pytest.mark.parametrize(
    "bad", ["{", text(Effect="Maybe"), "x" * 10_241, text(Resource="*"), text(NotResource="arn:aws:ecr:*:*:x")]
)
def test_what_is_no_policy_is_refused(context: Context, bad: str) -> None:
    with pytest.raises(InvalidParameterException) as error:
        set_repository_policy(context, {"repositoryName": NAME, "policyText": bad})
    assert error.value.message == (
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
    )


def test_locking_oneself_out_takes_force(context: Context) -> None:
    with pytest.raises(InvalidParameterException, match="lock its author out"):
        set_repository_policy(context, {"repositoryName": NAME, "policyText": text(**DENIAL)})
    set_repository_policy(context, {"repositoryName": NAME, "policyText": text(**DENIAL), "force": True})
    for operation in ("DescribeImages", "ListImages", "SetRepositoryPolicy"):
        with pytest.raises(AccessDeniedException, match="explicit deny in a resource-based policy"):
            OPERATIONS[operation](context, {"repositoryName": NAME, "policyText": text()})
    OPERATIONS["DeleteRepositoryPolicy"](context, {"repositoryName": NAME})
    OPERATIONS["DescribeImages"](context, {"repositoryName": NAME})


def test_another_account_does_what_the_policy_names(emulator: Emulator, context: Context) -> None:
    set_repository_policy(context, {"repositoryName": NAME, "policyText": text()})
    stranger = Context(context.session, OTHER, REGION, f"arn:aws:iam::{OTHER}:root", "1", emulator)
    asked = {"repositoryName": NAME, "registryId": ACCOUNT}
    assert OPERATIONS["DescribeImages"](stranger, asked) == {"imageDetails": []}
    with pytest.raises(AccessDeniedException, match="no resource-based policy allows the ecr:ListImages action"):
        OPERATIONS["ListImages"](stranger, asked)
    with pytest.raises(RepositoryNotFoundException):
        OPERATIONS["ListImages"](stranger, {"repositoryName": NAME})
    with pytest.raises(RepositoryNotFoundException):
        OPERATIONS["ListImages"](stranger, {"repositoryName": "absent", "registryId": ACCOUNT})


def test_the_registrys_policy(emulator: Emulator, context: Context) -> None:
    policy = text(Resource=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*", Action=["ecr:ListImages"])
    put_registry_policy(context, {"policyText": policy})
    assert json.loads(get_registry_policy(context, {})["policyText"]) == json.loads(policy)
    stranger = Context(context.session, OTHER, REGION, f"arn:aws:iam::{OTHER}:root", "1", emulator)
    repository = find_repository(context, NAME)
    assert access_of(stranger, repository, "ecr:ListImages").allowed
    put_account_setting(context, {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"})
    assert not access_of(stranger, repository, "ecr:ListImages").allowed
    with pytest.raises(InvalidParameterException, match="Invalid registry policy provided"):
        put_registry_policy(context, {"policyText": policy})
    delete_registry_policy(context, {})
    with pytest.raises(RegistryPolicyNotFoundException) as error:
        get_registry_policy(context, {})
    assert error.value.message == f"Registry policy does not exist in the registry with id '{ACCOUNT}'"


def test_a_registrys_policy_names_resources(context: Context) -> None:
    with pytest.raises(InvalidParameterException, match="Invalid registry policy provided"):
        put_registry_policy(context, {"policyText": text()})


def test_another_accounts_registry_is_shut_but_for_what_its_policy_allows(emulator: Emulator, context: Context) -> None:
    stranger = Context(context.session, OTHER, REGION, f"arn:aws:iam::{OTHER}:root", "1", emulator)
    rule = {"ecrRepositoryPrefix": "mirror", "upstreamRegistryUrl": "quay.io", "registryId": ACCOUNT}
    for operation, request in (("DescribeRepositories", {"registryId": ACCOUNT}), ("CreatePullThroughCacheRule", rule)):
        with pytest.raises(AccessDeniedException):
            OPERATIONS[operation](stranger, request)
    policy = text(Resource=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*", Action="ecr:DescribeRepositories")
    put_registry_policy(context, {"policyText": policy})
    listed = OPERATIONS["DescribeRepositories"](stranger, {"registryId": ACCOUNT})["repositories"]
    assert [item["repositoryName"] for item in listed] == [NAME]

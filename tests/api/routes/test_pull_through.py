"""Images pulled through from another registry: a second one of ours, with a password in Secrets Manager."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.images import Push, store_image
from emulator.ecr.operations import OPERATIONS
from emulator.ecr.repositories import create_repository, find_repository
from emulator.ecr.repository_policies import set_repository_policy
from emulator.ecr.tokens import mint
from tests.api.routes.registry_servers import Registry, running_registry
from tests.emulator.ecr.emulators import ACCOUNT, REGION, add_image, index_manifest, text

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/upstream-AbCdEf"
OTHER = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/puller"


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "upstream") as registry:
        registry.create("team/app")
        yield registry


@pytest.fixture
def cache(tmp_path: Path, upstream: Registry) -> Iterator[Registry]:
    with running_registry(tmp_path / "cache") as registry:
        secrets(registry)[SECRET] = json.dumps({"username": "AWS", "accessToken": upstream.password})
        rule(registry, "cache", upstreamRegistryUrl=upstream.address, credentialArn=SECRET)
        yield registry


def secrets(registry: Registry) -> dict[str, str]:
    neighbours: Any = registry.emulator.neighbours
    found: dict[str, str] = neighbours.secrets
    return found


def do(registry: Registry, operation: str, **request: Any) -> Any:
    with registry.emulator.transaction(ACCOUNT, REGION) as context:
        return OPERATIONS[operation](context, request)


def rule(registry: Registry, prefix: str, **request: Any) -> Any:
    return do(registry, "CreatePullThroughCacheRule", ecrRepositoryPrefix=prefix, **request)


def push(registry: Registry, tag: str, layer: bytes = b"layer") -> str:
    with registry.emulator.transaction(ACCOUNT, REGION) as context:
        repository = find_repository(context, "team/app")
        manifest = add_image(context, "team/app", layer)
        return store_image(context, repository, Push(manifest.encode(), tags=[tag])).digest


def get(registry: Registry, tag: str, name: str = "cache/team/app") -> Any:
    return registry.ask("GET", f"/v2/{name}/manifests/{tag}")


def test_an_image_comes_through_with_its_layers(cache: Registry, upstream: Registry) -> None:
    digest = push(upstream, "v1")
    answer = get(cache, "v1")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (200, digest)
    layer = json.loads(answer.body)["layers"][0]["digest"]
    assert cache.ask("GET", f"/v2/cache/team/app/blobs/{layer}").body == b"layer"
    (made,) = do(cache, "DescribeRepositories")["repositories"]
    assert (made["repositoryName"], made["imageTagMutability"]) == ("cache/team/app", "MUTABLE")


def test_by_digest(cache: Registry, upstream: Registry) -> None:
    assert get(cache, push(upstream, "v1")).status == 200


def test_an_index_comes_with_its_images(cache: Registry, upstream: Registry) -> None:
    with upstream.emulator.transaction(ACCOUNT, REGION) as context:
        repository = find_repository(context, "team/app")
        children = [add_image(context, "team/app", layer) for layer in (b"amd64", b"arm64")]
        for child in children:
            store_image(context, repository, Push(child.encode()))
        store_image(context, repository, Push(text(index_manifest(children)).encode(), tags=["multi"]))
    assert get(cache, "multi").status == 200
    assert len(do(cache, "DescribeImages", repositoryName="cache/team/app")["imageDetails"]) == 3


def test_a_tag_is_compared_once_a_day_and_served_while_the_upstream_is_away(
    cache: Registry, upstream: Registry
) -> None:
    first = push(upstream, "v1")
    get(cache, "v1")
    second = push(upstream, "v1", b"newer")
    assert get(cache, "v1").headers["Docker-Content-Digest"] == first
    cache.emulator.clock.rewind_to(cache.emulator.clock.now() + timedelta(hours=24))
    cache.password = mint(cache.emulator, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root")
    secrets(cache)[SECRET] = json.dumps({"username": "AWS", "accessToken": "wrong"})
    assert get(cache, "v1").headers["Docker-Content-Digest"] == first
    secrets(cache)[SECRET] = json.dumps({"username": "AWS", "accessToken": upstream.password})
    assert get(cache, "v1").headers["Docker-Content-Digest"] == second


def test_what_the_upstream_does_not_give(cache: Registry, upstream: Registry) -> None:
    assert (get(cache, "absent").status, get(cache, "absent").code) == (404, "NAME_UNKNOWN")
    push(upstream, "v1")
    secrets(cache)[SECRET] = json.dumps({"username": "AWS", "accessToken": "wrong"})
    refused = get(cache, "v1")
    assert refused.status == 404
    assert "answered 401" in refused.message
    rule(cache, "gone", upstreamRegistryUrl="127.0.0.1:1")
    assert "cannot be reached" in get(cache, "v1", "gone/team/app").message
    assert do(cache, "DescribeRepositories")["repositories"] == []


def test_another_registry_of_ecrs_is_this_servers_own(cache: Registry) -> None:
    """The role of the rule pulls, and the policy of the upstream's repository must let it."""
    with cache.emulator.transaction(OTHER, "eu-west-1") as context:
        create_repository(context, {"repositoryName": "base/app"})
        image = store_image(
            context,
            find_repository(context, "base/app"),
            Push(add_image(context, "base/app", b"layer").encode(), tags=["v1"]),
        )
    there = f"{OTHER}.dkr.ecr.eu-west-1.amazonaws.com"
    rule(cache, "there", upstreamRegistryUrl=there, customRoleArn=ROLE)
    answer = get(cache, "v1", "there/base/app")
    assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    assert "answered 403" in answer.message
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    with cache.emulator.transaction(OTHER, "eu-west-1") as context:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        set_repository_policy(context, {"repositoryName": "base/app", "policyText": policy})
    answer = get(cache, "v1", "there/base/app")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (200, image.digest)


def test_names_are_mapped(cache: Registry, upstream: Registry) -> None:
    push(upstream, "v1")
    rule(cache, "short", upstreamRegistryUrl=upstream.address, credentialArn=SECRET, upstreamRepositoryPrefix="team")
    assert get(cache, "v1", "short/app").status == 200
    assert get(cache, "v1", "shorter/app").status == 404


def test_rules_are_kept_changed_listed_and_deleted(cache: Registry, upstream: Registry) -> None:
    errors = {
        ("cache", upstream.address, None): "PullThroughCacheRuleAlreadyExistsException",
        ("cache/sub", upstream.address, None): "PullThroughCacheRuleAlreadyExistsException",
        ("hub", "registry-1.docker.io", None): "ValidationException",
        ("private", upstream.address, SECRET + "x"): "SecretNotFoundException",
        ("nowhere", "::::", None): "UnsupportedUpstreamRegistryException",
        ("nowhere", "file:///etc", None): "UnsupportedUpstreamRegistryException",
        ("nowhere", "quay.io/team", None): "UnsupportedUpstreamRegistryException",
    }
    for (prefix, url, secret), code in errors.items():
        request = {"upstreamRegistryUrl": url} | ({"credentialArn": secret} if secret else {})
        with pytest.raises(Exception, match=r".") as error:
            rule(cache, prefix, **request)
        assert type(error.value).__name__ == code
    with pytest.raises(Exception, match="has the URL"):
        rule(cache, "q", upstreamRegistryUrl="example.org", upstreamRegistry="quay")
    assert rule(cache, "quay", upstreamRegistryUrl="quay.io")["upstreamRegistry"] == "quay"
    page = do(cache, "DescribePullThroughCacheRules", maxResults=1)
    rest = do(cache, "DescribePullThroughCacheRules", nextToken=page["nextToken"])
    listed = [*page["pullThroughCacheRules"], *rest["pullThroughCacheRules"]]
    assert [item["ecrRepositoryPrefix"] for item in listed] == ["cache", "quay"]
    assert (
        do(cache, "UpdatePullThroughCacheRule", ecrRepositoryPrefix="quay", customRoleArn=ROLE)["customRoleArn"] == ROLE
    )
    assert do(cache, "ValidatePullThroughCacheRule", ecrRepositoryPrefix="cache")["isValid"]
    secrets(cache)[SECRET] = "no JSON"
    judged = do(cache, "ValidatePullThroughCacheRule", ecrRepositoryPrefix="cache")
    assert (judged["isValid"], "username" in judged["failure"]) == (False, True)
    do(cache, "DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    with pytest.raises(Exception, match="does not exist"):
        do(cache, "DescribePullThroughCacheRules", ecrRepositoryPrefixes=["quay"])

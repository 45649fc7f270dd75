"""Images arrive in other regions and accounts, as the configuration says and policies allow."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.errors import (
    InvalidParameterException,
    ReplicationBackfillInProgressException,
    ReplicationBackfillInvalidStatusException,
    ReplicationBackfillNotFoundException,
    RepositoryNotFoundException,
    ValidationException,
)
from emulator.ecr.replication_rules import Destination, destinations_of
from tests.emulator.ecr.emulators import ACCOUNT, REGION
from tests.emulator.ecr.stages import NAME, Stage, ecr_stage

FAR, OTHER = "us-west-2", "444455556666"


def play(folder: Path, story: Callable[[Stage], Awaitable[None]]) -> None:
    async def told() -> None:
        async with ecr_stage(folder) as stage:
            await story(stage)

    asyncio.run(told())


def to(region: str = FAR, account: str = ACCOUNT, prefix: str | None = None, **members: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account}], **members}
    if prefix is not None:
        rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return rule


def configure(stage: Stage, *rules: dict[str, Any]) -> None:
    stage.do("PutReplicationConfiguration", replicationConfiguration={"rules": list(rules)})


def statuses(stage: Stage, digest: str) -> list[dict[str, str]]:
    found = stage.do("DescribeImageReplicationStatus", repositoryName=NAME, imageId={"imageDigest": digest})
    return list(found["replicationStatuses"])


def far_tags(stage: Stage, region: str = FAR, account: str = ACCOUNT) -> list[str]:
    ids = stage.do("ListImages", account, region, repositoryName=NAME)["imageIds"]
    return sorted(item.get("imageTag", "<untagged>") for item in ids)


def test_rules() -> None:
    rules = {"rules": [to(prefix="team/"), to("eu-north-1"), to(deleteReplication={"enabled": True}, prefix="team/a")]}
    assert destinations_of(rules, "team/app") == {
        Destination(ACCOUNT, FAR): True,
        Destination(ACCOUNT, "eu-north-1"): False,
    }
    assert destinations_of(rules, "other") == {Destination(ACCOUNT, "eu-north-1"): False}


def test_what_is_pushed_afterwards_arrives(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        before = stage.push("before")
        configure(stage, to(prefix="team/"))
        digest = stage.push("v1", "latest")
        assert statuses(stage, digest) == [{"region": FAR, "registryId": ACCOUNT, "status": "IN_PROGRESS"}]
        await stage.settle()
        assert statuses(stage, digest) == [{"region": FAR, "registryId": ACCOUNT, "status": "COMPLETE"}]
        assert statuses(stage, before) == []
        assert far_tags(stage) == ["latest", "v1"]
        asked = {"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]}
        here, there = (stage.do("BatchGetImage", ACCOUNT, region, **asked)["images"][0] for region in (REGION, FAR))
        assert here["imageManifest"] == there["imageManifest"]
        layers = [item["digest"] for item in json.loads(there["imageManifest"])["layers"]]
        checked = stage.do("BatchCheckLayerAvailability", ACCOUNT, FAR, repositoryName=NAME, layerDigests=layers)
        assert [item["layerAvailability"] for item in checked["layers"]] == ["AVAILABLE"]
        assert [event["image-tag"] for event in stage.told("ECR Replication Action")] == ["latest", "v1"]

    play(tmp_path, story)


def test_nothing_is_replicated_on(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        configure(stage, to())
        stage.do("PutReplicationConfiguration", ACCOUNT, FAR, replicationConfiguration={"rules": [to("eu-north-1")]})
        stage.push("v1")
        await stage.settle()
        assert far_tags(stage) == ["v1"]
        with pytest.raises(RepositoryNotFoundException):
            far_tags(stage, "eu-north-1")

    play(tmp_path, story)


def test_another_account_must_let_it_in(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        configure(stage, to(account=OTHER))
        refused = stage.push("v1")
        await stage.settle()
        assert statuses(stage, refused)[0] == {
            "region": FAR,
            "registryId": OTHER,
            "status": "FAILED",
            "failureCode": "AccessDenied",
        }
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
            "Resource": f"arn:aws:ecr:{FAR}:{OTHER}:repository/*",
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        stage.do("PutRegistryPolicy", OTHER, FAR, policyText=text)
        stage.push("v2")
        await stage.settle()
        assert far_tags(stage, account=OTHER) == ["v2"]

    play(tmp_path, story)


def test_an_immutable_tag_at_the_destination_stays(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.do("CreateRepository", ACCOUNT, FAR, repositoryName=NAME, imageTagMutability="IMMUTABLE")
        configure(stage, to())
        stage.push("v1")
        await stage.settle()
        second = stage.push("v1")
        await stage.settle()
        assert statuses(stage, second)[0]["status"] == "FAILED"
        assert far_tags(stage) == ["v1"]

    play(tmp_path, story)


def test_deletions_follow_only_where_a_rule_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        configure(stage, to(), to("eu-north-1", deleteReplication={"enabled": True}))
        stage.push("v1")
        await stage.settle()
        stage.do("BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
        await stage.settle()
        assert (far_tags(stage), far_tags(stage, "eu-north-1")) == (["v1"], [])

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (to(REGION), "Replication destination cannot be the same as the source registry"),
        (to("middle-earth"), "Invalid destination region name: 'middle-earth'"),
    ],
)
def test_bad_destinations(tmp_path: Path, rule: dict[str, Any], message: str) -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(InvalidParameterException, match=message):
            configure(stage, rule)
        assert stage.do("DescribeRegistry") == {"registryId": ACCOUNT, "replicationConfiguration": {"rules": []}}

    play(tmp_path, story)


def test_a_template_shapes_the_repository_at_the_destination(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.do(
            "CreateRepositoryCreationTemplate",
            ACCOUNT,
            FAR,
            prefix="team",
            appliedFor=["REPLICATION"],
            imageTagMutability="IMMUTABLE",
        )
        configure(stage, to())
        stage.push("v1")
        await stage.settle()
        (made,) = stage.do("DescribeRepositories", ACCOUNT, FAR)["repositories"]
        assert made["imageTagMutability"] == "IMMUTABLE"

    play(tmp_path, story)


def test_a_backfill_brings_what_was_pushed_before(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(25):
            stage.push(f"v{number}")
        destination = {"region": FAR, "registryId": ACCOUNT}
        with pytest.raises(ValidationException):
            stage.do("StartReplicationBackfill", destination=destination)
        configure(stage, to())
        begun = stage.do("StartReplicationBackfill", destination=destination)
        assert begun["status"] == "PREPARING"
        with pytest.raises(ReplicationBackfillInProgressException):
            stage.do("StartReplicationBackfill", destination=destination)
        await stage.settle()
        assert len(far_tags(stage)) == 25
        (listed,) = stage.do("ListReplicationBackfills")["backfills"]
        assert listed["status"] == "COMPLETE"
        assert listed["progress"] == {
            "totalReplicationCount": 25,
            "completedReplicationCount": 25,
            "failedReplicationCount": 0,
            "failureCodes": [],
        }
        asked = {"replicationBackfillId": begun["replicationBackfillId"]}
        page = stage.do("DescribeReplicationBackfillResults", maxResults=20, **asked)
        rest = stage.do("DescribeReplicationBackfillResults", nextToken=page["nextToken"], **asked)
        assert (len(page["results"]), len(rest["results"])) == (20, 5)
        with pytest.raises(ReplicationBackfillInvalidStatusException):
            stage.do("StopReplicationBackfill", **asked)
        with pytest.raises(ReplicationBackfillNotFoundException):
            stage.do("StopReplicationBackfill", replicationBackfillId="00000000-0000-0000-0000-000000000000")

    play(tmp_path, story)


def test_a_stopped_backfill_goes_no_further(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("v1")
        configure(stage, to())
        begun = stage.do("StartReplicationBackfill", destination={"region": FAR, "registryId": ACCOUNT})
        asked = {"replicationBackfillId": begun["replicationBackfillId"]}
        assert stage.do("StopReplicationBackfill", **asked)["status"] == "STOPPING"
        await stage.settle()
        assert stage.do("DescribeReplicationBackfillResults", **asked)["status"] == "STOPPED"
        with pytest.raises(RepositoryNotFoundException):
            far_tags(stage)

    play(tmp_path, story)

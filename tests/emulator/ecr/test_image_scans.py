"""Scans asked for, made on push and shown; the registry's rules."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.errors import (
    ImageArchivedException,
    LimitExceededException,
    ScanNotFoundException,
    UnsupportedImageTypeException,
    ValidationException,
)
from emulator.ecr.images import Push, store_image
from emulator.ecr.repositories import find_repository
from emulator.ecr.scanning.rules import scanning_of
from tests.emulator.ecr.emulators import ACCOUNT, REGION, add_image, index_manifest, text
from tests.emulator.ecr.scanning.images import FILES, feed, tar
from tests.emulator.ecr.stages import NAME, Stage, ecr_stage

ALL = [{"filter": "*", "filterType": "WILDCARD"}]


@pytest.fixture(autouse=True)
def _no_scanner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def play(folder: Path, story: Callable[[Stage], Awaitable[None]], *, fed: bool = True) -> None:
    async def told() -> None:
        async with ecr_stage(folder) as stage:
            if fed:
                update = {"vulnerability_feed": feed(folder)}
                stage.emulator.settings = stage.emulator.settings.model_copy(update=update)
            await story(stage)

    asyncio.run(told())


def findings(stage: Stage, tag: str = "v1", **page: Any) -> Any:
    return stage.do("DescribeImageScanFindings", repositoryName=NAME, imageId={"imageTag": tag}, **page)


def test_a_scan_that_is_asked_for(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("v1", layer=tar(FILES, compressed=True))
        with pytest.raises(ScanNotFoundException, match="Image scan does not exist for the image with"):
            findings(stage)
        begun = stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})
        assert begun["imageScanStatus"] == {"status": "IN_PROGRESS"}
        await stage.settle()
        found = findings(stage)
        assert found["imageScanStatus"] == {"status": "COMPLETE", "description": "The scan was completed successfully."}
        assert found["imageScanFindings"]["findingSeverityCounts"] == {"CRITICAL": 1}
        (finding,) = found["imageScanFindings"]["findings"]
        assert (finding["name"], finding["severity"]) == ("CVE-2024-0001", "CRITICAL")
        assert {"key": "package_name", "value": "libssl3"} in finding["attributes"]
        (detail,) = stage.do("DescribeImages", repositoryName=NAME)["imageDetails"]
        assert detail["imageScanStatus"]["status"] == "COMPLETE"
        assert detail["imageScanFindingsSummary"]["findingSeverityCounts"] == {"CRITICAL": 1}
        (event,) = stage.told("ECR Image Scan")
        assert (event["finding-severity-counts"], event["image-tags"]) == ({"CRITICAL": 1}, ["v1"])
        with pytest.raises(LimitExceededException, match="The scan quota per image has been exceeded"):
            stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})
        await stage.advance(days=1)
        stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})

    play(tmp_path, story)


def test_without_a_feed_it_fails_and_says_why(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("v1", layer=tar(FILES))
        stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})
        await stage.settle()
        found = findings(stage)
        assert found["imageScanStatus"]["status"] == "FAILED"
        assert "ASHORE_VULNERABILITY_FEED" in found["imageScanStatus"]["description"]
        assert "imageScanFindings" not in found
        assert stage.told("ECR Image Scan") == []
        stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})

    play(tmp_path, story, fed=False)


def test_what_cannot_be_scanned(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with stage.emulator.transaction(ACCOUNT, REGION) as context:
            repository = find_repository(context, NAME)
            child = add_image(context, NAME)
            store_image(context, repository, Push(child.encode(), tags=["child"]))
            store_image(context, repository, Push(text(index_manifest([child])).encode(), tags=["index"]))
        with pytest.raises(UnsupportedImageTypeException):
            stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "index"})
        stage.push("old")
        stage.do(
            "UpdateImageStorageClass", repositoryName=NAME, imageId={"imageTag": "old"}, targetStorageClass="ARCHIVE"
        )
        with pytest.raises(ImageArchivedException):
            stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "old"})

    play(tmp_path, story)


def test_on_push(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("before", layer=tar(FILES))
        stage.do("PutImageScanningConfiguration", repositoryName=NAME, imageScanningConfiguration={"scanOnPush": True})
        stage.push("v1", layer=tar({**FILES, "x": b""}))
        await stage.settle()
        assert findings(stage)["imageScanStatus"]["status"] == "COMPLETE"
        with pytest.raises(ScanNotFoundException):
            findings(stage, "before")
        stage.do("BatchDeleteImage", repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
        stage.push("v1", layer=tar({**FILES, "x": b""}))
        await stage.settle()
        assert len(stage.told("ECR Image Scan")) == 2

    play(tmp_path, story)


def test_enhanced_and_continuous(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        rules = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": ALL}]
        stage.do("PutRegistryScanningConfiguration", scanType="ENHANCED", rules=rules)
        await stage.settle()
        (change,) = stage.told("ECR Scan Resource Change")
        assert change["repositories"][0]["scan-frequency"] == "CONTINUOUS_SCAN"
        stage.push("v1", layer=tar(FILES))
        assert findings(stage)["imageScanStatus"] == {"status": "PENDING"}
        await stage.settle()
        found = findings(stage)
        expected = {"status": "ACTIVE", "description": "Continuous scan is selected for image."}
        assert found["imageScanStatus"] == expected
        (finding,) = found["imageScanFindings"]["enhancedFindings"]
        assert finding["packageVulnerabilityDetails"]["vulnerabilityId"] == "CVE-2024-0001"
        assert finding["fixAvailable"] == "YES"
        with pytest.raises(ValidationException, match="This feature is disabled"):
            stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})
        await stage.advance(days=1, minutes=1)
        (again,) = findings(stage)["imageScanFindings"]["enhancedFindings"]
        assert again["firstObservedAt"] == finding["firstObservedAt"]
        assert again["lastObservedAt"] - finding["lastObservedAt"] == timedelta(days=1)
        feed(
            tmp_path,
            {
                "id": "CVE-9",
                "affected": [{"package": {"ecosystem": "Debian", "name": "bash"}, "versions": ["5.2.15-2+b2"]}],
            },
        )
        await stage.advance(days=1, minutes=1)
        (finding,) = findings(stage)["imageScanFindings"]["enhancedFindings"]
        assert finding["packageVulnerabilityDetails"]["vulnerabilityId"] == "CVE-9"

    play(tmp_path, story)


def test_images_that_were_there_are_taken_in_by_a_continuous_scan(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.push("old", layer=tar({**FILES, "old": b""}))
        await stage.advance(days=31)
        for number in range(60):
            stage.push(f"v{number}", layer=tar({**FILES, str(number): b""}))
        rules = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": ALL}]
        stage.do("PutRegistryScanningConfiguration", scanType="ENHANCED", rules=rules)
        await stage.settle()
        assert {findings(stage, f"v{number}")["imageScanStatus"]["status"] for number in range(60)} == {"ACTIVE"}
        with pytest.raises(ScanNotFoundException):
            findings(stage, "old")

    play(tmp_path, story)


def test_findings_come_in_pages(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        affected = [{"package": {"ecosystem": "Debian", "name": "bash"}, "versions": ["5.2.15-2+b2"]}]
        feed(tmp_path, *({"id": f"CVE-{number}", "affected": affected} for number in range(5)))
        stage.push("v1", layer=tar(FILES))
        stage.do("StartImageScan", repositoryName=NAME, imageId={"imageTag": "v1"})
        await stage.settle()
        page = findings(stage, maxResults=3)
        rest = findings(stage, maxResults=3, nextToken=page["nextToken"])
        names = [
            item["name"] for item in (*page["imageScanFindings"]["findings"], *rest["imageScanFindings"]["findings"])
        ]
        assert names == [f"CVE-{number}" for number in range(5)]

    play(tmp_path, story)


def test_the_registrys_configuration(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        default = stage.do("GetRegistryScanningConfiguration")
        assert default["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
        rules = [
            {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "team/*", "filterType": "WILDCARD"}]}
        ]
        stage.do("PutRegistryScanningConfiguration", scanType="BASIC", rules=rules)
        batch = stage.do("BatchGetRepositoryScanningConfiguration", repositoryNames=[NAME, "absent"])
        (shown,) = batch["scanningConfigurations"]
        assert (shown["scanOnPush"], shown["scanFrequency"]) == (True, "SCAN_ON_PUSH")
        assert shown["appliedScanFilters"] == rules[0]["repositoryFilters"]
        assert batch["failures"] == [
            {
                "repositoryName": "absent",
                "failureCode": "REPOSITORY_NOT_FOUND",
                "failureReason": "REPOSITORY_NOT_FOUND",
            }
        ]
        continuous = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": ALL}]
        for bad in (
            continuous,
            [*rules, *rules],
            [{**rules[0], "repositoryFilters": [{**ALL[0], "filter": "*a*b*c*d*"}]}],
        ):
            with pytest.raises(ValidationException):
                stage.do("PutRegistryScanningConfiguration", scanType="BASIC", rules=bad)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("kind", "frequencies", "own", "expected"),
    [
        ("BASIC", [], False, "MANUAL"),
        ("BASIC", [], True, "SCAN_ON_PUSH"),
        ("BASIC", ["SCAN_ON_PUSH"], False, "SCAN_ON_PUSH"),
        ("ENHANCED", [], True, "MANUAL"),
        ("ENHANCED", ["SCAN_ON_PUSH", "CONTINUOUS_SCAN"], False, "CONTINUOUS_SCAN"),
    ],
)
def test_what_holds_for_a_repository(kind: str, frequencies: list[str], own: bool, expected: str) -> None:
    rules = [{"scanFrequency": item, "repositoryFilters": ALL} for item in frequencies]
    assert scanning_of({"scanType": kind, "rules": rules}, "x", scan_on_push=own).frequency == expected

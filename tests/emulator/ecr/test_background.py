"""A server that dies right after a commit does, after its restart, what the commit asked for."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.background import Background
from emulator.state.ecr_registry import BackfillRow
from tests.emulator.ecr.emulators import ACCOUNT, ecr_emulator
from tests.emulator.ecr.scanning.images import FILES, feed, tar
from tests.emulator.ecr.stages import NAME, Stage

FAR = {"region": "us-west-2", "registryId": ACCOUNT}
IMAGE: dict[str, Any] = {"repositoryName": NAME, "imageId": {"imageTag": "v1"}}


def test_what_was_wanted_is_done_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    first = ecr_emulator(tmp_path / "state")
    stage = Stage(first)
    stage.do("CreateRepository", repositoryName=NAME, imageScanningConfiguration={"scanOnPush": True})
    stage.do("PutReplicationConfiguration", replicationConfiguration={"rules": [{"destinations": [FAR]}]})
    stage.push("v1", layer=tar(FILES))
    stage.do("StartReplicationBackfill", destination=FAR)
    first.store.close()

    async def second() -> None:
        emulator = ecr_emulator(tmp_path / "state")
        update: dict[str, Any] = {"vulnerability_feed": feed(tmp_path)}
        emulator.settings = emulator.settings.model_copy(update=update)
        again = Stage(emulator)
        Background(emulator).start()
        emulator.loops.start()
        await again.settle()
        found = again.do("DescribeImageScanFindings", **IMAGE)
        assert found["imageScanFindings"]["findingSeverityCounts"] == {"CRITICAL": 1}
        replicas = again.do("DescribeImageReplicationStatus", **IMAGE)["replicationStatuses"]
        assert [item["status"] for item in replicas] == ["COMPLETE"]
        with emulator.store.begin() as session:
            assert [row.status for row in session.query(BackfillRow)] == ["COMPLETE"]
        assert [event["action-type"] for event in again.told("ECR Image Action")] == ["PUSH"]
        await emulator.loops.stop()
        emulator.store.close()

    asyncio.run(second())

"""The main job with the state on PostgreSQL: push, run, replace, kill -9, restart."""

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from emulator.state.store import DatabaseInUseError, DatabaseUnreachableError, Store
from tests.postgresql import binaries, cluster
from tests.running import RunningServer, free_port

pytestmark = [pytest.mark.postgresql]
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def ask(server: RunningServer, method: str, path: str, body: bytes = b"", media_type: str | None = None) -> Any:
    """One request to the registry, as its user; the answer, read."""
    token = server.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    headers = {"Authorization": f"Basic {token}", **({} if media_type is None else {"Content-Type": media_type})}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def push(server: RunningServer, name: str, tag: str) -> str:
    """Push an image of one layer by the distribution routes; its digest."""
    layer = b"layer of " + name.encode()
    for content in (CONFIG, layer):
        location = ask(server, "POST", f"/v2/{name}/blobs/uploads/").headers["Location"]
        path = location[location.index("/v2/") :]
        joined = f"{path}{'&' if '?' in path else '?'}digest={digest_of(content)}"
        assert ask(server, "PUT", joined, content, "application/octet-stream").status == 201
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor("application/vnd.oci.image.config.v1+json", CONFIG),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }
    ).encode()
    assert ask(server, "PUT", f"/v2/{name}/manifests/{tag}", manifest, MANIFEST_TYPE).status == 201
    return digest_of(manifest)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content)}


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database of a cluster of its own."""
    tools = binaries()
    if tools is None:
        if os.environ.get("ASHORE_TESTS_NEED_ENGINE"):
            pytest.fail("PostgreSQL's tests must run here: no initdb in /usr/lib/postgresql/*/bin")
        pytest.skip("no PostgreSQL: no initdb in /usr/lib/postgresql/*/bin (Debian's package postgresql)")
    with cluster(tools) as url:
        yield url


@pytest.fixture
def server(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setenv("DATABASE_URL", database)
    running = RunningServer(tmp_path / "state", runtime="simulated", preset="demo", journal_entries="1000")
    yield running
    running.stop()


def test_the_main_job_survives_kill_9(server: RunningServer) -> None:
    ecr, ecs = server.client("ecr"), server.client("ecs")
    uri = ecr.create_repository(repositoryName="web")["repository"]["repositoryUri"]
    digest = push(server, "web", "v1")
    assert [image["imageDigest"] for image in ecr.list_images(repositoryName="web")["imageIds"]] == [digest]
    container = {"name": "app", "image": f"{uri}:v1", "cpu": 128, "memory": 64}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=3)

    def steady(count: int) -> bool:
        service = ecs.describe_services(services=["web"])["services"][0]
        return bool(service["runningCount"] == count and service["deployments"][0]["rolloutState"] == "COMPLETED")

    server.wait_until(lambda: steady(3))
    before = set(ecs.list_tasks(serviceName="web")["taskArns"])
    server.kill()
    server.start()
    assert set(ecs.list_tasks(serviceName="web")["taskArns"]) == before
    assert ecr.describe_images(repositoryName="web")["imageDetails"][0]["imageDigest"] == digest
    ecs.stop_task(task=min(before))
    ecs.update_service(service="web", desiredCount=5)
    server.wait_until(lambda: steady(5) and len(ecs.list_tasks(serviceName="web")["taskArns"]) == 5)
    assert "was placed on" in server.run("ashore", "explain", "web")
    assert server.admin("GET", "journal?kind=fault")["entries"] == []
    server.admin("POST", "reset")
    assert ecs.list_services()["serviceArns"] == []
    assert len(ecs.list_container_instances()["containerInstanceArns"]) == 6


def test_sizes_beyond_four_gigabytes_are_kept(server: RunningServer, database: str) -> None:
    del server  # it has the tables made
    engine = create_engine(database)
    columns = {column["name"]: str(column["type"]) for column in inspect(engine).get_columns("ecr_image")}
    engine.dispose()
    assert columns["size_bytes"] == "BIGINT"


def test_a_database_has_one_server(database: str, tmp_path: Path) -> None:
    first = Store(database, tmp_path / "one")
    with pytest.raises(DatabaseInUseError, match="another server uses the database"):
        Store(database, tmp_path / "two")
    first.close()
    Store(database, tmp_path / "two").close()


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ashore:secret@127.0.0.1:{free_port()}/postgres"
    with pytest.raises(DatabaseUnreachableError, match="cannot be reached") as raised:
        Store(url, tmp_path)
    assert "secret" not in str(raised.value)

"""`ashore ecr` and the registry of a whole server, killed in the middle of a push."""

import base64
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.blobs import digest_of
from tests.api.routes.registry_servers import Answer, ask
from tests.emulator.ecr.emulators import CONFIG, image_manifest, index_manifest, text
from tests.running import RunningServer, wait_until

LAYER = b"layer" * 400
MANIFEST = text(image_manifest([LAYER]))
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DIGEST = digest_of(MANIFEST.encode())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", runtime="simulated")
    yield running
    running.stop()


class Pusher:
    """Pushes with a password of the API's."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        (data,) = server.client("ecr").get_authorization_token()["authorizationData"]
        self.password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self._server.port, self.password, method, path, body, sent)

    def image(self, tag: str) -> None:
        for content in (CONFIG, LAYER):
            answer = self("POST", f"/v2/team/app/blobs/uploads/?digest={digest_of(content)}", content)
            assert answer.status == 201
        assert self("PUT", f"/v2/team/app/manifests/{tag}", MANIFEST, Content_Type=OCI).status == 201


@pytest.fixture
def push(server: RunningServer) -> Pusher:
    server.client("ecr").create_repository(repositoryName="team/app")
    return Pusher(server)


def test_an_empty_registry_says_how_to_push(server: RunningServer) -> None:
    told = server.run("ashore", "ecr", "ls")
    assert "no repositories yet" in told
    assert f"docker push localhost:{server.port}/my-app:latest" in told
    assert "aws ecr create-repository --repository-name other" in server.run("ashore", "ecr", "push-commands", "other")


def test_looking(server: RunningServer, push: Pusher) -> None:
    push.image("v1")
    push.image("v2")
    index = text(index_manifest([MANIFEST]))
    assert push("PUT", "/v2/team/app/manifests/all", index, Content_Type=INDEX).status == 201
    (row,) = json.loads(server.run("ashore", "ecr", "ls", "-o", "json"))
    assert (row["name"], row["images"], row["tags"]) == ("team/app", 2, 3)
    assert row["sizeBytes"] == len(CONFIG) + len(LAYER)
    assert "create-repository" not in server.run("ashore", "ecr", "push-commands", "team/app")
    told = server.run("ashore", "ecr", "inspect", "team/app:v1")
    assert f"team/app@{DIGEST}" in told
    assert "tags     v1, v2" in told
    assert digest_of(LAYER) in told
    assert "2.0 KiB" in told
    view = json.loads(server.run("ashore", "ecr", "inspect", f"localhost:{server.port}/team/app:all", "-o", "json"))
    assert view["images"] == [{"digest": DIGEST, "platform": ""}]
    done = subprocess.run(
        ["ashore", "ecr", "inspect", "team/app"],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6
    assert "no image team/app:latest" in done.stderr


def test_what_is_garbage_goes_when_it_has_waited(server: RunningServer, push: Pusher) -> None:
    push.image("v1")
    server.client("ecr").batch_delete_image(repositoryName="team/app", imageIds=[{"imageTag": "v1"}])
    assert json.loads(server.run("ashore", "ecr", "gc", "-o", "json")) == []
    server.admin("POST", "clock", {"advance": 20 * 3600})
    told = Pusher(server)("HEAD", f"/v2/team/app/blobs/{digest_of(LAYER)}")
    assert told.status == 200  # somebody counts on it from now on
    server.admin("POST", "clock", {"advance": 10 * 3600})
    assert digest_of(CONFIG) in server.run("ashore", "ecr", "gc", "--dry-run")
    assert f"✓ freed {len(CONFIG)} B" in server.run("ashore", "ecr", "gc")
    assert f"✓ 1 layers verified ({len(LAYER) / 1024:.1f} KiB)" in server.run("ashore", "ecr", "fsck")
    server.admin("POST", "clock", {"advance": 15 * 24 * 3600})
    assert json.loads(server.run("ashore", "ecr", "ls", "-o", "json"))[0]["sizeBytes"] == 0


def test_a_broken_file_is_found_and_mended_by_the_next_push(
    server: RunningServer, push: Pusher, tmp_path: Path
) -> None:
    push.image("v1")
    digest = digest_of(LAYER)
    path = tmp_path / "state" / "ecr" / "blobs" / "sha256" / digest[7:9] / digest[7:]
    path.write_bytes(b"other" * 400)
    done = subprocess.run(
        ["ashore", "ecr", "fsck", "--repair"], env=server.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6
    assert f"file corrupt: {digest}" in done.stdout
    assert push("HEAD", f"/v2/team/app/blobs/{digest}").status == 404
    push.image("v1")
    assert "✓ 2 layers verified" in server.run("ashore", "ecr", "fsck")


def test_killed_in_the_middle_of_a_push(server: RunningServer, push: Pusher, tmp_path: Path) -> None:
    push.image("v1")
    location = push("POST", "/v2/team/app/blobs/uploads/").headers["Location"]
    file = tmp_path / "state" / "ecr" / "uploads" / location.rpartition("/")[2]
    basic = base64.b64encode(f"AWS:{push.password}".encode()).decode()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = (
            f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nAuthorization: Basic {basic}\r\n\r\n"
        )
        connection.sendall(head.encode() + bytes(5_000_000))
        wait_until(lambda: file.stat().st_size >= 1 << 20)
        server.kill()
    server.start()
    assert "✓ 2 layers verified" in server.run("ashore", "ecr", "fsck")
    arrived = int(push("GET", location).headers["Range"].partition("-")[2]) + 1
    assert push("PATCH", location, bytes(6_000_000 - arrived)).status == 202
    assert push("PUT", f"{location}?digest={digest_of(bytes(6_000_000))}").status == 201
    assert push("GET", "/v2/team/app/manifests/v1").body == MANIFEST.encode()
    assert "✓ 3 layers verified" in server.run("ashore", "ecr", "fsck")

"""Debian's docker-registry as the upstream of a running server's pull-through cache."""

import base64
import hashlib
import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.ecr.emulators import CONFIG, image_manifest, text
from tests.running import RunningServer, free_port, wait_until

PROGRAM = shutil.which("docker-registry")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Debian's docker-registry is not installed")


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/upstream\n"
        f"http:\n  addr: 127.0.0.1:{port}\nlog:\n  level: error\n",
        encoding="utf-8",
    )
    assert PROGRAM is not None
    with subprocess.Popen([PROGRAM, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port))
            yield port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/v2/")[0] == 200
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = response.status, response.read(), response.headers.get("Location", "")
    connection.close()
    return answer


def push(port: int, name: str, tag: str, layer: bytes) -> bytes:
    for blob in (CONFIG, layer):
        location = ask(port, "POST", f"/v2/{name}/blobs/uploads/")[2].partition(f":{port}")[2]
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        assert ask(port, "PUT", f"{location}&digest={digest}", blob)[0] == 201
    manifest = text(image_manifest([layer])).encode()
    kind = "application/vnd.oci.image.manifest.v1+json"
    assert ask(port, "PUT", f"/v2/{name}/manifests/{tag}", manifest, Content_Type=kind)[0] == 201
    return manifest


def test_an_image_of_docker_registry_comes_through(tmp_path: Path, upstream: int) -> None:
    manifest = push(upstream, "library/hello", "1.0", b"hello" * 1000)
    server = RunningServer(tmp_path / "state", runtime="simulated")
    try:
        ecr = server.client("ecr")
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="hub", upstreamRegistryUrl=f"localhost:{upstream}", upstreamRepositoryPrefix="library"
        )
        assert "hub" in server.run("aws", "ecr", "describe-pull-through-cache-rules")
        (image,) = ecr.batch_get_image(repositoryName="hub/hello", imageIds=[{"imageTag": "1.0"}])["images"]
        assert image["imageManifest"].encode() == manifest
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="gone", upstreamRegistryUrl="127.0.0.1:1")
        with pytest.raises(ecr.exceptions.UnableToGetUpstreamImageException, match="cannot be reached"):
            ecr.batch_get_image(repositoryName="gone/hello", imageIds=[{"imageTag": "1.0"}])
        ecr.delete_repository(repositoryName="hub/hello", force=True)
        password = server.run("aws", "ecr", "get-login-password").strip()
        basic = "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()
        assert ask(server.port, "GET", "/v2/hub/hello/manifests/1.0", Authorization=basic)[:2] == (200, manifest)
        layer = json.loads(manifest)["layers"][0]["digest"]
        got = ask(server.port, "GET", f"/v2/hub/hello/blobs/{layer}", Authorization=basic)
        assert got[:2] == (200, b"hello" * 1000)
        details = ecr.describe_images(repositoryName="hub/hello")["imageDetails"]
        assert [item["imageTags"] for item in details] == [["1.0"]]
    finally:
        server.stop()

"""Programs of others against the registry of a whole server: buildah, podman, skopeo (Debian), oras (PyPI), docker.

crane and helm are not tried: neither Debian 12 nor PyPI nor npm has a package of theirs.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.ecr.blobs import digest_of
from tests.running import RunningServer

pytestmark = pytest.mark.docker

REPOSITORIES = ("app", "copy", "team/app")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("clients") / "state", runtime="simulated")
    for name in REPOSITORIES:
        running.client("ecr").create_repository(repositoryName=name)
    yield running
    running.stop()


@dataclass(frozen=True, slots=True)
class Tools:
    """Command lines with credentials, and storage of their own in `folder`."""

    server: RunningServer
    folder: Path
    password: str

    @property
    def host(self) -> str:
        return f"localhost:{self.server.port}"

    def skopeo(self, command: str, *arguments: str) -> str:
        if command == "copy":
            sides = [f"--{side}-{option}" for side in ("src", "dest") for option in ("tls-verify=false", self._creds)]
            return run("skopeo", command, *sides, *arguments)
        return run("skopeo", command, "--tls-verify=false", f"--{self._creds}", *arguments)

    def storage(self, program: str, *arguments: str) -> str:
        """A command of buildah or podman."""
        roots = [f"--root={self.folder / program}", f"--runroot={self.folder / program}-run", "--storage-driver=vfs"]
        return run(program, *roots, *arguments)

    def moving(self, program: str, verb: str, *arguments: str) -> str:
        """A push or a pull of theirs."""
        return self.storage(program, *verb.split(), "--tls-verify=false", f"--{self._creds}", *arguments)

    @property
    def _creds(self) -> str:
        return f"creds=AWS:{self.password}"

    def build(self, name: str, arch: str = "amd64") -> str:
        """An image with busybox, in buildah's storage."""
        container = self.storage("buildah", "from", "--arch", arch, "scratch").strip()
        self.storage("buildah", "copy", container, "/bin/busybox", "/busybox")
        self.storage("buildah", "config", "--cmd", f'["/busybox","echo","{arch}"]', "--arch", arch, container)
        self.storage("buildah", "commit", "--rm", container, name)
        return name

    def raw(self, image: str) -> str:
        """A manifest as the registry gives it."""
        return self.skopeo("inspect", "--raw", f"docker://{self.host}/{image}")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def tools(server: RunningServer) -> Iterator[Tools]:
    missing = [name for name in ("skopeo", "buildah", "podman", "busybox") if shutil.which(name) is None]
    if missing and not os.environ.get("ASHORE_TESTS_NEED_ENGINE"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing, f"not installed: {', '.join(missing)}"
    (data,) = server.client("ecr").get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    with tempfile.TemporaryDirectory(prefix="ashore-") as folder:  # podman takes 50 characters at most
        yield Tools(server, Path(folder), password)


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_buildah_pushes_podman_pulls_and_skopeo_looks(tools: Tools, form: str) -> None:
    tools.build("made")
    tools.moving("buildah", "push", f"--format={form}", "made", f"docker://{tools.host}/app:{form}")
    tools.moving("podman", "pull", f"{tools.host}/app:{form}")
    built = json.loads(tools.storage("buildah", "inspect", "--type=image", "made"))["FromImageID"]
    assert tools.storage("podman", "image", "inspect", "--format={{.Id}}", f"{tools.host}/app:{form}").strip() == built
    shown = json.loads(tools.skopeo("inspect", f"docker://{tools.host}/app:{form}"))
    assert form in shown["RepoTags"]
    (detail,) = tools.server.client("ecr").describe_images(repositoryName="app", imageIds=[{"imageTag": form}])[
        "imageDetails"
    ]
    assert (detail["imageDigest"], "lastRecordedPullTime" in detail) == (shown["Digest"], True)


def test_podman_pushes_what_it_pulled(tools: Tools) -> None:
    tools.build("made")
    tools.moving("buildah", "push", "made", f"docker://{tools.host}/app:first")
    tools.moving("podman", "pull", f"{tools.host}/app:first")
    tools.storage("podman", "tag", f"{tools.host}/app:first", f"{tools.host}/team/app:second")
    tools.moving("podman", "push", f"{tools.host}/team/app:second")
    first, second = json.loads(tools.raw("app:first")), json.loads(tools.raw("team/app:second"))
    assert first["config"]["digest"] == second["config"]["digest"]


def test_skopeo_copies_by_digest_and_deletes(tools: Tools) -> None:
    tools.build("made")
    tools.moving("buildah", "push", "made", f"docker://{tools.host}/app:v1")
    digest = digest_of(tools.raw("app:v1").encode())
    source = f"docker://{tools.host}/app@{digest}"
    tools.skopeo("copy", "--preserve-digests", source, f"docker://{tools.host}/copy:v1")
    assert digest_of(tools.raw(f"copy@{digest}").encode()) == digest
    tools.skopeo("copy", source, f"dir:{tools.folder / 'dir'}")
    assert (tools.folder / "dir" / "manifest.json").read_text() == tools.raw("app:v1")
    assert json.loads(tools.skopeo("list-tags", f"docker://{tools.host}/copy"))["Tags"] == ["v1"]
    tools.skopeo("delete", f"docker://{tools.host}/copy:v1")
    assert tools.server.client("ecr").list_images(repositoryName="copy")["imageIds"] == []


def test_an_index_of_two_architectures(tools: Tools) -> None:
    tools.storage("buildah", "manifest", "create", "all")
    for arch in ("amd64", "arm64"):
        tools.storage("buildah", "manifest", "add", "all", tools.build(f"made-{arch}", arch))
    tools.moving("buildah", "manifest push", "--all", "all", f"docker://{tools.host}/app:all")
    index = json.loads(tools.raw("app:all"))
    assert [item["platform"]["architecture"] for item in index["manifests"]] == ["amd64", "arm64"]
    tools.skopeo("copy", "--all", f"docker://{tools.host}/app:all", f"docker://{tools.host}/copy:all")
    assert tools.raw("copy:all") == tools.raw("app:all")
    tools.moving("podman", "pull", "--arch=arm64", f"{tools.host}/app:all")
    shown = tools.storage("podman", "image", "inspect", "--format={{.Architecture}}", f"{tools.host}/app:all")
    assert shown.strip() == "arm64"
    view = json.loads(tools.server.run("ashore", "ecr", "inspect", "app:all", "-o", "json"))
    assert {item["platform"] for item in view["images"]} == {"linux/amd64", "linux/arm64"}


def test_a_public_repository(tools: Tools) -> None:
    client = tools.server.client("ecr-public")
    uri = client.create_repository(repositoryName="team/public")["repository"]["repositoryUri"]
    assert uri.startswith(f"{tools.host}/public.ecr.aws/")
    token = client.get_authorization_token()["authorizationData"]["authorizationToken"]
    public = Tools(tools.server, tools.folder, base64.b64decode(token).decode().partition(":")[2])
    public.moving("buildah", "push", tools.build("made"), f"docker://{uri}:v1")
    (data,) = tools.server.client("ecr", account="111122223333").get_authorization_token()["authorizationData"]
    other = Tools(tools.server, tools.folder, base64.b64decode(data["authorizationToken"]).decode().partition(":")[2])
    other.moving("podman", "pull", f"{uri}:v1")
    with pytest.raises(AssertionError, match="not authorized to perform"):
        other.moving("buildah", "push", "made", f"docker://{uri}:v2")
    (image,) = client.describe_images(repositoryName="team/public")["imageDetails"]
    assert image["imageTags"] == ["v1"]


def test_skopeo_is_told_what_ecr_says(tools: Tools) -> None:
    for image, words in (("nobody:v1", "does not exist in the registry with id"), ("app:absent", "manifest unknown")):
        command = ["skopeo", "inspect", "--tls-verify=false", f"--creds=AWS:{tools.password}"]
        done = subprocess.run([*command, f"docker://{tools.host}/{image}"], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert words in done.stderr


def test_oras_pushes_and_pulls_an_artifact(tools: Tools, tmp_path: Path) -> None:
    provider = pytest.importorskip("oras.provider")
    client = provider.Registry(hostname=tools.host, insecure=True, auth_backend="basic")
    client.auth.set_basic_auth("AWS", tools.password)
    (tmp_path / "sbom.json").write_text('{"parts": []}')
    target = f"{tools.host}/app:sbom"
    client.push(target, files=[str(tmp_path / "sbom.json")], disable_path_validation=True)
    (found,) = client.pull(target, outdir=str(tmp_path / "out"))
    assert Path(found).read_text() == '{"parts": []}'
    assert "sbom" in client.get_tags(target)


@pytest.mark.usefixtures("engine")
def test_docker_makes_an_index(tools: Tools) -> None:
    tools.build("made")
    tools.moving("buildah", "push", "--format=v2s2", "made", f"docker://{tools.host}/app:one")
    tools.server.run("docker", "login", "-u", "AWS", "--password-stdin", tools.host, stdin=tools.password)
    index = f"{tools.host}/app:index"
    tools.server.run("docker", "manifest", "create", "--insecure", index, f"{tools.host}/app:one")
    digest = tools.server.run("docker", "manifest", "push", "--insecure", index).strip()
    assert digest_of(tools.raw("app:index").encode()) == digest
    try:
        tools.server.run("docker", "pull", "--quiet", index)
        assert tools.server.run("docker", "run", "--rm", index) == "amd64\n"
    finally:
        tools.server.run("docker", "image", "rm", "--force", index)

"""The registry protocol over a real socket."""

import base64
import hashlib
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from emulator.ecr.authorization import get_authorization_token
from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.registry_settings import put_account_setting
from emulator.ecr.repositories import delete_repository, put_image_tag_mutability
from emulator.ecr.tokens import mint
from tests.api.routes.registry_servers import Registry, running_registry
from tests.emulator.ecr.emulators import (
    ACCOUNT,
    CONFIG,
    REGION,
    START,
    descriptor,
    image_manifest,
    index_manifest,
    text,
)
from tests.running import wait_until

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MISSING = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def name(registry: Registry, request: pytest.FixtureRequest) -> str:
    """A new repository with a slash in its name."""
    digest = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return registry.create(f"team/blobs/{digest}")


def push_layer(registry: Registry, name: str, content: bytes) -> str:
    digest = digest_of(content)
    assert registry.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", content).status == 201
    return digest


def push_image(registry: Registry, name: str, tag: str, layer: bytes = b"layer") -> str:
    push_layer(registry, name, CONFIG)
    push_layer(registry, name, layer)
    manifest = text(image_manifest([layer]))
    answer = registry.ask("PUT", f"/v2/{name}/manifests/{tag}", manifest, {"Content-Type": OCI})
    assert answer.status == 201, answer.body
    return answer.headers["Docker-Content-Digest"]


def begin(registry: Registry, name: str) -> str:
    answer = registry.ask("POST", f"/v2/{name}/blobs/uploads/")
    assert (answer.status, answer.headers["Range"]) == (202, "0-0")
    return answer.headers["Location"]


class TestAuthorization:
    @pytest.mark.parametrize(
        "header", ["", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"AWS:guess").decode(), "Basic /w=="]
    )
    def test_others_get_ecrs_challenge(self, registry: Registry, header: str) -> None:
        answer = registry.ask("GET", "/v2/", headers={"Authorization": header})
        assert (answer.status, answer.body) == (401, b"Not Authorized\n")
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="http://localhost:')
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"

    @pytest.mark.parametrize("path", ["/v2/", "/v2"])
    def test_the_password_opens_the_registry(self, registry: Registry, path: str) -> None:
        assert (registry.ask("GET", path).status, registry.ask("GET", path).body) == (200, b"{}")

    def test_the_token_of_the_api_opens_it_too(self, registry: Registry) -> None:
        with registry.emulator.transaction(ACCOUNT, REGION) as context:
            (data,) = get_authorization_token(context, {})["authorizationData"]
        header = {"Authorization": f"Basic {data['authorizationToken']}"}
        assert registry.ask("GET", "/v2/", headers=header).status == 200

    def test_an_expired_password_is_challenged_and_told_so(self, tmp_path: Path) -> None:
        with running_registry(tmp_path) as registry:
            registry.emulator.clock.rewind_to(START + timedelta(hours=12))
            answer = registry.ask("GET", "/v2/")
        assert (answer.status, answer.code) == (401, "DENIED")
        assert answer.headers["WWW-Authenticate"].endswith('service="ecr.amazonaws.com"')
        assert answer.message == "Your authorization token has expired. Reauthenticate and try again."

    def test_the_password_names_the_registry(self, registry: Registry, name: str) -> None:
        other = Registry(registry.emulator, mint(registry.emulator, "999988887777", REGION, "ann"))
        answer = other.ask("GET", f"/v2/{name}/tags/list")
        assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")
        assert answer.message == (
            f"The repository with name '{name}' does not exist in the registry with id '999988887777'"
        )

    def test_a_host_name_in_aws_style_names_it_first(self, registry: Registry, name: str) -> None:
        host = f"999988887777.dkr.ecr.{REGION}.localhost:{registry.emulator.port}"
        assert registry.ask("GET", f"/v2/{name}/tags/list", headers={"Host": host}).status == 404


class TestUploads:
    def test_docker_streams_one_endless_chunk(self, registry: Registry, name: str) -> None:
        content = random.Random(1).randbytes(5_000_000)
        location = begin(registry, name)
        pieces = (content[at : at + 300_000] for at in range(0, len(content), 300_000))
        answer = registry.ask("PATCH", location, pieces)
        assert (answer.status, answer.headers["Range"]) == (202, f"0-{len(content) - 1}")
        digest = digest_of(content)
        answer = registry.ask("PUT", f"{location}?digest={digest}")
        assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{name}/blobs/{digest}")
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest}").body == content

    def test_containerd_puts_all_at_once(self, registry: Registry, name: str) -> None:
        answer = registry.ask("PUT", f"{begin(registry, name)}?digest={digest_of(b'all')}", b"all")
        assert answer.status == 201

    def test_an_empty_layer(self, registry: Registry, name: str) -> None:
        digest = push_layer(registry, name, b"")
        answer = registry.ask("GET", f"/v2/{name}/blobs/{digest}")
        assert (answer.status, answer.body) == (200, b"")

    def test_numbered_chunks_follow_each_other(self, registry: Registry, name: str) -> None:
        location = begin(registry, name)
        assert registry.ask("PATCH", location, b"01234", {"Content-Range": "0-4"}).status == 202
        for wrong in ("0-4", "6-10", "bytes 5-9", "5-8"):
            answer = registry.ask("PATCH", location, b"56789", {"Content-Range": wrong})
            assert (answer.status, answer.headers["Range"], answer.code) == (416, "0-4", "RANGE_INVALID")
        status = registry.ask("GET", location)
        assert (status.status, status.headers["Range"]) == (204, "0-4")
        digest = digest_of(b"0123456789")
        assert registry.ask("PUT", f"{location}?digest={digest}", b"56789", {"Content-Range": "5-9"}).status == 201

    def test_a_wrong_digest_makes_no_layer(self, registry: Registry, name: str) -> None:
        answer = registry.ask("PUT", f"{begin(registry, name)}?digest={MISSING}", b"other")
        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
        assert answer.message == "provided digest did not match uploaded content"
        assert registry.ask("HEAD", f"/v2/{name}/blobs/{MISSING}").status == 404

    @pytest.mark.parametrize("digest", ["", "nonsense", "sha256:../../../etc/passwd", "sha512:" + "0" * 127])
    def test_a_digest_that_is_none_never_becomes_a_path(self, registry: Registry, name: str, digest: str) -> None:
        answer = registry.ask("PUT", f"{begin(registry, name)}?digest={digest}", b"x")
        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")

    def test_a_cancelled_upload_is_gone(self, registry: Registry, name: str) -> None:
        location = begin(registry, name)
        assert registry.ask("DELETE", location).status == 204
        for method in ("GET", "DELETE", "PATCH", "PUT"):
            answer = registry.ask(method, f"{location}?digest={MISSING}")
            assert (answer.status, answer.body and answer.code) == (404, answer.body and "BLOB_UPLOAD_UNKNOWN")

    def test_an_upload_of_another_repository_is_unknown(self, registry: Registry, name: str) -> None:
        other = registry.create(f"{name}-other")
        identifier = begin(registry, name).rpartition("/")[2]
        assert registry.ask("PATCH", f"/v2/{other}/blobs/uploads/{identifier}", b"x").status == 404

    def test_an_upload_goes_on_after_a_restart(self, tmp_path: Path) -> None:
        with running_registry(tmp_path) as registry:
            registry.create("app")
            location = begin(registry, "app")
            registry.ask("PATCH", location, b"before ")
        with running_registry(tmp_path) as registry:
            registry.ask("PATCH", location, b"after")
            assert registry.ask("PUT", f"{location}?digest={digest_of(b'before after')}").status == 201

    def test_parallel_uploads_of_one_layer(self, registry: Registry, name: str) -> None:
        content = random.Random(2).randbytes(3_000_000)
        statuses: list[int] = []

        def push() -> None:
            answer = registry.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(content)}", content)
            statuses.append(answer.status)

        threads = [threading.Thread(target=push) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [201] * 6
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest_of(content)}").body == content


class TestRivals:
    """Requests that meet at one upload."""

    @pytest.fixture
    def held(self, registry: Registry, name: str) -> Iterator["Held"]:
        """A PATCH of which half has arrived."""
        location = begin(registry, name)
        with socket.create_connection(("127.0.0.1", registry.emulator.port), timeout=30) as connection:
            head = f"PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\nConnection: close\r\n"
            connection.sendall(f"{head}Authorization: {registry.basic}\r\n\r\n".encode() + bytes(1_500_000))
            path = blobs_of(registry.emulator)
            wait_until(lambda: path.size(location.rpartition("/")[2]) >= 1 << 20)
            yield Held(location, connection)

    def test_a_second_writer_is_turned_away(self, registry: Registry, held: "Held") -> None:
        answer = registry.ask("PATCH", held.location, b"rival")
        assert (answer.status, answer.code) == (416, "RANGE_INVALID")
        assert held.finish().startswith(b"HTTP/1.1 202")
        digest = digest_of(bytes(2_097_152))
        assert registry.ask("PUT", f"{held.location}?digest={digest}").status == 201

    def test_a_cancelled_upload_ends_the_request_that_writes_it(self, registry: Registry, held: "Held") -> None:
        assert registry.ask("DELETE", held.location).status == 204
        answer = held.finish()
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"BLOB_UPLOAD_UNKNOWN" in answer

    def test_so_does_a_deleted_repository(self, registry: Registry, name: str, held: "Held") -> None:
        with registry.emulator.transaction(ACCOUNT, REGION) as context:
            delete_repository(context, {"repositoryName": name})
        assert held.finish().startswith(b"HTTP/1.1 404")
        assert not blobs_of(registry.emulator).exists(held.location.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Held:
    """A request under way."""

    location: str
    connection: socket.socket

    def finish(self) -> bytes:
        """Send the other half; the answer."""
        self.connection.sendall(bytes(2_097_152 - 1_500_000))
        parts = []
        while part := self.connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


class TestBlobs:
    def test_a_layer_is_seen_in_its_repository_only(self, registry: Registry, name: str) -> None:
        digest = push_layer(registry, name, b"private")
        other = registry.create(f"{name}-other")
        answer = registry.ask("HEAD", f"/v2/{name}/blobs/{digest}")
        assert (answer.status, answer.headers["Content-Length"]) == (200, "7")
        answer = registry.ask("GET", f"/v2/{other}/blobs/{digest}")
        assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")

    @pytest.mark.parametrize(
        ("header", "status", "body"),
        [
            ("bytes=2-4", 206, b"234"),
            ("bytes=7-", 206, b"789"),
            ("bytes=-2", 206, b"89"),
            ("bytes=8-99", 206, b"89"),
            ("bytes=-99", 206, b"0123456789"),
            ("items=1-2", 200, b"0123456789"),
        ],
    )
    def test_ranges(self, registry: Registry, name: str, header: str, status: int, body: bytes) -> None:
        digest = push_layer(registry, name, b"0123456789")
        answer = registry.ask("GET", f"/v2/{name}/blobs/{digest}", headers={"Range": header})
        assert (answer.status, answer.body) == (status, body)

    def test_a_range_beyond_the_end(self, registry: Registry, name: str) -> None:
        digest = push_layer(registry, name, b"0123456789")
        answer = registry.ask("GET", f"/v2/{name}/blobs/{digest}", headers={"Range": "bytes=10-"})
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")

    def test_a_file_cut_short_is_no_layer(self, registry: Registry, name: str) -> None:
        digest = push_layer(registry, name, b"will be cut")
        blobs_of(registry.emulator).path(digest).write_bytes(b"will")
        assert registry.ask("HEAD", f"/v2/{name}/blobs/{digest}").status == 404
        push_layer(registry, name, b"will be cut")
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest}").body == b"will be cut"

    def test_layers_are_mounted_where_the_setting_allows(self, registry: Registry, name: str) -> None:
        push_image(registry, name, "v1", b"shared")
        other, digest = registry.create(f"{name}-other"), digest_of(b"shared")
        path = f"/v2/{other}/blobs/uploads/?mount={digest}&from={name}"
        assert registry.ask("POST", path).status == 202
        with registry.emulator.transaction(ACCOUNT, REGION) as context:
            put_account_setting(context, {"name": "BLOB_MOUNTING", "value": "ENABLED"})
        answer = registry.ask("POST", path)
        assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{other}/blobs/{digest}")
        assert registry.ask("GET", f"/v2/{other}/blobs/{digest}").body == b"shared"

    def test_deleting_a_layer_is_unsupported(self, registry: Registry, name: str) -> None:
        answer = registry.ask("DELETE", f"/v2/{name}/blobs/{MISSING}")
        assert (answer.status, answer.code) == (405, "UNSUPPORTED")


class TestManifests:
    def test_it_comes_back_byte_for_byte(self, registry: Registry, name: str) -> None:
        digest = push_image(registry, name, "v1")
        for reference in ("v1", digest):
            answer = registry.ask("GET", f"/v2/{name}/manifests/{reference}")
            assert digest_of(answer.body) == digest == answer.headers["Docker-Content-Digest"]
            assert answer.headers["Content-Type"] == OCI
            head = registry.ask("HEAD", f"/v2/{name}/manifests/{reference}")
            assert (head.headers["Content-Length"], head.body) == (str(len(answer.body)), b"")

    def test_the_same_push_again_is_fine(self, registry: Registry, name: str) -> None:
        assert push_image(registry, name, "v1") == push_image(registry, name, "v1")

    def test_an_immutable_tag_is_kept(self, registry: Registry, name: str) -> None:
        push_image(registry, name, "v1", b"1")
        with registry.emulator.transaction(ACCOUNT, REGION) as context:
            put_image_tag_mutability(context, {"repositoryName": name, "imageTagMutability": "IMMUTABLE"})
        push_image(registry, name, "v1", b"1")
        push_layer(registry, name, b"2")
        manifest = text(image_manifest([b"2"]))
        answer = registry.ask("PUT", f"/v2/{name}/manifests/v1", manifest, {"Content-Type": OCI})
        assert (answer.status, answer.code) == (400, "TAG_INVALID")
        assert answer.message == (
            f"The image tag 'v1' already exists in the '{name}' repository and cannot be overwritten "
            "because the tag is immutable."
        )

    def test_absent_layers(self, registry: Registry, name: str) -> None:
        manifest = text(image_manifest([b"absent"]))
        answer = registry.ask("PUT", f"/v2/{name}/manifests/v1", manifest, {"Content-Type": OCI})
        assert (answer.status, answer.code) == (400, "BLOB_UPLOAD_UNKNOWN")

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{", b'{"config": 1}'])
    def test_what_is_no_manifest(self, registry: Registry, name: str, body: bytes) -> None:
        answer = registry.ask("PUT", f"/v2/{name}/manifests/v1", body, {"Content-Type": OCI})
        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")

    def test_a_manifest_has_its_limit(self, registry: Registry, name: str) -> None:
        answer = registry.ask("PUT", f"/v2/{name}/manifests/v1", b" " * 4_194_305, {"Content-Type": OCI})
        assert answer.status == 413

    def test_tags_beside_a_digest(self, registry: Registry, name: str) -> None:
        push_image(registry, name, "v1")
        manifest = text(image_manifest([b"layer"]))
        path = f"/v2/{name}/manifests/{digest_of(manifest.encode())}?tag=a&tag=b"
        answer = registry.ask("PUT", path, manifest, {"Content-Type": OCI})
        assert (answer.status, answer.headers["OCI-Tag"]) == (201, "a, b")
        assert (
            registry.ask("GET", f"/v2/{name}/tags/list").body == f'{{"name":"{name}","tags":["a","b","v1"]}}'.encode()
        )

    def test_deleting(self, registry: Registry, name: str) -> None:
        digest = push_image(registry, name, "v1")
        manifest = text(image_manifest([b"layer"]))
        index = text(index_manifest([manifest]))
        registry.ask("PUT", f"/v2/{name}/manifests/all", index, {"Content-Type": INDEX})
        answer = registry.ask("DELETE", f"/v2/{name}/manifests/{digest}")
        assert (answer.status, answer.code) == (405, "UNSUPPORTED")
        for reference in ("all", digest):
            assert registry.ask("DELETE", f"/v2/{name}/manifests/{reference}").status == 202
        answer = registry.ask("GET", f"/v2/{name}/manifests/v1")
        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")

    def test_tags_come_in_pages(self, registry: Registry, name: str) -> None:
        for tag in ("c", "a", "b"):
            push_image(registry, name, tag)
        answer = registry.ask("GET", f"/v2/{name}/tags/list?n=2")
        assert answer.body == f'{{"name":"{name}","tags":["a","b"]}}'.encode()
        assert answer.headers["Link"] == f'</v2/{name}/tags/list?last=b&n=2>; rel="next"'
        answer = registry.ask("GET", f"/v2/{name}/tags/list?n=2&last=b")
        assert (answer.body, answer.headers["Link"]) == (f'{{"name":"{name}","tags":["c"]}}'.encode(), None)
        answer = registry.ask("GET", f"/v2/{name}/tags/list?n=0")
        assert (answer.body, answer.headers["Link"]) == (f'{{"name":"{name}","tags":[]}}'.encode(), None)
        answer = registry.ask("GET", f"/v2/{name}/tags/list?n=1001")
        assert (answer.status, answer.code) == (400, "UNSUPPORTED")

    def test_referrers(self, registry: Registry, name: str) -> None:
        subject = push_image(registry, name, "v1")
        manifest = text(
            image_manifest(
                [b"layer"],
                artifactType="application/x.signature",
                subject={**descriptor(b"", OCI), "digest": subject},
                annotations={"by": "ann"},
            )
        )
        digest = digest_of(manifest.encode())
        answer = registry.ask("PUT", f"/v2/{name}/manifests/{digest}", manifest, {"Content-Type": OCI})
        assert (answer.status, answer.headers["OCI-Subject"]) == (201, subject)
        answer = registry.ask("GET", f"/v2/{name}/referrers/{subject}?artifactType=application/x.signature")
        assert (answer.headers["Content-Type"], answer.headers["OCI-Filters-Applied"]) == (INDEX, "artifactType")
        assert b'"annotations":{"by":"ann"}' in answer.body
        assert digest.encode() in answer.body
        answer = registry.ask("GET", f"/v2/{name}/referrers/{subject}?artifactType=application/other")
        assert b'"manifests":[]' in answer.body


def test_unknown_repositories_are_not_made_by_pushing(registry: Registry) -> None:
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v1"), ("GET", "tags/list")):
        answer = registry.ask(method, f"/v2/nobody/{path}", text(image_manifest([])) if method == "PUT" else None)
        assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


@pytest.mark.parametrize("path", ["Upper/manifests/v1", "_other", "x", "name/tags/other", "a/b/c"])
def test_other_paths_get_the_protocols_own_error(registry: Registry, path: str) -> None:
    answer = registry.ask("GET", f"/v2/{path}")
    assert answer.status in {400, 404}
    assert answer.code in {"NAME_INVALID", "UNSUPPORTED"}

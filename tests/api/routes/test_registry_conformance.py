"""OCI distribution 1.1, category by category in the order of the specification's own conformance suite.

The suite itself is a Go program that Debian does not package; these tests ask what it asks: pull, push, content discovery
and content management, over the kinds of content that its configuration names. Where ECR is known to differ the test says so.
"""

import hashlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from emulator.ecr.blobs import digest_of
from emulator.ecr.registry_settings import put_account_setting
from tests.api.routes.registry_servers import Answer, Registry, running_registry
from tests.emulator.ecr.emulators import ACCOUNT, CONFIG, REGION, descriptor, image_manifest, index_manifest, text

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY = b"{}"
MISSING = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("conformance")) as running:
        yield running


@dataclass(slots=True)
class Repo:
    """One repository, by the routes of the specification."""

    registry: Registry
    name: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.registry.ask(method, f"/v2/{self.name}/{path}", body, sent)

    def blob(self, content: bytes, algorithm: str = "sha256") -> str:
        digest = digest_of(content, algorithm)
        assert self.ask("POST", f"blobs/uploads/?digest={digest}", content).status == 201
        return digest

    def manifest(self, document: dict[str, Any], reference: str | None = None) -> Answer:
        content = text(document).encode()
        kind = document.get("mediaType", OCI)
        return self.ask("PUT", f"manifests/{reference or digest_of(content)}", content, Content_Type=kind)

    def begin(self) -> str:
        location = self.ask("POST", "blobs/uploads/").headers["Location"]
        return location.partition(f"/v2/{self.name}/")[2]


@pytest.fixture
def repo(registry: Registry, request: pytest.FixtureRequest) -> Repo:
    return Repo(registry, registry.create(f"oci/{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of content: its manifest, the blobs that it needs, the manifests that it names."""

    document: dict[str, Any]
    blobs: tuple[bytes, ...] = ()
    children: tuple[dict[str, Any], ...] = field(default=())

    def push(self, repo: Repo, reference: str | None = None) -> Answer:
        for blob in (CONFIG, EMPTY, *self.blobs):
            repo.blob(blob)
        for child in self.children:
            assert repo.manifest(child).status == 201
        return repo.manifest(self.document, reference)


IMAGE = image_manifest([b"layer"])
OTHER = image_manifest([b"layer", b"second"])
ARTIFACT: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI,
    "artifactType": "application/x.test",
    "config": descriptor(EMPTY, "application/vnd.oci.empty.v1+json"),
    "layers": [descriptor(EMPTY, "application/vnd.oci.empty.v1+json")],
}
LIST = {**index_manifest([text(IMAGE), text(OTHER)])}
FOREIGN = {**descriptor(b"elsewhere", "application/vnd.oci.image.layer.nondistributable.v1.tar"), "urls": ["http://x/"]}
KINDS = {
    "image": Kind(IMAGE, (b"layer",)),
    "docker image": Kind({**IMAGE, "mediaType": DOCKER}, (b"layer",)),
    "index": Kind(LIST, (b"layer", b"second"), (IMAGE, OTHER)),
    "docker list": Kind({**LIST, "mediaType": DOCKER_LIST}, (b"layer", b"second"), (IMAGE, OTHER)),
    "index of indexes": Kind(index_manifest([text(LIST)]), (b"layer", b"second"), (IMAGE, OTHER, LIST)),
    "artifact": Kind(ARTIFACT),
    "artifact index": Kind({**LIST, "artifactType": "application/x.list"}, (b"layer", b"second"), (IMAGE, OTHER)),
    "subject missing": Kind({**ARTIFACT, "subject": {**descriptor(b"", OCI), "digest": MISSING}}),
    "data field": Kind({**ARTIFACT, "layers": [{**ARTIFACT["layers"][0], "data": "e30="}]}),
    "nondistributable": Kind({**IMAGE, "layers": [FOREIGN]}),
    "custom fields": Kind({**IMAGE, "x-own": {"a": [1, None]}}, (b"layer",)),
    "no layers": Kind({**IMAGE, "layers": []}),
    "empty blob": Kind(image_manifest([b""]), (b"",)),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class TestPull:
    def test_the_base(self, registry: Registry) -> None:
        answer = registry.ask("GET", "/v2/")
        assert (answer.status, answer.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_absent_content(self, repo: Repo, method: str) -> None:
        for path in (f"blobs/{MISSING}", f"manifests/{MISSING}", "manifests/absent", "manifests/sha256:short"):
            assert repo.ask(method, path).status == 404, path

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    def test_blobs(self, repo: Repo, algorithm: str) -> None:
        digest = repo.blob(b"content", algorithm)
        for method, body in (("GET", b"content"), ("HEAD", b"")):
            answer = repo.ask(method, f"blobs/{digest}")
            assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, body, "7")
            assert answer.headers["Docker-Content-Digest"] == digest
            assert answer.headers["Accept-Ranges"] == "bytes"
        assert repo.ask("GET", f"blobs/{digest}", Range="bytes=1-2").body == b"on"

    @every_kind
    def test_manifests_come_back_byte_for_byte(self, repo: Repo, kind: Kind) -> None:
        answer = kind.push(repo, "v1")
        assert answer.status == 201, answer.body
        content = text(kind.document).encode()
        for reference in ("v1", digest_of(content)):
            got, head = repo.ask("GET", f"manifests/{reference}"), repo.ask("HEAD", f"manifests/{reference}")
            assert (got.status, got.body, head.status, head.body) == (200, content, 200, b"")
            for shown in (got, head):
                assert shown.headers["Content-Length"] == str(len(content))
                assert shown.headers["Content-Type"] == kind.document["mediaType"]
                assert shown.headers["Docker-Content-Digest"] == digest_of(content)

    def test_a_manifest_by_sha512(self, repo: Repo) -> None:
        content = text(IMAGE).encode()
        repo.blob(CONFIG)
        repo.blob(b"layer")
        digest = digest_of(content, "sha512")
        answer = repo.ask("PUT", f"manifests/{digest}?tag=long", content, Content_Type=OCI)
        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
        for reference in (digest, "long"):
            assert repo.ask("GET", f"manifests/{reference}").body == content
        assert repo.ask("GET", f"manifests/{digest_of(content)}").status == 404


class TestPush:
    def test_post_then_put(self, repo: Repo) -> None:
        location, digest = repo.begin(), digest_of(b"content")
        answer = repo.ask("PUT", f"{location}?digest={quote(digest)}", b"content")
        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
        assert repo.registry.ask("GET", answer.headers["Location"]).body == b"content"

    def test_the_algorithm_may_be_told_first(self, repo: Repo) -> None:
        assert repo.ask("POST", "blobs/uploads/?digest-algorithm=md5").status == 400
        answer = repo.ask("POST", "blobs/uploads/?digest-algorithm=sha512")
        assert answer.status == 202
        location = answer.headers["Location"]
        repo.registry.ask("PATCH", location, b"content")
        digest = digest_of(b"content", "sha512")
        assert repo.registry.ask("PUT", f"{location}?digest={digest}").status == 201
        assert repo.ask("HEAD", f"blobs/{digest}").status == 200

    def test_a_digest_that_the_client_did_not_announce(self, repo: Repo) -> None:
        location, digest = repo.begin(), digest_of(b"content", "sha512")
        repo.ask("PATCH", location, b"content")
        assert repo.ask("PUT", f"{location}?digest={digest}").status == 201

    def test_chunks_in_order(self, repo: Repo) -> None:
        location = repo.begin()
        answer = repo.ask("PATCH", location, b"0123", Content_Range="0-3")
        assert (answer.status, answer.headers["Range"]) == (202, "0-3")
        answer = repo.ask("PATCH", location, b"45", Content_Range="4-5")
        assert (answer.status, answer.headers["Range"]) == (202, "0-5")
        assert repo.ask("PUT", f"{location}?digest={digest_of(b'0123456')}", b"6", Content_Range="6-6").status == 201

    def test_chunks_out_of_order(self, repo: Repo) -> None:
        location = repo.begin()
        assert repo.ask("PATCH", location, b"45", Content_Range="4-5").status == 416
        assert repo.ask("PATCH", location, b"0123", Content_Range="0-3").status == 202
        answer = repo.ask("PATCH", location, b"0123", Content_Range="0-3")
        assert (answer.status, answer.headers["Range"]) == (416, "0-3")
        assert answer.headers["Location"].endswith(location)
        assert repo.ask("PUT", f"{location}?digest={MISSING}", b"6", Content_Range="6-6").status == 416

    def test_a_chunk_of_another_length_than_it_says_is_taken_back(self, repo: Repo) -> None:
        location = repo.begin()
        repo.ask("PATCH", location, b"0123", Content_Range="0-3")
        answer = repo.ask("PATCH", location, iter([b"45", b"67"]), Content_Range="4-5")
        assert (answer.status, answer.code) == (400, "SIZE_INVALID")
        status = repo.ask("GET", location)
        assert (status.status, status.headers["Range"]) == (204, "0-3")
        repo.ask("PATCH", location, b"45", Content_Range="4-5")
        assert repo.ask("PUT", f"{location}?digest={digest_of(b'012345')}").status == 201

    def test_an_interrupted_chunk_is_resumed_where_it_broke(self, repo: Repo) -> None:
        location = repo.begin()
        emulator = repo.registry.emulator
        with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
            head = f"PATCH /v2/{repo.name}/{location} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
            connection.sendall(f"{head}Authorization: {repo.registry.basic}\r\n\r\nhalf".encode())
        status = repo.ask("GET", location)
        while status.headers["Range"] != "0-3":
            status = repo.ask("GET", location)
        while repo.ask("PATCH", location, b" more", Content_Range="4-8").status == 416:
            assert repo.ask("GET", location).headers["Range"] == "0-3"  # the broken request is still on its way out
        assert repo.ask("PUT", f"{location}?digest={digest_of(b'half more')}").status == 201

    def test_a_wrong_digest(self, repo: Repo) -> None:
        answer = repo.ask("PUT", f"{repo.begin()}?digest={MISSING}", b"content")
        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
        assert repo.ask("HEAD", f"blobs/{MISSING}").status == 404

    def test_an_upload_is_cancelled(self, repo: Repo) -> None:
        location = repo.begin()
        assert repo.ask("DELETE", location).status == 204
        assert repo.ask("GET", location).status == 404

    def test_the_same_blob_again(self, repo: Repo) -> None:
        assert repo.blob(b"content") == repo.blob(b"content")

    def test_mounts_fall_back_to_an_upload(self, repo: Repo) -> None:
        for query in (f"mount={MISSING}&from={repo.name}", f"mount={MISSING}", f"mount={MISSING}&from=absent"):
            answer = repo.ask("POST", f"blobs/uploads/?{query}")
            assert (answer.status, "/blobs/uploads/" in answer.headers["Location"]) == (202, True)

    @pytest.mark.parametrize("named", [True, False])
    def test_mounts(self, repo: Repo, named: bool) -> None:
        emulator = repo.registry.emulator
        KINDS["image"].push(repo, "v1")
        target = Repo(repo.registry, repo.registry.create(f"{repo.name}/target"))
        digest = digest_of(b"layer")
        query = f"mount={digest}" + (f"&from={repo.name}" if named else "")
        with emulator.transaction(ACCOUNT, REGION) as context:
            put_account_setting(context, {"name": "BLOB_MOUNTING", "value": "ENABLED"})
        answer = target.ask("POST", f"blobs/uploads/?{query}")
        with emulator.transaction(ACCOUNT, REGION) as context:
            put_account_setting(context, {"name": "BLOB_MOUNTING", "value": "DISABLED"})
        assert (answer.status, answer.headers["Location"]) == (201, f"/v2/{target.name}/blobs/{digest}")
        assert target.ask("GET", f"blobs/{digest}").body == b"layer"

    @every_kind
    def test_manifests(self, repo: Repo, kind: Kind) -> None:
        content = text(kind.document).encode()
        answer = kind.push(repo)
        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(content))
        assert answer.headers["Location"] == f"/v2/{repo.name}/manifests/{digest_of(content)}"
        assert answer.headers["OCI-Subject"] == (MISSING if "subject" in kind.document else None)

    def test_ten_tags_at_once(self, repo: Repo) -> None:
        kind = KINDS["image"]
        kind.push(repo)
        tags = [f"t{number}" for number in range(10)]
        content = text(kind.document).encode()
        query = "&".join(f"tag={tag}" for tag in tags)
        answer = repo.ask("PUT", f"manifests/{digest_of(content)}?{query}", content, Content_Type=OCI)
        assert (answer.status, answer.headers["OCI-Tag"]) == (201, ", ".join(tags))
        assert json.loads(repo.ask("GET", "tags/list").body)["tags"] == tags

    @pytest.mark.parametrize(
        ("reference", "content_type", "body", "code"),
        [
            ("v1", INDEX, text(IMAGE), "MANIFEST_INVALID"),
            ("v1", "application/x.unknown", text({**IMAGE, "mediaType": "application/x.unknown"}), "MANIFEST_INVALID"),
            ("v1", OCI, "{", "MANIFEST_INVALID"),
            (MISSING, OCI, text(IMAGE), "DIGEST_INVALID"),
            ("sha256:short", OCI, text(IMAGE), "DIGEST_INVALID"),
            ("-bad", OCI, text(IMAGE), "TAG_INVALID"),
            ("t" * 129, OCI, text(IMAGE), "TAG_INVALID"),
            ("v1", OCI, text(image_manifest([b"never pushed"])), "BLOB_UPLOAD_UNKNOWN"),  # ECR's own code
            ("v1", INDEX, text(index_manifest(["never pushed"])), "MANIFEST_BLOB_UNKNOWN"),
        ],
    )
    def test_what_is_refused(self, repo: Repo, reference: str, content_type: str, body: str, code: str) -> None:
        repo.blob(CONFIG)
        repo.blob(b"layer")
        answer = repo.ask("PUT", f"manifests/{reference}", body, Content_Type=content_type)
        assert (answer.status, answer.code) == (400, code)


class TestContentDiscovery:
    def test_tags_in_pages(self, repo: Repo) -> None:
        KINDS["image"].push(repo, "b")
        for tag in ("a", "d", "c"):
            repo.manifest(IMAGE, tag)
        assert _pages(repo.registry, f"/v2/{repo.name}/tags/list?n=3", "tags") == [["a", "b", "c"], ["d"]]
        assert _pages(repo.registry, f"/v2/{repo.name}/tags/list?n=0", "tags") == [[]]
        assert _pages(repo.registry, f"/v2/{repo.name}/tags/list?last=b", "tags") == [["c", "d"]]
        for wrong in ("-1", "x", "²"):
            answer = repo.ask("GET", f"tags/list?n={quote(wrong)}")
            assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")

    def test_no_tags(self, repo: Repo) -> None:
        assert json.loads(repo.ask("GET", "tags/list").body) == {"name": repo.name, "tags": []}

    def test_referrers(self, repo: Repo) -> None:
        assert KINDS["image"].push(repo, "v1").status == 201
        subject = {**descriptor(text(IMAGE).encode(), OCI)}
        signature = {**ARTIFACT, "subject": subject, "annotations": {"by": "ann"}}
        plain = {**IMAGE, "subject": subject}
        listed = {**LIST, "subject": subject}
        repo.blob(EMPTY)
        repo.blob(b"second")
        repo.manifest(OTHER)
        for document in (signature, plain, listed):
            answer = repo.manifest(document)
            assert (answer.status, answer.headers["OCI-Subject"]) == (201, subject["digest"])
        answer = repo.ask("GET", f"referrers/{subject['digest']}")
        assert (answer.headers["Content-Type"], answer.headers["OCI-Filters-Applied"]) == (INDEX, None)
        index = json.loads(answer.body)
        assert (index["schemaVersion"], index["mediaType"]) == (2, INDEX)
        shown = {item["digest"]: item for item in index["manifests"]}
        assert shown[digest_of(text(signature).encode())] == {
            **descriptor(text(signature).encode(), OCI),
            "artifactType": "application/x.test",
            "annotations": {"by": "ann"},
        }
        assert shown[digest_of(text(plain).encode())]["artifactType"] == "application/vnd.oci.image.config.v1+json"
        assert "artifactType" not in shown[digest_of(text(listed).encode())]
        answer = repo.ask("GET", f"referrers/{subject['digest']}?artifactType={quote('application/x.test')}")
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        assert [item["artifactType"] for item in json.loads(answer.body)["manifests"]] == ["application/x.test"]
        pages = _pages(repo.registry, f"/v2/{repo.name}/referrers/{subject['digest']}?n=2", "manifests")
        assert [len(page) for page in pages] == [2, 1]

    def test_referrers_of_nothing(self, repo: Repo) -> None:
        answer = repo.ask("GET", f"referrers/{MISSING}")
        assert (answer.status, json.loads(answer.body)["manifests"]) == (200, [])
        assert repo.ask("GET", "referrers/latest").status == 400

    def test_the_fallback_tag_is_a_tag_like_others(self, repo: Repo) -> None:
        """Clients of registries without a referrers API keep an index under the subject's digest as a tag."""
        kind = KINDS["index"]
        tag = MISSING.replace(":", "-")
        assert kind.push(repo, tag).status == 201
        assert repo.ask("GET", f"manifests/{tag}").body == text(kind.document).encode()

    def test_the_catalog(self, repo: Repo) -> None:
        names = [name for page in _pages(repo.registry, "/v2/_catalog?n=2", "repositories") for name in page]
        assert repo.name in names
        assert names == sorted(names)
        assert repo.registry.ask("POST", "/v2/_catalog").status == 405


class TestContentManagement:
    def test_a_tag_goes_alone(self, repo: Repo) -> None:
        digest = KINDS["image"].push(repo, "v1").headers["Docker-Content-Digest"]
        repo.manifest(IMAGE, "v2")
        assert repo.ask("DELETE", "manifests/v1").status == 202
        assert repo.ask("GET", "manifests/v1").status == 404
        assert repo.ask("GET", f"manifests/{digest}").status == 200

    @every_kind
    def test_a_manifest_goes_with_its_tags(self, repo: Repo, kind: Kind) -> None:
        digest = kind.push(repo, "v1").headers["Docker-Content-Digest"]
        assert repo.ask("DELETE", f"manifests/{digest}").status == 202
        assert [repo.ask("HEAD", f"manifests/{reference}").status for reference in (digest, "v1")] == [404, 404]
        assert repo.ask("DELETE", f"manifests/{digest}").status == 404

    def test_a_deleted_referrer_is_not_listed(self, repo: Repo) -> None:
        digest = KINDS["subject missing"].push(repo).headers["Docker-Content-Digest"]
        assert len(json.loads(repo.ask("GET", f"referrers/{MISSING}").body)["manifests"]) == 1
        repo.ask("DELETE", f"manifests/{digest}")
        assert json.loads(repo.ask("GET", f"referrers/{MISSING}").body)["manifests"] == []

    def test_ecr_does_not_delete_blobs(self, repo: Repo) -> None:
        answer = repo.ask("DELETE", f"blobs/{repo.blob(b'content')}")
        assert (answer.status, answer.code) == (405, "UNSUPPORTED")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("PATCH", "manifests/v1"), ("PUT", f"blobs/{MISSING}"), ("POST", "tags/list"), ("PUT", "blobs/uploads/")],
    )
    def test_other_methods(self, repo: Repo, method: str, path: str) -> None:
        answer = repo.ask(method, path)
        assert (answer.status, answer.code) == (405, "UNSUPPORTED")


def _pages(registry: Registry, path: str, member: str) -> list[list[Any]]:
    pages: list[list[Any]] = []
    while path:
        answer = registry.ask("GET", path)
        pages.append(json.loads(answer.body)[member])
        link = answer.headers["Link"]
        path = link[1:].partition(">")[0] if link else ""
    return pages

"""Who may do what through the registry: policies of repositories, other accounts, addresses that carry credentials."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from emulator.ecr.authorization import get_authorization_token
from emulator.ecr.blobs import digest_of
from emulator.ecr.layers import get_download_url_for_layer
from emulator.ecr.public_names import PUBLIC_REGION, alias_of, public_arn, public_uri
from emulator.ecr.registry_settings import put_account_setting
from emulator.ecr.repositories import describe_repository
from emulator.ecr.repository_policies import set_repository_policy
from emulator.ecr.tenants import Tenant, path_of
from emulator.ecr.tokens import mint
from emulator.state.ecr import RepositoryRow
from tests.api.routes.registry_servers import Answer, Registry, running_registry
from tests.emulator.ecr.emulators import ACCOUNT, CONFIG, REGION, START, image_manifest, text

OTHER = "999988887777"
ANN = f"arn:aws:iam::{OTHER}:user/ann"
OCI = "application/vnd.oci.image.manifest.v1+json"
LAYER = digest_of(b"layer")
MANIFEST = text(image_manifest([b"layer"]))
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


@pytest.fixture
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("auth")) as running:
        running.create("app")
        yield running


def push(registry: Registry, name: str = "app") -> Answer:
    for content in (CONFIG, b"layer"):
        answer = registry.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(content)}", content)
        if answer.status != 201:
            return answer
    return registry.ask("PUT", f"/v2/{name}/manifests/v1", MANIFEST, {"Content-Type": OCI})


def set_policy(registry: Registry, *statements: dict[str, object]) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    with registry.emulator.transaction(ACCOUNT, REGION) as context:
        set_repository_policy(context, {"repositoryName": "app", "policyText": policy})


def as_seen_by(registry: Registry, principal: str, account: str = ACCOUNT) -> Registry:
    return Registry(registry.emulator, mint(registry.emulator, account, REGION, principal))


def allow(principal: str, *actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions)}


def test_another_account_pulls_only_where_the_policy_lets_it(registry: Registry) -> None:
    assert push(registry).status == 201
    with registry.emulator.transaction(OTHER, REGION, ANN) as context:
        (data,) = get_authorization_token(context, {"registryIds": [ACCOUNT]})["authorizationData"]
    header = {"Authorization": f"Basic {data['authorizationToken']}"}
    answer = registry.ask("GET", "/v2/app/manifests/v1", headers=header)
    assert (answer.status, answer.code) == (403, "DENIED")
    assert answer.message == (
        f"User: {ANN} is not authorized to perform: ecr:BatchGetImage on resource: "
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app because no resource-based policy allows the "
        "ecr:BatchGetImage action"
    )
    set_policy(registry, allow(f"arn:aws:iam::{OTHER}:root", *PULL))
    assert registry.ask("GET", "/v2/app/manifests/v1", headers=header).status == 200
    assert registry.ask("GET", f"/v2/app/blobs/{LAYER}", headers=header).body == b"layer"
    answer = registry.ask("POST", "/v2/app/blobs/uploads/", headers=header)
    assert (answer.status, answer.code) == (403, "DENIED")


def test_the_host_names_the_registry_the_password_the_caller(registry: Registry) -> None:
    push(registry)
    host = {"Host": f"{ACCOUNT}.dkr.ecr.{REGION}.localhost:{registry.emulator.port}"}
    ann = as_seen_by(registry, ANN, OTHER)
    assert ann.ask("GET", "/v2/app/manifests/v1", headers=host).status == 403
    set_policy(registry, allow(ANN, *PULL))
    assert ann.ask("GET", "/v2/app/manifests/v1", headers=host).status == 200


def test_a_path_names_the_registry_too(registry: Registry) -> None:
    """As a URI of AWS names account and region; the password stays the caller's own."""
    push(registry)
    there = f"/v2/{path_of(Tenant(ACCOUNT, REGION), 'app')}"
    ann = as_seen_by(registry, ANN, OTHER)
    answer = ann.ask("GET", f"{there}/manifests/v1")
    assert (answer.status, answer.code) == (403, "DENIED")
    set_policy(registry, allow(ANN, *PULL, "ecr:ListImages", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"))
    assert ann.ask("GET", f"{there}/manifests/v1").body.decode() == MANIFEST
    assert ann.ask("GET", f"{there}/blobs/{LAYER}").body == b"layer"
    assert json.loads(ann.ask("GET", f"{there}/tags/list").body) == {"name": there[4:], "tags": ["v1"]}
    location = ann.ask("POST", f"{there}/blobs/uploads/").headers["Location"]
    assert location.startswith(f"{there}/blobs/uploads/")
    assert ann.ask("PATCH", location, b"half").headers["Range"] == "0-3"
    assert ann.ask("PUT", f"{location}?digest={digest_of(b'half')}").status == 403
    assert ann.ask("GET", "/v2/app/manifests/v1").code == "NAME_UNKNOWN"
    with registry.emulator.transaction(OTHER, REGION, ANN) as context:
        row = context.session.get_one(RepositoryRow, f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app")
        assert describe_repository(context, row)["repositoryUri"] == f"{registry.address}{there[3:]}"


def test_layers_are_mounted_within_one_registry(registry: Registry) -> None:
    push(registry)
    registry.create("target")
    with registry.emulator.transaction(ACCOUNT, REGION) as context:
        put_account_setting(context, {"name": "BLOB_MOUNTING", "value": "ENABLED"})
    head = path_of(Tenant(ACCOUNT, REGION), "")
    for target, source, status in (
        (f"{head}target", "app", 202),
        ("target", f"{head}app", 202),
        (f"{head}target", f"{head}app", 201),
    ):
        answer = registry.ask("POST", f"/v2/{target}/blobs/uploads/?mount={LAYER}&from={source}")
        assert answer.status == status, (target, source)


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "blobs/uploads/", "InitiateLayerUpload"),
        ("PUT", "manifests/v2", "PutImage"),
        ("GET", "manifests/v1", "BatchGetImage"),
        ("HEAD", f"blobs/{LAYER}", "BatchCheckLayerAvailability"),
        ("GET", f"blobs/{LAYER}", "GetDownloadUrlForLayer"),
        ("GET", "tags/list", "ListImages"),
        ("DELETE", "manifests/v1", "BatchDeleteImage"),
        ("GET", f"referrers/{LAYER}", "BatchGetImage"),
    ],
)
def test_deny_wins_for_the_owner_too(registry: Registry, method: str, path: str, action: str) -> None:
    push(registry)
    set_policy(registry, allow("*", "ecr:*"), {"Effect": "Deny", "Principal": "*", "Action": f"ecr:{action}"})
    answer = registry.ask(method, f"/v2/app/{path}", MANIFEST if method == "PUT" else None, {"Content-Type": OCI})
    assert answer.status == 403
    if method != "HEAD":
        assert answer.code == "DENIED"
        assert f"perform: ecr:{action} on resource" in answer.message


def test_an_upload_under_way_stops_where_the_policy_changes(registry: Registry) -> None:
    location = registry.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    registry.ask("PATCH", location, b"half")
    set_policy(registry, {"Effect": "Deny", "Principal": "*", "Action": "ecr:CompleteLayerUpload"})
    assert registry.ask("PUT", f"{location}?digest={digest_of(b'half')}").status == 403
    set_policy(registry, allow("*", "ecr:*"))
    assert registry.ask("PUT", f"{location}?digest={digest_of(b'half')}").status == 201


def test_a_download_address_opens_one_blob_for_an_hour(registry: Registry) -> None:
    push(registry)
    with registry.emulator.transaction(ACCOUNT, REGION) as context:
        url = get_download_url_for_layer(context, {"repositoryName": "app", "layerDigest": LAYER})["downloadUrl"]
    parts = urlsplit(url)
    anonymous = {"Authorization": ""}
    answer = registry.ask("GET", f"{parts.path}?{parts.query}", headers=anonymous)
    assert (answer.status, answer.body) == (200, b"layer")
    for method, path in (
        ("GET", f"/v2/app/blobs/{digest_of(CONFIG)}"),
        ("GET", "/v2/"),
        ("POST", "/v2/app/blobs/uploads/"),
    ):
        assert registry.ask(method, f"{path}?{parts.query}", headers=anonymous).status == 401, path
    token = parts.query.partition("=")[2]
    assert Registry(registry.emulator, token).ask("GET", "/v2/app/manifests/v1").status == 401
    registry.emulator.clock.rewind_to(START + timedelta(hours=1))
    assert registry.ask("GET", f"{parts.path}?{parts.query}", headers=anonymous).status in {401, 403}


class TestPublic:
    @pytest.fixture
    def name(self, registry: Registry) -> str:
        """A public repository's path."""
        with registry.emulator.transaction(ACCOUNT, REGION) as context:
            row = RepositoryRow(
                arn=public_arn(ACCOUNT, "team/app"),
                account=ACCOUNT,
                region=PUBLIC_REGION,
                name="team/app",
                created_at=context.now,
                tag_mutability="MUTABLE",
                exclusion_filters=[],
                scan_on_push=False,
                encryption={"encryptionType": "AES256"},
                tags=[],
            )
            context.session.add(row)
        uri = public_uri(registry.emulator.port, ACCOUNT, "team/app")
        return uri.partition("/")[2]

    def test_the_owner_pushes_and_everybody_pulls(self, registry: Registry, name: str) -> None:
        ann = as_seen_by(registry, ANN, OTHER)
        answer = push(ann, name)
        assert (answer.status, answer.code) == (403, "DENIED")
        assert push(registry, name).status == 201
        assert ann.ask("GET", f"/v2/{name}/manifests/v1").body == MANIFEST.encode()
        assert ann.ask("GET", f"/v2/{name}/blobs/{LAYER}").body == b"layer"
        assert registry.ask("GET", f"/v2/{name}/blobs/{LAYER}", headers={"Authorization": ""}).status == 401
        answer = registry.ask("GET", "/v2/team/app/manifests/v1")
        assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")

    @pytest.mark.parametrize("path", ["public.ecr.aws/nobody/team/app", f"public.ecr.aws/{alias_of(ACCOUNT)}/other"])
    def test_absent_ones(self, registry: Registry, name: str, path: str) -> None:
        assert path != name
        answer = registry.ask("GET", f"/v2/{path}/tags/list")
        assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


def test_aliases_are_a_letter_and_seven_more() -> None:
    accounts = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)]
    aliases = {alias_of(account) for account in accounts}
    assert len(aliases) == 200
    assert all(alias.isalnum() and alias[0].isalpha() and len(alias) == 8 for alias in aliases)

"""boto3, the AWS CLI and the ashore command against the ECR of a running server."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.ecr.emulators import CONFIG, image_manifest, text
from tests.emulator.ecr.scanning.images import FILES, feed, tar
from tests.running import RunningServer

NAME = "team/app"
OTHER = "444455556666"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("ecr")
    path = feed(folder)
    running = RunningServer(folder / "state", runtime="simulated", vulnerability_feed=str(path))
    yield running
    running.stop()


@pytest.fixture
def ecr(server: RunningServer) -> Any:
    """A client, with the empty repository `team/app`."""
    server.admin("POST", "reset")
    client = server.client("ecr")
    client.create_repository(repositoryName=NAME)
    return client


def push(ecr: Any, tag: str, name: str = NAME, layer: bytes | None = None) -> str:
    """Push an image by the layer API; its digest."""
    content = layer or tag.encode()
    for blob in (CONFIG, content):
        upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
        )
        digest = json.loads(text(image_manifest([blob])))["layers"][0]["digest"]
        try:
            ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
        except ecr.exceptions.LayerAlreadyExistsException:
            continue
    manifest = text(image_manifest([content]))
    return str(
        ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag=tag)["image"]["imageId"]["imageDigest"]
    )


def tags(ecr: Any) -> set[str]:
    """The tags of `team/app`."""
    return {item["imageTag"] for item in ecr.list_images(repositoryName=NAME)["imageIds"]}


def test_a_repositorys_policy_lets_another_account_in(server: RunningServer, ecr: Any) -> None:
    push(ecr, "v1")
    stranger = server.client("ecr", OTHER)
    asked = {"repositoryName": NAME, "registryId": "000000000000", "imageIds": [{"imageTag": "v1"}]}
    with pytest.raises(ClientError) as denied:
        stranger.batch_get_image(**asked)
    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "because no resource-based policy allows the ecr:BatchGetImage action" in str(denied.value)
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "ecr:BatchGetImage"}
    ecr.set_repository_policy(repositoryName=NAME, policyText=json.dumps({"Statement": [statement]}))
    assert len(stranger.batch_get_image(**asked)["images"]) == 1
    shown = server.run("aws", "ecr", "get-repository-policy", "--repository-name", NAME, "--query", "policyText")
    assert json.loads(json.loads(shown))["Statement"] == [statement]
    with pytest.raises(ecr.exceptions.InvalidParameterException, match="Invalid repository policy provided"):
        ecr.set_repository_policy(repositoryName=NAME, policyText="{}")
    ecr.delete_repository_policy(repositoryName=NAME)
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName=NAME)


def test_a_registrys_policy(server: RunningServer, ecr: Any) -> None:
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "ecr:ReplicateImage",
        "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/*",
    }
    ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert "ReplicateImage" in server.run("aws", "ecr", "get-registry-policy")
    ecr.delete_registry_policy()


POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
            "action": {"type": "expire"},
        }
    ]
}


def test_a_lifecycle_policy_expires_by_the_clock(server: RunningServer, ecr: Any) -> None:
    push(ecr, "old")
    ecr.start_lifecycle_policy_preview(repositoryName=NAME, lifecyclePolicyText=json.dumps(POLICY))
    ecr.get_waiter("lifecycle_policy_preview_complete").wait(repositoryName=NAME, WaiterConfig={"Delay": 1})
    assert ecr.get_lifecycle_policy_preview(repositoryName=NAME)["previewResults"] == []
    ecr.put_lifecycle_policy(repositoryName=NAME, lifecyclePolicyText=json.dumps(POLICY))
    server.run("ashore", "clock", "advance", "10d")
    push(ecr, "new")
    server.run("ashore", "clock", "advance", "5d")
    server.wait_until(lambda: tags(ecr) == {"new"})
    assert "rule 1 has it expired" in server.run("ashore", "logs", "--kind", "decision")
    assert "lastEvaluatedAt" in server.run("aws", "ecr", "get-lifecycle-policy", "--repository-name", NAME)


def test_pushes_reach_a_queue_by_eventbridge_also_over_kill_9(server: RunningServer, ecr: Any) -> None:
    sqs, events = server.client("sqs"), server.client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Image Action"], "detail": {"action-type": ["PUSH"]}}
    events.put_rule(Name="pushes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pushes", Targets=[{"Id": "1", "Arn": arn}])
    digest = push(ecr, "v1")
    server.kill()
    server.start()
    push(ecr, "v2")
    told: dict[str, Any] = {}

    def received() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            told[event["detail"]["image-tag"]] = event
        return set(told) == {"v1", "v2"}

    server.wait_until(received)
    assert told["v1"]["detail"]["image-digest"] == digest
    assert (told["v1"]["account"], told["v1"]["region"]) == ("000000000000", "us-east-1")


def test_images_are_replicated_to_another_region(server: RunningServer, ecr: Any) -> None:
    destination = {"region": "us-west-2", "registryId": "000000000000"}
    push(ecr, "before")
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    assert ecr.describe_registry()["replicationConfiguration"]["rules"][0]["destinations"] == [destination]
    push(ecr, "after")
    asked = {"repositoryName": NAME, "imageId": {"imageTag": "after"}}
    server.wait_until(
        lambda: ecr.describe_image_replication_status(**asked)["replicationStatuses"][0]["status"] == "COMPLETE"
    )
    far = server.client("ecr", region="us-west-2")
    assert tags(far) == {"after"}
    backfill = ecr.start_replication_backfill(destination=destination)["replicationBackfillId"]
    server.wait_until(
        lambda: ecr.describe_replication_backfill_results(replicationBackfillId=backfill)["status"] == "COMPLETE"
    )
    assert tags(far) == {"after", "before"}
    shown = server.run("aws", "ecr", "describe-registry", "--query", "replicationConfiguration.rules")
    assert json.loads(shown)[0]["destinations"] == [destination]


def test_a_template_lets_a_push_make_its_repository(server: RunningServer, ecr: Any) -> None:
    ecr.create_repository_creation_template(
        prefix="made", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE"
    )
    password = server.run("aws", "ecr", "get-login-password").strip()
    basic = base64.b64encode(f"AWS:{password}".encode()).decode()
    statuses = []
    for name in ("made/by/push", "not/made"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", f"/v2/{name}/blobs/uploads/", headers={"Authorization": f"Basic {basic}"})
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [202, 404]
    made = ecr.describe_repositories(repositoryNames=["made/by/push"])["repositories"][0]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert "made" in server.run("aws", "ecr", "describe-repository-creation-templates")


def test_pull_time_exclusions_and_signing(server: RunningServer, ecr: Any) -> None:
    role = "arn:aws:iam::000000000000:role/scanner"
    ecr.register_pull_time_update_exclusion(principalArn=role)
    assert role in server.run("aws", "ecr", "list-pull-time-update-exclusions")
    with pytest.raises(ecr.exceptions.ExclusionAlreadyExistsException):
        ecr.register_pull_time_update_exclusion(principalArn=role)
    with pytest.raises(ecr.exceptions.SigningConfigurationNotFoundException):
        ecr.get_signing_configuration()
    profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/release"
    ecr.put_signing_configuration(signingConfiguration={"rules": [{"signingProfileArn": profile}]})
    push(ecr, "v1")
    status = ecr.describe_image_signing_status(repositoryName=NAME, imageId={"imageTag": "v1"})["signingStatuses"]
    assert [(item["signingProfileArn"], item["status"]) for item in status] == [(profile, "FAILED")]


def test_a_scan_finds_what_the_feed_knows(server: RunningServer, ecr: Any) -> None:
    push(ecr, "v1", layer=tar(FILES, compressed=True))
    asked = {"repositoryName": NAME, "imageId": {"imageTag": "v1"}}
    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        ecr.describe_image_scan_findings(**asked)
    ecr.start_image_scan(**asked)
    ecr.get_waiter("image_scan_complete").wait(**asked, WaiterConfig={"Delay": 1})
    found = ecr.describe_image_scan_findings(**asked)["imageScanFindings"]
    assert found["findingSeverityCounts"] == {"CRITICAL": 1}
    assert "CVE-2024-0001" in server.run(
        "aws", "ecr", "describe-image-scan-findings", "--repository-name", NAME, "--image-id", "imageTag=v1"
    )
    with pytest.raises(ecr.exceptions.LimitExceededException):
        ecr.start_image_scan(**asked)


def test_an_image_without_packages_is_not_called_clean(server: RunningServer, ecr: Any) -> None:
    filters = [{"filter": "*", "filterType": "WILDCARD"}]
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)
    batch = ecr.batch_get_repository_scanning_configuration(repositoryNames=[NAME])
    assert batch["scanningConfigurations"][0]["scanFrequency"] == "SCAN_ON_PUSH"
    push(ecr, "v1", layer=tar({"bin/app": b"static"}))
    asked = {"repositoryName": NAME, "imageId": {"imageTag": "v1"}}
    server.wait_until(
        lambda: ecr.describe_image_scan_findings(**asked)["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"
    )
    assert (
        ecr.describe_images(repositoryName=NAME)["imageDetails"][0]["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"
    )


def test_a_public_repository_is_pushed_to_and_pulled_from_by_another_account(server: RunningServer, ecr: Any) -> None:
    del ecr
    public = server.client("ecr-public")
    made = public.create_repository(repositoryName="hello", catalogData={"description": "An app"})["repository"]
    assert made["repositoryArn"] == "arn:aws:ecr-public::000000000000:repository/hello"
    digest = push(public, "v1", "hello")
    shown = server.run("aws", "ecr-public", "describe-image-tags", "--repository-name", "hello")
    assert digest in shown
    password = server.run("aws", "ecr-public", "get-login-password", "--region", "us-east-1").strip()
    assert password
    token = server.client("ecr-public", OTHER).get_authorization_token()["authorizationData"]["authorizationToken"]
    path = made["repositoryUri"].partition("/")[2]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/v2/{path}/manifests/v1", headers={"Authorization": f"Basic {token}"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (200, digest)
    connection.close()
    with pytest.raises(public.exceptions.RepositoryNotEmptyException):
        public.delete_repository(repositoryName="hello")
    public.create_repository(repositoryName="bare")
    with pytest.raises(public.exceptions.RepositoryCatalogDataNotFoundException):
        public.get_repository_catalog_data(repositoryName="bare")

"""A server that only tells what it would deny (`iam=soft`)."""

from collections.abc import Iterator

import pytest

from tests.contract.identities import User, denials
from tests.running import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    found = RunningServer(tmp_path_factory.mktemp("soft") / "state", runtime="simulated", iam="soft")
    yield found
    found.stop()


def test_everything_is_done_and_told(server: RunningServer) -> None:
    alice = User(server)
    alice.client("ecs").create_cluster(clusterName="demo")
    alice.client("s3").create_bucket(Bucket="bucket")
    server.client("ecs", "AKIAQAAAAAAAEXAMPLE2").list_clusters()
    server.client("ecs", alice.key["AccessKeyId"], secret="wrong").list_clusters()
    server.client("ecr").create_repository(repositoryName="team/app")
    assert alice.client("ecr").list_images(repositoryName="team/app")["imageIds"] == []
    told = denials(server)
    assert [(item.get("action"), item.get("resource"), item["enforced"]) for item in told] == [
        ("ecs:CreateCluster", "*", False),
        ("s3:CreateBucket", "arn:aws:s3:::bucket", False),
        (None, None, False),
        (None, None, False),
        ("ecs:ListClusters", "*", False),
        ("ecr:ListImages", "arn:aws:ecr:us-east-1:000000000000:repository/team/app", False),
    ]
    assert [item["error"] for item in told if "error" in item] == [
        "UnrecognizedClientException",
        "InvalidSignatureException",
    ]


def test_the_command_shows_them(server: RunningServer) -> None:
    User(server, "bob").client("ecs").list_clusters()
    shown = server.run("ashore", "logs", "--kind", "denial", "-n", "1")
    for part in ("ecs:ListClusters", "principal=arn:aws:iam::000000000000:user/bob", "statement=none allows it"):
        assert part in shown

"""Every command of the page on permissions runs, on a server that enforces them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import Page
from tests.running import RunningServer

PAGE = Page("docs/iam.md")
DENIED = "statement=none allows it"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("iam-page") / "state", runtime="simulated", iam="strict")
    yield running
    running.stop()


@pytest.fixture
def server(started: RunningServer) -> RunningServer:
    """Without resources."""
    started.admin("POST", "reset")
    return started


def refusals(told: str) -> list[str]:
    """The lines of the journal's refusals that the page prints."""
    return [line for line in told.splitlines() if " denial " in line]


def test_the_commands_work_without_an_engine(server: RunningServer) -> None:
    told = PAGE.plain.run(server)
    assert '"Arn": "arn:aws:iam::000000000000:user/alice"' in told
    first, second, third = refusals(told)
    assert "ecr:GetAuthorizationToken principal=arn:aws:iam::000000000000:user/alice" in first
    assert "action=ecr:DescribeImages resource=arn:aws:ecr:us-east-1:000000000000:repository/shop/cart" in second
    assert DENIED in first
    assert DENIED in second
    assert "statement=statement Keep of the policy of repository shop/cart" in third
    assert '"taskRoleArn": "arn:aws:iam::000000000000:role/app"' in told


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_docker_is_refused_until_the_policy_lets_it_push(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY busybox /busybox\nCMD ["/busybox","true"]\n')
    shutil.copy("/bin/busybox", tmp_path / "busybox")
    try:
        server.run("docker", "build", "-q", "-t", "hello", str(tmp_path))
        told = PAGE.all.run(server)
    finally:
        server.run("docker", "rmi", "-f", "hello", f"localhost:{server.port}/shop/cart:v1")
    assert "v1: digest: sha256:" in told
    actions = [line.split(" action=")[1].split()[0] for line in refusals(told)]
    looking = "ecr:BatchCheckLayerAvailability"  # docker looks first where it knows the layer from another push
    assert [action for action in actions if action != looking] == [
        "ecr:GetAuthorizationToken",
        "ecr:InitiateLayerUpload",
        "ecr:DescribeImages",
        "ecr:BatchDeleteImage",
    ]
    images = server.client("ecr").describe_images(repositoryName="shop/cart")["imageDetails"]
    assert [image["imageTags"] for image in images] == [["v1"]]

"""Applications of several containers on a real engine: Compose with a private image, and Dockerrun.aws.json version 2."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.beanstalk import BUCKET, Shop, bundle, option
from tests.emulator.runtime import images
from tests.running import RunningServer, free_port

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

BASE = "ashore-test-beanstalk-compositions:1"
PASSWORD = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
"""`secret`, as the registry keeps it."""
REGISTRY = """version: 0.1
storage: {filesystem: {rootdirectory: FOLDER/images}}
http: {addr: "127.0.0.1:PORT"}
auth: {htpasswd: {realm: private, path: FOLDER/password}}
"""
PROPERTIES = "aws:elasticbeanstalk:application:environment"
ECS = "64bit Amazon Linux 2023 v4.2.0 running ECS"
ASKS = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "front $COLOUR"
wget -q -O - http://back:8081/cgi-bin/told
"""
TELLS = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "back $COLOUR"
"""
DOCKERFILE = """FROM BASE
COPY script /www/cgi-bin/told
RUN chmod 755 /www/cgi-bin/told
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "PORT", "-h", "/www"]
"""
COMPOSE = """services:
  front:
    build: ./front
    ports: ["80:8080"]
    env_file: .env
    environment: {OWN: "${COLOUR}"}
    depends_on: [back]
  back:
    image: IMAGE
    env_file: .env
"""


def dockerfile(port: int) -> str:
    return DOCKERFILE.replace("BASE", BASE).replace("PORT", str(port))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    images.make(BASE)
    running = RunningServer(tmp_path_factory.mktemp("compositions") / "state", runtime="docker", clock="x30")
    found = Shop(running)
    found.begin()
    yield found
    running.stop()
    images.remove(BASE)


@pytest.fixture
def private(shop: Shop, tmp_path: Path) -> Iterator[str]:
    """An image in a registry that asks for a password; files with the right and a wrong one are in S3."""
    port = free_port()
    (tmp_path / "password").write_text(f"team:{PASSWORD}\n")
    (tmp_path / "config.yml").write_text(REGISTRY.replace("FOLDER", str(tmp_path)).replace("PORT", str(port)))
    command = ["docker-registry", "serve", str(tmp_path / "config.yml")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    assert any("listening on" in line for line in server.stderr)
    registry = f"127.0.0.1:{port}"
    for key, password in (("dockercfg", "secret"), ("wrong", "guessed")):
        document = {"auths": {registry: {"auth": base64.b64encode(f"team:{password}".encode()).decode()}}}
        shop.server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
        (tmp_path / key).mkdir()
        (tmp_path / key / "config.json").write_text(json.dumps(document))
    (tmp_path / "script").write_text(TELLS)
    (tmp_path / "Dockerfile").write_text(dockerfile(8081))
    image = f"{registry}/private:1"
    for command in (["build", "-q", "-t", image, str(tmp_path)], ["push", "-q", image], ["rmi", image]):
        subprocess.run(["docker", "--config", str(tmp_path / "dockercfg"), *command], capture_output=True, check=True)
    yield image
    server.terminate()
    server.communicate()
    images.remove(image)


def composed(image: str, key: str) -> bytes:
    run: dict[str, Any] = {"AWSEBDockerrunVersion": "3", "Authentication": {"bucket": BUCKET, "key": key}}
    files = {
        "docker-compose.yml": COMPOSE.replace("IMAGE", image),
        "Dockerrun.aws.json": json.dumps(run),
        "front/Dockerfile": dockerfile(8080),
        "front/script": ASKS,
    }
    return bundle(**files)


def container(name: str, port: int, script: str, **members: object) -> dict[str, object]:
    program = f"mkdir -p /www/cgi-bin; cat > /www/cgi-bin/told <<'END'\n{script}END\n"
    program += f"chmod 755 /www/cgi-bin/told; exec httpd -f -p {port} -h /www"
    command = ["sh", "-c", program]
    return {"name": name, "image": BASE, "memory": 64, "essential": True, "command": command, **members}


@pytest.mark.timeout(120)
def test_services_of_a_composition_reach_each_other_and_the_private_registry(shop: Shop, private: str) -> None:
    colour = option(PROPERTIES, "COLOUR", "deep blue")
    for key in ("dockercfg", "wrong"):
        shop.version(key, composed(private, key))
    refused = shop.create("refused", colour, single=True, VersionLabel="wrong")
    shop.wait("refused")
    said = shop.messages("refused", refused)
    assert any(text.startswith(f"Failed to pull Docker image {private}: ") for text in said), said
    begun = shop.create("composed", colour, single=True, VersionLabel="dockercfg")
    cname = shop.wait("composed")["CNAME"]
    said = shop.messages("composed", begun)
    assert said[-1] == "Successfully launched environment: composed", "\n".join(said)
    assert shop.get(cname, "/cgi-bin/told") == (200, "front deep blue\nback deep blue\n")
    assert (
        "Services of docker-compose.yml reach by name only those that start before them; the order is back, front."
        in said
    )


@pytest.mark.timeout(120)
def test_linked_containers_of_the_ecs_platform_reach_each_other(shop: Shop) -> None:
    published = [{"hostPort": 80, "containerPort": 8080}]
    containers = [
        container("front", 8080, ASKS, portMappings=published, links=["back"]),
        container("back", 8081, TELLS),
    ]
    document = {"AWSEBDockerrunVersion": 2, "containerDefinitions": containers}
    shop.version("tasks", json.dumps(document).encode(), "tasks/Dockerrun.aws.json")
    colour = option(PROPERTIES, "COLOUR", "red")
    begun = shop.create("tasks", colour, single=True, VersionLabel="tasks", SolutionStackName=ECS)
    cname = shop.wait("tasks")["CNAME"]
    said = shop.messages("tasks", begun)
    assert said[-1] == "Successfully launched environment: tasks", said
    assert shop.get(cname, "/cgi-bin/told") == (200, "front red\nback red\n")

"""A bundle of the Python platform, from its zip to the process that answers."""

import asyncio
import io
import json
import os
import stat
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from emulator.beanstalk.bundles.builds import build_failure, build_spec, labels_of
from emulator.beanstalk.bundles.errors import StageError
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.files import FolderFiles
from emulator.beanstalk.bundles.plan import ApplicationPlan, Subject
from emulator.beanstalk.bundles.planning import plan
from emulator.beanstalk.bundles.unpacking import unpack
from emulator.runtime.faults import CannotBuildImageError
from emulator.runtime.specs import ContainerSpec, PortMapping
from tests.docker import python_image
from tests.emulator.runtime import images
from tests.emulator.runtime.stages import Stage, docker_stage, task

pytestmark = pytest.mark.docker

ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
BRANCH = "Python 3.13 running on 64bit Amazon Linux 2023"

APPLICATION = """
import json, os, subprocess
def read(path):
    with open(path) as file:
        return file.read().strip()
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    seen = {
        "colour": os.environ["COLOUR"], "folder": os.getcwd(), "path": environ["PATH_INFO"],
        "file": read("/etc/told"), "hooks": read("/hooks"), "migrated": read("migrated"), "built": read("built"),
        "config": subprocess.run(["/opt/elasticbeanstalk/bin/get-config", "environment", "-k", "COLOUR"],
                                 capture_output=True, text=True).stdout,
    }
    return [json.dumps(seen).encode()]
"""
BUNDLE = {
    "application.py": APPLICATION,
    "Procfile": "web: python3 /opt/elasticbeanstalk/ashore/wsgi_server.py application:application\n"
    "beat: echo beat; sleep 0.2\n",
    "Buildfile": "make: echo yes > built",
    ".ebextensions/01.config": "files: {/etc/told: {content: it's told, mode: '000600'}}\n"
    "commands: {b: {command: 'exit 3', ignoreErrors: true}, a: {command: 'exit 4', test: 'false'}}\n",
    ".ebextensions/02.config": "container_commands: {01: {command: 'echo $COLOUR $LEVEL > migrated', env: {LEVEL: high}}}",
    ".platform/hooks/prebuild/02.sh": "#!/bin/sh\necho second $COLOUR >> /hooks",
    ".platform/hooks/prebuild/01.sh": "#!/bin/sh\necho first $HOME >> /hooks",
    ".platform/hooks/postdeploy/01.sh": "#!/bin/sh\necho after at $PWD >> /hooks",
}


@pytest.fixture(scope="module")
def base(engine: None) -> Iterator[str]:
    del engine
    name = f"ashore-test/python:{os.environ.get('PYTEST_XDIST_WORKER', '1')}"
    python_image.make(name)
    yield name
    images.remove(name)


class Deployed:
    """A bundle that is unpacked and planned."""

    def __init__(self, place: Path, bundle: dict[str, str], base: str) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, text in bundle.items():
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
                archive.writestr(info, text)
        (place / "app.zip").write_bytes(stream.getvalue())
        self.folder = place / "bundle"
        unpack(place / "app.zip", "app.zip", self.folder)
        options = {(ENVIRONMENT, "COLOUR"): "sky 'blue'"}
        self.subject = Subject(f"e-{uuid4().hex[:10]}", "web", "v1", 1, BRANCH, options, {"Python": base})
        self.lines: list[str] = []

    def plan(self) -> ApplicationPlan:
        files = FolderFiles(self.folder)
        return plan(files, read_extensions(files, "v1"), self.subject)

    async def build(self, stage: Stage) -> ContainerSpec:
        found = self.plan()
        labels = labels_of(self.subject.environment_id, 1)
        await stage.runtime.build(build_spec(found.builds[0], found.mode, self.folder, labels), {}, self.lines.append)
        (container,) = found.containers
        variables = {item["name"]: item["value"] for item in container["environment"]}
        ports = tuple(PortMapping(port["containerPort"], port["hostPort"]) for port in container["portMappings"])
        return ContainerSpec(container["name"], container["image"], environment=variables, ports=ports)


def ask(port: int) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.10.77.2:{port}/hello", timeout=5) as answer:
        found: dict[str, str] = json.load(answer)
        return found


async def answer_of(stage: Stage, deployed: Deployed) -> tuple[dict[str, str], list[str]]:
    """What the application answers after its hooks, and what the processes wrote by then."""
    of, container = task(), await deployed.build(stage)
    started = await stage.start(of, container)
    port = started.bindings[0].host_port
    said: list[str] = []
    found: dict[str, str] = {}
    async with asyncio.timeout(30):
        async for line in stage.runtime.logs(of.arn, container.name, None):
            said.append(line.message)  # the beat, several times a second: something to wait on
            try:
                found = await asyncio.to_thread(ask, port)
            except OSError:
                continue
            if "after" in found["hooks"] and said.count("beat") >= 2:
                break
    await stage.runtime.stop(of.arn, container.name, 10)
    return found, said


def test_a_bundle_of_the_python_platform_runs(base: str, tmp_path: Path) -> None:
    deployed = Deployed(tmp_path, BUNDLE, base)

    async def play() -> tuple[dict[str, str], list[str], int]:
        async with docker_stage(base) as stage:
            found, said = await answer_of(stage, deployed)
            return found, said, (await stage.witness.exit_of("eb-current-app")).exit_code

    found, said, exit_code = asyncio.run(play())
    assert found == {
        "colour": "sky 'blue'",
        "folder": "/var/app/current",
        "path": "/hello",
        "file": "it's told",
        "hooks": "first /root\nsecond sky 'blue'\nafter at /var/app/current",
        "migrated": "sky 'blue' high",
        "built": "yes",
        "config": "sky 'blue'",
    }
    assert exit_code == 0
    assert any("process beat ended with code 0 and is started again" in line for line in said)
    output = "\n".join(deployed.lines)
    assert "Command b of .ebextensions/01.config failed and is ignored" in output
    assert "Command a of .ebextensions/01.config is left out by its test" in output


def test_a_hook_that_fails_fails_the_deployment(base: str, tmp_path: Path) -> None:
    deployed = Deployed(tmp_path, {"Procfile": "web: true", ".platform/hooks/predeploy/x": "#!/bin/sh\nexit 7"}, base)

    async def play() -> None:
        async with docker_stage(base) as stage:
            with pytest.raises(CannotBuildImageError) as caught:
                await deployed.build(stage)
            error = build_failure(deployed.plan().mode, caught.value)
            assert isinstance(error, StageError)
            assert "the predeploy hooks" in str(error)
            assert any("Running platform hook: .platform/hooks/predeploy/x" in line for line in caught.value.lines)

    asyncio.run(play())

"""Sample applications, and those of the documentation."""

import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.files import FolderFiles
from emulator.beanstalk.bundles.plan import ApplicationPlan, Mode
from emulator.beanstalk.bundles.planning import plan
from emulator.beanstalk.bundles.platforms import platform_of
from emulator.beanstalk.bundles.samples import NoSampleError, write_sample
from tests.emulator.beanstalk.bundles.bundle_files import DOCKER, ECS, PYTHON, subject

ON = "running on 64bit Amazon Linux 2023"
BRANCHES = [
    DOCKER, ECS, PYTHON, f"Node.js 22 {ON}", f"Go 1 {ON}", f"Ruby 3.4 {ON}", f"PHP 8.4 {ON}", f"Corretto 21 {ON}",
    f"Tomcat 10 with Corretto 21 {ON}",
]  # fmt: skip
SAMPLES = Path(__file__).parents[4] / "docs" / "samples" / "beanstalk"


def planned(folder: Path, branch: str) -> ApplicationPlan:
    files = FolderFiles(folder)
    return plan(files, read_extensions(files, "v1"), subject(branch))


@pytest.mark.parametrize("branch", BRANCHES)
def test_every_platform_has_a_sample_that_can_be_deployed(tmp_path: Path, branch: str) -> None:
    for _ in range(2):
        write_sample(tmp_path / "bundle", platform_of(branch), branch, {"Docker": "own:1"})
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    found = planned(tmp_path / "bundle", branch)
    assert found.not_honoured == ()
    assert found.containers[0]["image"] == "own:1" or branch != DOCKER


def test_there_is_none_for_dotnet(tmp_path: Path) -> None:
    for branch in (f".NET 9 {ON}", "IIS 10.0 running on 64bit Windows Server 2019"):
        with pytest.raises(NoSampleError, match="There is no sample application for the platform"):
            write_sample(tmp_path / "bundle", platform_of(branch), branch, {})
    assert list(tmp_path.iterdir()) == []


def test_the_sample_of_python_answers(tmp_path: Path) -> None:
    write_sample(tmp_path / "bundle", platform_of(PYTHON), PYTHON, {})
    application: Any = runpy.run_path(str(tmp_path / "bundle" / "application.py"))["application"]
    told: list[str] = []
    assert application({}, lambda status, _headers: told.append(status)) == [
        b"This is Ashore's sample application for Python.\n"
    ]
    assert told == ["200 OK"]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to check a script with")
def test_the_sample_of_node_is_a_script(tmp_path: Path) -> None:
    branch = BRANCHES[3]
    write_sample(tmp_path / "bundle", platform_of(branch), branch, {})
    subprocess.run(["node", "--check", tmp_path / "bundle" / "app.js"], check=True, capture_output=True)


def test_the_web_application_of_the_documentation() -> None:
    found = planned(SAMPLES / "web-application", DOCKER)
    assert (found.mode, found.not_honoured) == (Mode.IMAGE, ())
    assert found.proxy is not None
    assert found.proxy.port == 80


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_versions_of_the_documentation(version: str) -> None:
    folder = SAMPLES / "traffic-splitting" / version
    found = planned(folder, DOCKER)
    assert (found.mode, found.not_honoured) == (Mode.DOCKERFILE, ())
    assert found.proxy is not None
    assert found.proxy.port == 8080
    settings = read_extensions(FolderFiles(folder), version).settings
    assert {one.name: one.value for one in settings} == {
        "DeploymentPolicy": "TrafficSplitting", "NewVersionPercent": "15", "EvaluationTime": "10",
    }  # fmt: skip
    assert (folder / "index.html").read_text() == f"version {version[1]}\n"

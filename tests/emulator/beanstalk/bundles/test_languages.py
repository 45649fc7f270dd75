"""What each language platform starts, and the scripts of a deployment."""

import json
import subprocess
from typing import Any

import pytest

from emulator.beanstalk.bundles.errors import InvalidOptionError, NoProcessError
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.plan import ApplicationPlan, ImagePull, Mode, Subject
from emulator.beanstalk.bundles.planning import plan
from tests.emulator.beanstalk.bundles.bundle_files import PYTHON, MemoryFiles, subject

NODE = "Node.js 22 running on 64bit Amazon Linux 2023"
OTHERS = {
    "Go 1 running on 64bit Amazon Linux 2023": ("golang:1", {"application.go": ""}, "bin/application"),
    "Ruby 3.4 running on 64bit Amazon Linux 2023": ("ruby:3.4-slim", {"Gemfile": ""}, "bundle exec puma"),
    "PHP 8.4 running on 64bit Amazon Linux 2023": ("php:8.4-apache", {}, "apache2-foreground"),
    "Corretto 21 running on 64bit Amazon Linux 2023": ("amazoncorretto:21", {"application.jar": ""}, "java -jar application.jar"),
    "Tomcat 10 with Corretto 21 running on 64bit Amazon Linux 2023": ("tomcat:10-jdk21", {}, "catalina.sh"),
    ".NET 9 running on 64bit Amazon Linux 2023": (
        "mcr.microsoft.com/dotnet/aspnet:9.0", {"shop.runtimeconfig.json": ""}, "dotnet ./shop.dll",
    ),
}  # fmt: skip


def planned(branch: str, contents: dict[str, Any], of: Subject | None = None) -> ApplicationPlan:
    files = MemoryFiles(contents)
    return plan(files, read_extensions(files, "v1"), of or subject(branch, COLOUR="blue"))


def own(found: ApplicationPlan, name: str) -> str:
    return found.builds[0].files[f".ashore/own/{name}"][0].decode()


def test_python() -> None:
    found = planned(PYTHON, {"requirements.txt": "flask"})
    assert (found.mode, found.pulls) == (Mode.LANGUAGE, (ImagePull("python:3.13-slim", always=False),))
    assert found.proxy is not None
    assert (found.proxy.port, found.containers[0]["portMappings"][0]["hostPort"]) == (8000, 0)
    assert {item["name"]: item["value"] for item in found.containers[0]["environment"]} == {
        "PORT": "8000",
        "COLOUR": "blue",
    }
    assert "gunicorn" in own(found, "processes/web")
    assert "application:application" in own(found, "processes/web")
    assert "pip install -r requirements.txt" in own(found, "install.sh")
    dockerfile = found.builds[0].files[".ashore/Dockerfile"][0].decode()
    assert dockerfile.startswith("FROM python:3.13-slim\n")


def test_settings_of_python() -> None:
    space = "aws:elasticbeanstalk:container:python"
    options = {(space, "WSGIPath"): "shop/wsgi.py", (space, "NumThreads"): "3"}
    command = own(planned(PYTHON, {}, subject(PYTHON, options)), "processes/web")
    assert "shop.wsgi:application" in command
    assert "--threads=3" in command


@pytest.mark.parametrize(
    ("contents", "command", "told"),
    [
        ({"package.json": '{"scripts": {"start": "node x"}, "engines": {"node": "22"}}'}, "exec npm start\n", 1),
        ({"package.json": "{}", "app.js": ""}, "exec node app.js\n", 2),
        ({"server.js": ""}, "exec node server.js\n", 1),
        ({"server.js": "", "Procfile": "web: A=1 node x"}, "exec env A=1 node x\n", 1),
    ],
)
def test_node(contents: dict[str, str], command: str, told: int) -> None:
    found = planned(NODE, contents)
    assert own(found, "processes/web") == command
    assert len(found.told) == told
    assert ("npm install" in own(found, "install.sh")) == ("package.json" in contents)


def test_node_without_anything_to_start() -> None:
    with pytest.raises(NoProcessError) as caught:
        planned(NODE, {"index.html": ""})
    assert str(caught.value) == (
        "Instance deployment failed to generate a 'Procfile' for Node.js. Provide one of these files: 'package.json', "
        "'server.js', or 'app.js'. The deployment failed."
    )


@pytest.mark.parametrize("branch", OTHERS)
def test_the_others(branch: str) -> None:
    image, contents, command = OTHERS[branch]
    found = planned(branch, contents)
    assert found.builds[0].base == image
    assert command in own(found, "processes/web")
    assert found.proxy is not None
    assert found.proxy.port == 5000


def test_an_image_of_the_settings_and_a_port_of_the_properties() -> None:
    for images in ({PYTHON: "own:1"}, {"Python 3.13": "own:1", "Python": "x"}, {"Python": "own:1"}):
        of = Subject("e-1", "web", "v1", 1, PYTHON, subject(PORT="9000").options, images)
        found = planned(PYTHON, {}, of)
        assert found.builds[0].base == "own:1"
        assert found.proxy is not None
        assert found.proxy.port == 9000
    with pytest.raises(InvalidOptionError):
        planned(PYTHON, {}, subject(PYTHON, PORT="high"))


def test_confighooks_run_when_only_settings_change() -> None:
    hooks = {
        f".platform/{kind}/{stage}/x": "" for kind in ("hooks", "confighooks") for stage in ("prebuild", "postdeploy")
    }
    of = subject(PYTHON)
    changed = Subject("e-1", "web", "v1", 2, PYTHON, of.options, configuration=True)
    assert "confighooks" not in own(planned(PYTHON, hooks), "prebuild.sh")
    assert own(planned(PYTHON, hooks, changed), "prebuild.sh").index("/hooks/") > 0
    assert ".platform/confighooks/prebuild/x" in own(planned(PYTHON, hooks, changed), "prebuild.sh")
    assert own(planned(PYTHON, hooks, changed), "postdeploy").splitlines() == [
        ".platform/hooks/postdeploy/x", ".platform/confighooks/postdeploy/x",
    ]  # fmt: skip


def test_what_a_container_has_no_part_of_is_told() -> None:
    text = (
        "packages: {yum: {git: []}}\nservices: {sysvinit: {nginx: {}}}\nResources: {T: {}}\n"
        "files: {/a: {source: 'https://x', authentication: S3}}"
    )
    found = planned(PYTHON, {".ebextensions/a.config": text, ".platform/nginx/nginx.conf": ""})
    assert [said.message.split(" of ")[0].split(" cannot")[0] for said in found.not_honoured] == [
        "Packages", "'authentication'", "Services", ".platform/nginx/nginx.conf", "Resources",
    ]  # fmt: skip


def test_scripts_are_what_a_shell_takes() -> None:
    """Whatever the bundle writes is quoted."""
    evil = "'; exit 9; \\'\"$(exit 8)`\n"
    text = {
        "commands": {evil: {"command": evil, "cwd": evil, "env": {"A": evil}, "test": evil, "ignoreErrors": True}},
        "container_commands": {"x": {"command": ["echo", evil]}},
        "packages": {"python": {evil: [evil]}}, "groups": {evil: {"gid": evil}},
        "users": {evil: {"uid": evil, "groups": [evil], "homeDir": evil}}, "sources": {evil: evil},
        "files": {f"/{evil}": {"content": evil, "owner": evil, "group": evil}, "/b": {"mode": "120777", "content": evil}},
    }  # fmt: skip
    found = planned(PYTHON, {".ebextensions/a.config": json.dumps(text)}, subject(PYTHON, COLOUR=evil))
    for path, (content, _) in found.builds[0].files.items():
        if path.endswith(".sh"):
            done = subprocess.run(["sh", "-n"], input=content, capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, b""), path
    shown = subprocess.run(
        ["sh", "-c", f"{found.builds[0].files['.ashore/own/environment.sh'][0].decode()}\nprintf %s \"$COLOUR\""],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == evil

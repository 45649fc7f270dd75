"""`.ebextensions`, Procfile, credentials, Dockerfiles and the documents beneath."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.beanstalk.bundles.documents import DocumentError, read_json, read_yaml
from emulator.beanstalk.bundles.errors import BundleError, InvalidConfigurationFileError, InvalidFileError
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.platform_files import Process, read_platform_folder, read_processes
from emulator.beanstalk.bundles.platforms import Family, Platform, platform_of
from emulator.beanstalk.bundles.registries import read_credentials, registry_of_image
from emulator.runtime.dockerfiles import exposed_ports
from tests.emulator.beanstalk.bundles.bundle_files import MemoryFiles


def test_settings_in_both_forms_and_the_later_file_wins() -> None:
    files = MemoryFiles({
        ".ebextensions/01.config": "option_settings:\n  aws:autoscaling:asg: {MinSize: 1, MaxSize: 2}\n",
        ".ebextensions/02.config": '{"option_settings": [{"option_name": "A", "value": true},'
        '{"namespace": "aws:autoscaling:asg", "option_name": "MaxSize", "value": 3}]}',
        ".ebextensions/readme.txt": "{{{",
    })  # fmt: skip
    found = [(one.namespace, one.name, one.value) for one in read_extensions(files, "v1").settings]
    assert found == [
        ("aws:autoscaling:asg", "MaxSize", "3"),
        ("aws:autoscaling:asg", "MinSize", "1"),
        ("aws:elasticbeanstalk:application:environment", "A", "true"),
    ]


def test_everything_that_changes_an_instance() -> None:
    text = """
packages: {python: {x: []}, yum: {gcc: [], jq: ['1.6']}, rpm: {epel: 'http://x/epel.rpm'}}
groups: {one: {}, two: {gid: "45"}}
users: {me: {uid: "50", groups: [one, two], homeDir: /tmp}}
sources: {/etc/myapp: 'https://x/y.tar'}
files:
  /b: {mode: "120400", content: /a}
  /a: {mode: "000755", owner: me, content: "Zm9v", encoding: base64}
commands: {b: {command: [echo, a b]}, a: {command: ls, cwd: /tmp, env: {X: 1}, test: 'true', ignoreErrors: true}}
services: {sysvinit: {nginx: {enabled: true}}}
container_commands: {01: {command: migrate, leader_only: true}}
"""
    (file,) = read_extensions(MemoryFiles({".ebextensions/x.config": text}), "v1").files
    assert [(one.manager, one.name, one.versions) for one in file.packages] == [
        ("rpm", "epel", ("http://x/epel.rpm",)), ("yum", "gcc", ()), ("yum", "jq", ("1.6",)), ("python", "x", ()),
    ]  # fmt: skip
    assert (file.groups, file.users[0].groups) == ((("one", None), ("two", "45")), ("one", "two"))
    assert [(one.path, one.mode, one.link, one.content, one.owner) for one in file.files] == [
        ("/a", 0o755, False, b"foo", "me"), ("/b", 0o400, True, b"/a", "root"),
    ]  # fmt: skip
    assert [(one.name, one.command, one.ignore_errors) for one in file.commands] == [
        ("a", "ls", True), ("b", ("echo", "a b"), False),
    ]  # fmt: skip
    assert (file.container_commands[0].name, file.container_commands[0].leader_only) == ("01", True)
    assert file.services == ("sysvinit.nginx",)


def test_a_file_that_cannot_be_parsed() -> None:
    with pytest.raises(InvalidConfigurationFileError) as caught:
        read_extensions(MemoryFiles({".ebextensions/x.config": "a: [\tb"}), "v7")
    text = str(caught.value)
    assert text.startswith(
        "The configuration file .ebextensions/x.config in application version v7 contains invalid YAML or JSON. "
        "YAML exception: Invalid Yaml: "
    )
    assert ", JSON exception: Invalid JSON: " in text
    assert text.endswith(". Update the configuration file.")


def test_a_file_with_an_unknown_key_is_left_out_and_told() -> None:
    files = MemoryFiles({".ebextensions/x.config": "comands: {}\noption_settings: {a: {b: c}}"})
    found = read_extensions(files, "v1")
    assert found.settings == ()
    assert "'.ebextensions/x.config' - Contains invalid key: 'comands'" in found.told[0].message


def test_alias_bombs_and_depth() -> None:
    bomb = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
    )
    merges = "a: &a {x: 1}\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join(['*' + chr(97 + n)] * 9)}]}}\n" for n in range(20)
    )
    for text in (
        bomb,
        merges,
        "[" * 100_000,
        "{a: " * 1000,
        "&a {a: *a}",
        "!!python/object:os.system x",
        "a: b\n---\nc: d",
    ):
        with pytest.raises(DocumentError):
            read_yaml(text)
    for text in ("[" * 100_000, '"\\ud800"', "NaN", "1" * 5000, ""):
        with pytest.raises(DocumentError):
            read_json(text)


def test_values_of_yaml() -> None:
    text = "{a: yes, b: 22:22, c: 2020-01-01, d: 0755, e: 1.50, f: ~, 1: x}"
    assert read_yaml(text) == {"a": True, "b": "22:22", "c": "2020-01-01", "d": "0755", "e": 1.5, "f": None, "1": "x"}
    assert read_yaml("{a: yes, b: true}", compose=True) == {"a": "yes", "b": True}


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_document_or_an_error(text: str) -> None:
    for read in (read_yaml, read_json):
        with suppress(DocumentError):
            json.dumps(read(text))


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("FROM a\nEXPOSE 8080", (8080,)),
        ("FROM a\nexpose 80/tcp 53/udp \\\n 443\n", (80, 443)),
        ("FROM a AS b\nEXPOSE 1\nFROM c\nEXPOSE 2\n", (2,)),
        ("ARG P=5\nFROM a\nENV Q ${P}0\nEXPOSE $Q ${R:-7} $UNKNOWN\n", (50, 7)),
        ("# escape=`\nFROM a\nEXPOSE 1 `\n 2\n", (1, 2)),
        ("FROM a\n# EXPOSE 1\nRUN echo EXPOSE 2\nEXPOSE 70000 3000-3005\n", (3000,)),
        ("EXPOSE 1", ()),
        ("", ()),
    ],
)
def test_exposed_ports(text: str, ports: tuple[int, ...]) -> None:
    assert exposed_ports(text) == ports


def test_processes() -> None:
    files = MemoryFiles({"Procfile": "# c\nweb: bin/server --port $PORT\r\n\nworker:  run  \n"})
    assert read_processes(files, "Procfile") == (Process("web", "bin/server --port $PORT"), Process("worker", "run"))
    assert read_processes(files, "Buildfile") is None
    for text in ("web bin", "web:", "", "we b: x", "web: a\nweb: b"):
        with pytest.raises(InvalidFileError):
            read_processes(MemoryFiles({"Procfile": text}), "Procfile")


def test_hooks_in_order() -> None:
    paths = [".platform/hooks/prebuild/02.sh", ".platform/hooks/prebuild/01.sh", ".platform/confighooks/postdeploy/x"]
    found = read_platform_folder(MemoryFiles(dict.fromkeys(paths, "")))
    assert found.hooks["prebuild"] == (paths[1], paths[0])
    assert found.confighooks["postdeploy"] == (paths[2],)


def test_credentials_of_both_forms() -> None:
    auth = {"auth": base64.b64encode(b"user:pass:word").decode()}
    for document in ({"https://index.docker.io/v1/": auth}, {"auths": {"docker.io": auth, "x": {}}, "credsStore": "y"}):
        (found,) = read_credentials(json.dumps(document).encode(), "key").items()
        assert (found[0], found[1].username, found[1].password) == ("docker.io", "user", "pass:word")
    with pytest.raises(BundleError, match="base64"):
        read_credentials(b'{"x": {"auth": "!"}}', "key")
    assert [registry_of_image(image) for image in ("nginx", "team/app", "quay.io/a/b", "localhost:5000/x")] == [
        "docker.io", "docker.io", "quay.io", "localhost:5000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("branch", "platform"),
    [
        ("Docker running on 64bit Amazon Linux 2023", Platform(Family.DOCKER, "")),
        ("Python 3.13 running on 64bit Amazon Linux 2023", Platform(Family.PYTHON, "3.13")),
        ("Tomcat 10 with Corretto 21 running on 64bit Amazon Linux 2023", Platform(Family.TOMCAT, "10", "21")),
        ("Corretto 17 running on 64bit Amazon Linux 2", Platform(Family.JAVA, "17")),
        (".NET 9 running on 64bit Amazon Linux 2023", Platform(Family.DOTNET, "9")),
        ("Multi-container Docker running on 64bit Amazon Linux", Platform(Family.ECS, "")),
        ("IIS 10.0 running on 64bit Windows Server 2019", None),
    ],
)
def test_platforms(branch: str, platform: Platform | None) -> None:
    assert platform_of(branch) == platform

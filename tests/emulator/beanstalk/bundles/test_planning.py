"""What each kind of bundle comes to."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.beanstalk.bundles.errors import (
    BundleError,
    EcsBundleError,
    InvalidFileError,
    MissingDockerFilesError,
    MissingPortsError,
    NoPortError,
    UnsupportedDockerrunVersionError,
)
from emulator.beanstalk.bundles.extensions import read_extensions
from emulator.beanstalk.bundles.files import FolderFiles
from emulator.beanstalk.bundles.host_paths import machine_path, on_this_machine
from emulator.beanstalk.bundles.manifests import PeriodicTask, read_manifest, read_periodic_tasks
from emulator.beanstalk.bundles.plan import (
    ApplicationPlan,
    Authentication,
    ImageBuild,
    ImagePull,
    Mode,
    Subject,
    forward_port,
)
from emulator.beanstalk.bundles.planning import plan
from tests.emulator.beanstalk.bundles.bundle_files import DOCKER, ECS, PYTHON, MemoryFiles, subject


def planned(contents: dict[str, Any], of: Subject | None = None) -> ApplicationPlan:
    texts = {path: json.dumps(text) if isinstance(text, dict) else text for path, text in contents.items()}
    files = MemoryFiles(texts)
    of = of or subject()
    return plan(files, read_extensions(files, of.version_label), of)


V1 = {
    "AWSEBDockerrunVersion": "1",
    "Image": {"Name": "nginx:1", "Update": "false"},
    "Ports": [{"ContainerPort": "8080"}],
}


def test_an_image_of_dockerrun() -> None:
    found = planned({"Dockerrun.aws.json": V1}, subject(COLOUR="blue"))
    assert (found.mode, found.builds, found.pulls) == (Mode.IMAGE, (), (ImagePull("nginx:1", always=False),))
    assert found.proxy is not None
    assert (found.proxy.container, found.proxy.port) == ("eb-current-app", 8080)
    assert found.containers == (
        {
            "name": "eb-current-app",
            "image": "nginx:1",
            "essential": True,
            "memoryReservation": 6,
            "environment": [{"name": "COLOUR", "value": "blue"}],
            "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
            "mountPoints": [],
        },
    )
    assert (found.told, found.not_honoured) == ((), ())


def test_all_of_dockerrun_version_1() -> None:
    run = {
        **V1,
        "Image": {"Name": "team/app"},
        "Ports": [{"ContainerPort": 8080, "HostPort": 8000}, {"ContainerPort": 9000}],
        "Volumes": [{"HostDirectory": "/var/app/current/data", "ContainerDirectory": "/data"}],
        "Logging": "/var/log/app",
        "Entrypoint": "/run --with 'two words'",
        "Command": ["serve"],
        "Authentication": {"Bucket": "secrets", "Key": "dockercfg"},
        "Shape": "round",
    }
    found = planned({"Dockerrun.aws.json": run})
    (container,) = found.containers
    assert found.pulls == (ImagePull("team/app", always=True),)
    assert found.authentication == Authentication("secrets", "dockercfg")
    assert (container["entryPoint"], container["command"]) == (["/run", "--with", "two words"], ["serve"])
    assert [(port["containerPort"], port["hostPort"]) for port in container["portMappings"]] == [
        (8080, 8000),
        (9000, 9000),
    ]
    assert found.log_folders == {"eb-current-app": "/var/log/app"}
    placed = on_this_machine(found.volumes, Path("/bundle"), Path("/instance"))
    assert [volume["host"]["sourcePath"] for volume in placed] == [
        "/bundle/data",
        "/instance/var/log/eb-docker/containers/eb-current-app",
    ]
    assert [said.message for said in found.not_honoured] == [
        "'Shape' of Dockerrun.aws.json has no meaning in version 1 and is left out."
    ]


def test_without_proxy_the_application_is_at_port_80() -> None:
    none = {("aws:elasticbeanstalk:environment:proxy", "ProxyServer"): "none"}
    found = planned({"Dockerrun.aws.json": V1}, subject(options=none))
    assert found.proxy is None
    assert found.containers[0]["portMappings"] == [{"containerPort": 8080, "hostPort": 80, "protocol": "tcp"}]


def test_static_files_are_served_where_there_is_a_proxy_and_else_told() -> None:
    space = "aws:elasticbeanstalk:environment:proxy:staticfiles"
    given = {"/a": "public/", "a/b": "/more", "/up": "../x", "/icon": "icon.png", "/any*": "x"}
    options = {(space, path): folder for path, folder in given.items()}
    found = planned({"Dockerrun.aws.json": V1, "icon.png": ""}, subject(options=options))
    assert found.static == (("/a/b", "more"), ("/a", "public"))
    assert [said.message for said in found.not_honoured] == [
        "Static files (/any*, /icon, /up) cannot be honoured: only folders of the bundle are served."
    ]
    none = {**options, ("aws:elasticbeanstalk:environment:proxy", "ProxyServer"): "none"}
    found = planned({"Dockerrun.aws.json": V1, "icon.png": ""}, subject(options=none))
    assert found.static == ()
    assert [said.message for said in found.not_honoured] == [
        "Static files (/a, /a/b, /any*, /icon, /up) cannot be honoured: no proxy stands before its ports."
    ]


def test_a_dockerfile_is_built_whatever_image_is_named() -> None:
    found = planned({"Dockerfile": "FROM x\nEXPOSE 3000 4000\n", "Dockerrun.aws.json": V1 | {"Ports": []}})
    assert (found.mode, found.pulls) == (Mode.DOCKERFILE, ())
    assert found.builds == (ImageBuild("aws_beanstalk/e-abcdefghij:1", "", "Dockerfile"),)
    assert found.containers[0]["image"] == "aws_beanstalk/e-abcdefghij:1"
    assert found.proxy is not None
    assert found.proxy.port == 3000


def test_a_port_that_only_the_built_image_knows() -> None:
    found = planned({"Dockerfile": "FROM x\n"})
    assert found.proxy is not None
    assert forward_port(found.proxy, (80, 443)) == 80
    with pytest.raises(NoPortError, match=r"^No EXPOSE directive found in Dockerfile, abort deployment$"):
        forward_port(found.proxy, ())


COMPOSE = """
services:
  web:
    build: {context: ./web, args: {LEVEL: "${LEVEL:-info}"}}
    ports: ["80:8080", "9000-9001:9000-9001/udp"]
    env_file: .env
    environment: [MODE=fast, COLOUR]
    depends_on: {db: {condition: service_healthy}}
    volumes: ["./static:/static:ro", "data:/data", "${EB_LOG_BASE_DIR}/web:/logs"]
    restart: always
  db:
    image: "postgres:16"
    healthcheck: {test: pg_isready, interval: 1m30s, timeout: 1s, retries: 20}
    mem_limit: 64m
    command: postgres -c "max_connections=5"
volumes: {data: {}}
"""


def test_compose() -> None:
    found = planned({"docker-compose.yml": COMPOSE, "Dockerfile": "FROM x"}, subject(COLOUR="blue"))
    database, web = found.containers
    assert (found.mode, found.proxy) == (Mode.COMPOSE, None)
    assert found.builds == (
        ImageBuild("aws_beanstalk/e-abcdefghij-web:1", "web", "Dockerfile", arguments={"LEVEL": "info"}),
    )
    assert found.pulls == (ImagePull("postgres:16", always=False),)
    assert (database["name"], database["essential"], database["memory"]) == ("db", False, 64)
    assert database["command"] == ["postgres", "-c", "max_connections=5"]
    assert database["healthCheck"] == {
        "command": ["CMD-SHELL", "pg_isready"], "interval": 90, "timeout": 2, "startPeriod": 0, "retries": 10,
    }  # fmt: skip
    assert (web["name"], web["essential"], web["links"]) == ("web", True, ["db"])
    assert web["dependsOn"] == [{"containerName": "db", "condition": "HEALTHY"}]
    assert {item["name"]: item["value"] for item in web["environment"]} == {"COLOUR": "blue", "MODE": "fast"}
    assert [(port["containerPort"], port["hostPort"], port["protocol"]) for port in web["portMappings"]] == [
        (8080, 80, "tcp"), (9000, 9000, "udp"), (9001, 9001, "udp"),
    ]  # fmt: skip
    paths = [volume.get("host", {}).get("sourcePath") for volume in found.volumes]
    assert paths == ["/var/app/current/static", None, "/var/log/eb-docker/containers/web"]
    assert found.log_folders == {"web": "/logs"}
    assert [said.message for said in found.not_honoured] == [
        "'services.web.restart' of docker-compose.yml cannot be honoured and is left out.",
        "The volume 'data' of docker-compose.yml lasts as long as a deployment on an instance, not over the next one.",
        "Services of docker-compose.yml reach by name only those that start before them; the order is db, web.",
    ]


def test_properties_reach_services_by_the_generated_file_only() -> None:
    text = "services: {a: {image: x, ports: ['80:80']}, b: {image: 'y:${TAG}', env_file: [.env, own.env]}}"
    found = planned({"docker-compose.yml": text, "own.env": "OWN='1' \n# no\n"}, subject(TAG="7"))
    by_name = {container["name"]: container for container in found.containers}
    assert by_name["a"]["environment"] == []
    assert by_name["b"]["environment"] == [{"name": "TAG", "value": "7"}, {"name": "OWN", "value": "1"}]
    assert by_name["b"]["image"] == "y:7"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the document must be a mapping"),
        ("services: {}", "it has no services"),
        ("services: {a: {image: x, depends_on: [b]}}", "needs 'b', which is no service"),
        ("services: {a: {image: x, links: [b]}, b: {image: x, depends_on: [a]}}", "in a circle"),
        ("services: {a: {build: ../other}}", "must be a folder or file of the bundle"),
        ("services: {a: {build: 'https://example.com/x.git'}}", "must be a folder or file of the bundle"),
        ("services: {a: {image: x, ports: [eighty]}}", "is no port"),
        ("services: {a: {image: x, volumes: ['data:/data']}}", "which is no volume of the file"),
        ("services: {a: {image: x, env_file: ../../etc/passwd}}", "which is not in the bundle"),
        ("services: {a: {image: '${TAG:?tell it}'}}", "the variable TAG is required: tell it"),
        ("services: {a: {image: '$ x'}}", "a $ that begins no variable"),
        ("a: &a [*a]", "it holds itself"),
        ("services: {a: {}}", "services.a.image is missing"),
    ],
)
def test_compose_that_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(InvalidFileError) as caught:
        planned({"docker-compose.yml": text})
    assert reason in str(caught.value)
    assert str(caught.value).startswith(
        "Instance deployment: 'docker-compose.yml' in your source bundle is not valid: "
    )


V2: dict[str, Any] = {
    "AWSEBDockerrunVersion": 2,
    "volumes": [{"name": "static", "host": {"sourcePath": "/var/app/current/static"}}],
    "containerDefinitions": [
        {
            "name": "web",
            "image": "nginx",
            "memory": "128",
            "essential": True,
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "portMappings": [{"hostPort": 80, "containerPort": 80}],
            "mountPoints": [{"sourceVolume": "awseb-logs-web", "containerPath": "/var/log/nginx"}],
        }
    ],
    "authentication": {"bucket": "b", "key": "k"},
}


def test_dockerrun_version_2_is_a_task_definition() -> None:
    found = planned({"Dockerrun.aws.json": V2}, subject(ECS, B="3"))
    (web,) = found.containers
    assert (found.mode, found.proxy, found.authentication) == (Mode.ECS, None, Authentication("b", "k"))
    assert web["memory"] == 128
    assert web["portMappings"] == [{"hostPort": 80, "containerPort": 80}]
    assert web["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]
    assert found.volumes == (
        {"name": "static", "host": {"sourcePath": "/var/app/current/static"}},
        {"name": "awseb-logs-web", "host": {"sourcePath": "/var/log/containers/web"}},
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"AWSEBDockerrunVersion": "1"}, "Unsupported AWSEBDockerrunVersion: 1"),
        ({}, "AWSEBDockerrunVersion is missing."),
        ({"AWSEBDockerrunVersion": 2}, "containerDefinitions is missing."),
        ({"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "a", "image": "b", "cpu": "x"}]},
         "containerDefinitions[0].cpu must be a integer."),
    ],
)  # fmt: skip
def test_the_ecs_platform_refuses(content: dict[str, Any], text: str) -> None:
    with pytest.raises(EcsBundleError) as caught:
        planned({"Dockerrun.aws.json": content}, subject(ECS))
    assert str(caught.value) == f"ECS Application sourcebundle validation error: {text}"


def test_versions_of_the_docker_platform() -> None:
    with pytest.raises(MissingDockerFilesError):
        planned({"index.html": ""})
    for files in ({"Dockerrun.aws.json": V2}, {"Dockerrun.aws.json": V1, "docker-compose.yml": COMPOSE}):
        with pytest.raises(UnsupportedDockerrunVersionError):
            planned(files)
    v3 = {"AWSEBDockerrunVersion": 3, "Authentication": {"bucket": "b", "key": "k"}}
    found = planned({"Dockerrun.aws.json": v3, "docker-compose.yml": COMPOSE})
    assert found.authentication == Authentication("b", "k")
    with pytest.raises(MissingPortsError, match=r"^No EXPOSE directive found in Dockerfile, abort deployment$"):
        planned({"Dockerrun.aws.json": V1 | {"Ports": []}})


def test_what_a_docker_instance_cannot_do_is_told() -> None:
    found = planned(
        {
            "Dockerrun.aws.json": V1,
            ".ebextensions/a.config": "commands: {one: {command: ls}}\nResources: {Topic: {}}",
            ".platform/hooks/prebuild/01.sh": "",
            ".platform/nginx/conf.d/x.conf": "",
        }
    )
    assert [said.message.partition(" cannot")[0] for said in found.not_honoured] == [
        "Resources of .ebextensions/a.config",
        "commands of .ebextensions/a.config",
        ".platform/hooks/prebuild/01.sh",
        ".platform/nginx/conf.d/x.conf",
    ]
    assert {said.severity.value for said in found.not_honoured} == {"WARN"}


def test_paths_of_an_instance_never_leave_their_folders() -> None:
    bundle, instance = Path("/bundle"), Path("/instance")
    assert machine_path("/var/app/current/../../../etc/shadow", bundle, instance) == Path("/instance/etc/shadow")
    assert machine_path("/../../x", bundle, instance) == Path("/instance/x")
    assert machine_path("/var/app/current", bundle, instance) == bundle
    assert machine_path("/var/app/currently", bundle, instance) == Path("/instance/var/app/currently")


def test_manifests() -> None:
    files = MemoryFiles({
        "env.yaml": "EnvironmentName: front+\nSolutionStack: s\nEnvironmentLinks: {WORKERQUEUE: worker+}\n"
        "OptionSettings: {aws:autoscaling:asg: {MinSize: 2}}",
        "cron.yaml": "version: 1\ncron: [{name: a, url: /a, schedule: '0 */12 * * 1-5'}]",
    })  # fmt: skip
    manifest = read_manifest(files)
    assert manifest is not None
    assert (manifest.environment_name, manifest.links) == ("front+", (("WORKERQUEUE", "worker+"),))
    assert [(one.name, one.value) for one in manifest.settings] == [("MinSize", "2")]
    assert read_periodic_tasks(files) == (PeriodicTask("a", "/a", "0 */12 * * 1-5"),)
    assert read_periodic_tasks(MemoryFiles({})) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 1\ncron: [{name: a, url: /, schedule: '60 * * * *'}]", "schedule is no schedule: out of range"),
        ("version: 1\ncron: [{name: a, url: /, schedule: '* *'}]", "not five fields"),
        (
            "version: 1\ncron: [{name: a, url: /, schedule: '@daily'}, {name: a, url: b, schedule: '@daily'}]",
            "one name",
        ),
        ("version: 1\ncron: [{name: a, schedule: '@daily'}]", "url is missing"),
        ("version: 2\ncron: []", "version must be 1"),
    ],
)
def test_a_cron_yaml_that_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(InvalidFileError, match=why):
        read_periodic_tasks(MemoryFiles({"cron.yaml": text}))


def test_a_folder_is_read_within_its_bounds(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    folder = tmp_path / "bundle"
    (folder / ".ebextensions").mkdir(parents=True)
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("../secret")
    (folder / "Dockerfile").write_text("FROM x")
    (folder / "link").symlink_to("Dockerfile")
    files = FolderFiles(folder)
    assert files.names("") == ["Dockerfile", "link"]
    assert [files.read(path) for path in ("loop", "out", "../secret", str(tmp_path / "secret"), "link", ".ebextensions")] == [
        None, None, None, None, b"FROM x", None,
    ]  # fmt: skip


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["1", "2", "3", "80:80", "/x", "./x", "a", "${A}", "10s", "64m", "FROM x"]),
)  # fmt: skip
_names = st.sampled_from([
    "AWSEBDockerrunVersion", "Image", "Name", "Ports", "ContainerPort", "HostPort", "Volumes", "HostDirectory",
    "ContainerDirectory", "Logging", "Command", "Entrypoint", "Authentication", "Bucket", "Key", "containerDefinitions",
    "volumes", "services", "a", "build", "image", "ports", "target", "published", "environment", "env_file", "depends_on",
    "healthcheck", "test", "deploy", "resources", "limits", "memory", "ulimits", "labels", "extra_hosts", "links", "networks",
    "option_settings", "commands", "command", "files", "/x", "mode", "content", "packages", "yum", "users", "groups", "sources",
    "services", "container_commands", "Resources", "version", "cron", "schedule", "name", "url", "EnvironmentLinks", "args",
])  # fmt: skip
_trees = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4), max_leaves=25
)
_contents = st.one_of(
    st.binary(max_size=60), st.text(max_size=60).map(str.encode), _trees.map(json.dumps).map(str.encode)
)
NODE = "Node.js 22 running on 64bit Amazon Linux 2023"
TOMCAT = "Tomcat 10 with Corretto 21 running on 64bit Amazon Linux 2023"
_paths = st.sampled_from([
    "Dockerfile", "Dockerrun.aws.json", "docker-compose.yml", ".ebextensions/a.config", "Procfile", "Buildfile", "env.yaml",
    "cron.yaml", ".env", ".platform/hooks/prebuild/x", "package.json", "requirements.txt", "application.py",
])  # fmt: skip


@settings(max_examples=250)
@given(
    contents=st.dictionaries(_paths, _contents, max_size=4), branch=st.sampled_from([DOCKER, ECS, PYTHON, NODE, TOMCAT])
)
def test_any_bundle_gives_a_plan_or_a_named_error(contents: dict[str, bytes], branch: str) -> None:
    files = MemoryFiles(contents)
    for reader in (read_manifest, read_periodic_tasks):
        with suppress(BundleError):
            reader(files)
    with suppress(BundleError):
        found = plan(files, read_extensions(files, "v1"), subject(branch, A="1"))
        json.dumps(found.containers).encode()
        assert all(container["name"] and container["image"] for container in found.containers)

"""The `ashore` command as its users run it: against real servers, by exit code and by what it says."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from ashore.__main__ import main
from tests.running import free_port

ASHORE = [sys.executable, "-m", "ashore"]


class Shell:
    """A shell with nothing of the caller's AWS and Ashore settings in it, and a server's port and state of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ASHORE_", "DOCKER_"))
        }
        told = {"ASHORE_PORT": str(self.port), "ASHORE_STATE_DIR": str(folder / "state"), "ASHORE_RUNTIME": "simulated"}
        self.environment = {**kept, **told, "HOME": str(folder), "TMPDIR": str(folder)}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What `ashore ARGUMENTS` did; no colours come out of a pipe."""
        env = {**self.environment, **environment}
        done = subprocess.run([*ASHORE, *arguments], env=env, capture_output=True, text=True, check=False, timeout=90)
        assert "\x1b" not in done.stdout
        return done

    def ok(self, *arguments: str, **environment: str) -> str:
        """What `ashore ARGUMENTS` printed; it must succeed."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def listens(self) -> bool:
        """Whether something does at the port."""
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def aws(self, service: str) -> Any:
        """A boto3 client."""
        make: Callable[..., Any] = boto3.client
        url = f"http://localhost:{self.port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return make(service, region_name="us-east-1", endpoint_url=url, **keys)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    if made.listens():
        made.run("stop")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = Shell(tmp_path_factory.mktemp("ashore"))
    made.ok("start", "-d", "--ephemeral", "--preset", "demo", ASHORE_STATE_DIR="")
    yield made
    made.ok("stop")


def test_start_stop_keep_and_start_again_by_variables(shell: Shell) -> None:
    wanted = {"HOSTS": "3", "AZS": "2", "INSTANCE_TYPE": "m5.large", "SEED": "7", "DETACH": "1"}
    told = shell.ok("start", **{f"ASHORE_{name}": value for name, value in wanted.items()})
    assert f"✓ ready at http://localhost:{shell.port}   runtime simulated" in told
    assert 'next: eval "$(ashore env)"' in told
    hosts = json.loads(shell.ok("hosts", "ls", "-o", "json"))
    assert [(host["type"], host["az"]) for host in hosts] == [("m5.large", f"us-east-1{zone}") for zone in "aba"]
    assert "tasks kept running" in shell.ok("stop", ASHORE_KEEP="1", ASHORE_GRACE="1", ASHORE_TIMEOUT="60")
    shell.ok("start", "-d")
    assert json.loads(shell.ok("hosts", "ls", "-o", "json")) == hosts
    shell.ok("stop")
    assert shell.run("status").returncode == 3


def test_restart_keeps_the_settings(shell: Shell) -> None:
    shell.ok("start", "-d", "--ephemeral", "--preset", "demo", "--iam", "soft", ASHORE_STATE_DIR="")

    def settings() -> dict[str, str]:
        told = json.loads(shell.ok("status", "-o", "json"))
        return {"pid": str(told["pid"]), **{setting["name"]: setting["value"] for setting in told["settings"]}}

    before = settings()
    assert "✓ ready at " in shell.ok("restart", ASHORE_PRESET="default", ASHORE_STATE_DIR="/nowhere")
    after = settings()
    assert after["iam"] == "soft"
    changed = {name for name, value in before.items() if value != after[name]}
    assert changed == {"pid", "state_dir"}  # it is ephemeral


def test_a_second_server_on_the_port_is_refused_with_the_fix(running: Shell) -> None:
    done = running.run("start", "-d", "--ephemeral", ASHORE_STATE_DIR="")
    assert done.returncode == 4
    assert f"ASH-P002: an emulator already runs at http://localhost:{running.port}" in done.stderr
    assert "fix: ashore stop, or another --port" in done.stderr


def test_a_second_server_on_the_state_folder_is_refused_with_the_fix(shell: Shell) -> None:
    shell.ok("start", "-d")
    pid = json.loads(shell.ok("status", "-o", "json"))["pid"]
    for flags in (["-d"], []):
        done = shell.run("start", *flags, "--port", str(free_port()))
        assert done.returncode == 4
        assert f"ASH-S003: the state folder {shell.folder / 'state'} is in use by process {pid}" in done.stderr
        assert "fix: stop it, or choose another with --state-dir" in done.stderr


def test_a_port_of_another_program_is_told_with_its_holder(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", shell.port)):
        done = shell.run("start", "-d")
        diagnosis = shell.run("doctor")
    assert done.returncode == 4
    assert f"ASH-P001: port {shell.port} is in use by " in done.stderr
    assert f"fix: stop it, or: ashore start --port {shell.port + 11}" in done.stderr
    if sys.platform == "linux":
        assert f"in use by pid {os.getpid()} (" in done.stderr
    assert diagnosis.returncode == 6
    assert f"export ASHORE_PORT={shell.port + 11}" in diagnosis.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["stop"],
        ["restart"],
        ["reset", "--yes"],
        ["coverage"],
        ["logs"],
        ["explain", "x"],
        ["hosts", "ls"],
        ["wait", "--timeout", "0.1"],
        ["wait", "--timeout", "0.1", "--steady", "web"],
    ],
)
def test_without_a_server_every_command_says_how_to_start_one(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setenv("ASHORE_PORT", str(port))
    monkeypatch.setattr("sys.argv", ["ashore", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == f"ASH-N001: no emulator at http://localhost:{port}\nfix: ashore start -d\n"


def test_settings_that_make_no_sense_are_told_by_name_with_the_fix(shell: Shell) -> None:
    assert shell.run("start", "-d", "--port", "0").returncode == 2
    wrong = ["--clock", "fast", "--account-id", "1", "--instance-type", "t99.large"]
    done = shell.run("start", "-d", *wrong)
    assert done.returncode == 2
    assert "ASH-S002: ASHORE_" in done.stderr
    assert "ASHORE_CLOCK: a clock is `real`" in done.stderr
    assert "ASHORE_ACCOUNT_ID: " in done.stderr
    assert "ASHORE_INSTANCE_TYPE: t99.large is no instance type that Ashore knows" in done.stderr
    assert "fix: correct it, or unset it to have the default" in done.stderr


def test_a_database_that_cannot_be_used_is_told_with_the_fix(shell: Shell) -> None:
    done = shell.run("start", "-d", DATABASE_URL="postgresql+pg8000://me:secret@localhost/x")
    assert done.returncode == 2
    assert "ASH-S005: DATABASE_URL cannot be used: pg8000 is not installed\nfix: pip install" in done.stderr
    assert "secret" not in done.stderr


def test_an_address_that_cannot_be_listened_on_is_told_with_the_fix(shell: Shell) -> None:
    done = shell.run("start", "-d", "--host", "192.0.2.1")
    assert done.returncode == 4
    assert f"ASH-P001: cannot listen on 192.0.2.1:{shell.port} (" in done.stderr
    assert "fix: choose an address of this machine with --host (127.0.0.1 by default)" in done.stderr


def test_wait_for_a_service_to_be_steady(running: Shell) -> None:
    ecs = running.aws("ecs")
    ecs.register_task_definition(family="w", containerDefinitions=[{"name": "a", "image": "x", "memory": 64}])
    ecs.create_service(serviceName="w", taskDefinition="w", desiredCount=2)
    assert (
        running.ok("wait", "--service", "ecs", "--steady", "default/w", "--timeout", "60") == "✓ default/w is steady\n"
    )
    ecs.update_service(service="w", taskDefinition="w", desiredCount=1000)
    done = running.run("wait", "--steady", "w", "--timeout", "0.3")
    assert (done.returncode, "ASH-W001: service w is not steady: " in done.stderr) == (6, True)
    assert "of 1000 tasks run" in done.stderr
    assert "fix: ashore explain w, or a longer --timeout" in done.stderr
    done = running.run("wait", "--steady", "none/w")
    assert (done.returncode, "ClusterNotFoundException" in done.stderr) == (6, True)
    done = running.run("wait", "--steady", "v")
    assert (done.returncode, "service v in cluster default: MISSING" in done.stderr) == (6, True)
    assert running.run("wait", "--service", "s3").returncode == 6
    ecs.delete_service(service="w", force=True)


def test_yaml_says_what_json_says(running: Shell) -> None:
    for command in (["status"], ["hosts", "ls"], ["coverage", "ecs"]):
        told = running.ok(*command, "-o", "yaml")
        assert told.startswith("---\n")
        assert yaml.safe_load(told).__class__ is json.loads(running.ok(*command, "-o", "json")).__class__
    assert len(list(yaml.safe_load_all(running.ok("logs", "-n", "3", "-o", "yaml")))) == 3


def test_docker_that_is_asked_for_and_does_not_answer(shell: Shell) -> None:
    done = shell.run("start", "-d", "--runtime", "docker", DOCKER_HOST="unix:///nonexistent")
    assert done.returncode == 5
    assert "ASH-D001: Docker not reachable" in done.stderr
    assert "fix: start Docker, or use --runtime simulated" in done.stderr


def test_auto_without_an_engine_says_in_one_line_that_tasks_are_simulated(shell: Shell) -> None:
    told = shell.ok("start", "-d", ASHORE_RUNTIME="auto", DOCKER_HOST="unix:///nonexistent")
    (line,) = [line for line in told.splitlines() if line.startswith("! ")]
    assert line.startswith("! no container engine answers, tasks are simulated (")


def test_env_points_clients_here(running: Shell) -> None:
    told = running.ok("env", "--account", "111111111111")
    assert f"export AWS_ENDPOINT_URL='http://localhost:{running.port}'" in told
    assert "export AWS_ACCESS_KEY_ID='111111111111'" in told
    assert "set -gx AWS_PAGER ''" in running.ok("env", "--shell", "fish")
    assert "$Env:AWS_SECRET_ACCESS_KEY = 'test'" in running.ok("env", "--shell", "powershell")
    assert running.run("env", "--shell", "csh").returncode == 2


def test_status_says_where_each_setting_came_from(running: Shell) -> None:
    document = json.loads(running.ok("status", "-o", "json"))
    assert document["runtime"] == {"kind": "simulated", "simulated": True, "reason": None}
    sources = {setting["name"]: setting["source"] for setting in document["settings"]}
    assert (sources["preset"], sources["journal_days"]) == ("ASHORE_PRESET", "default")
    assert "runtime simulated" in running.ok("status")


def test_doctor_finds_what_is_wrong_and_how_to_mend_it(running: Shell) -> None:
    plain = running.ok("doctor", DOCKER_HOST="unix:///nonexistent")
    assert "✓ an emulator answers at" in plain
    assert "! ASH-A001: `aws` would talk to real AWS" in plain
    assert '  fix: eval "$(ashore env)"' in plain
    assert "! ASH-D001: Docker not reachable (/nonexistent: no such file or directory)" in plain
    here = f"http://localhost:{running.port}"
    findings = json.loads(running.ok("doctor", "-o", "json", AWS_ENDPOINT_URL=here, AWS_DEFAULT_REGION="eu-west-1"))
    told = {finding["what"].split(":")[0]: finding for finding in findings}
    assert told["AWS_ENDPOINT_URL points here"]["ok"]
    assert told["ASH-A002"]["fix"] == "export AWS_DEFAULT_REGION=us-east-1"
    assert "ASH-A003" in running.ok("doctor", AWS_ENDPOINT_URL="http://localhost:1")


def test_coverage_logs_version_and_explain(running: Shell) -> None:
    assert "✓ RunTask" in running.ok("coverage", "ecs")
    assert "eks" in json.loads(running.ok("coverage", "-o", "json"))
    assert running.run("coverage", "s3").returncode == 6
    running.ok("hosts", "add", "--count", "1", "--type", "m5.large", "--attr", "stack=dev")
    assert "state_change" in running.ok("logs", "-n", "5", "--kind", "state_change")
    assert json.loads(running.ok("version", "-o", "json"))["server"] is not None
    done = running.run("explain", "nothing")
    assert (done.returncode, "ASH-R001" in done.stderr) == (6, True)
    assert "fix: aws ecs list-tasks, aws ecs list-services" in done.stderr


def test_explain_tells_of_a_task_by_its_arn_alone_and_of_one_that_was_not_placed(running: Shell) -> None:
    ecs = running.aws("ecs")
    ecs.create_cluster(clusterName="far")
    running.ok("hosts", "add", "--cluster", "far")
    for family, memory in (("small", 64), ("huge", 60000)):
        ecs.register_task_definition(
            family=family, containerDefinitions=[{"name": "a", "image": "x", "memory": memory}]
        )
    (task,) = ecs.run_task(cluster="far", taskDefinition="small")["tasks"]
    assert "A task of family:small was placed on " in running.ok("explain", task["taskArn"])
    refused = ecs.run_task(cluster="far", taskDefinition="huge")
    for target in ("huge", "family:huge", refused["ResponseMetadata"]["RequestId"]):
        told = running.ok("explain", target, "--cluster", "far")
        assert "A task of family:huge could not be placed." in told
        assert "1 hosts, 0 fit: 1 refused by resources (RESOURCE:MEMORY)." in told


def test_tables_are_whole_where_nobody_sees_them(running: Shell) -> None:
    (first, *_) = json.loads(running.ok("hosts", "ls", "-o", "json"))
    line = next(line for line in running.ok("hosts", "ls", COLUMNS="40").splitlines() if first["id"] in line)
    columns = ["id", "instance", "type", "az", "status", "cpu", "memory", "tasks", "address"]
    assert line.split() == [str(first[name]) for name in columns]


@pytest.mark.parametrize(
    ("command", "variables", "code", "told"),
    [
        (
            ["status"],
            {"ASHORE_PORT": "abc"},
            2,
            "ASH-S002: ASHORE_PORT: 'abc' is no port (1 to 65535)\nfix: correct it",
        ),
        (["reset"], {}, 2, "ASH-R002: ashore reset asks first, and there is no terminal\nfix: ashore reset --yes"),
        (["env", "--account", "12"], {}, 2, "12 digits"),
        (["logs", "--kind", "moon"], {}, 2, "'moon' is not one of 'api_call',"),
        (["logs", "-n", "-1"], {}, 2, "greater than or equal to 1"),
        (["hosts", "add", "--attr", "bad"], {}, 2, "NAME=VALUE"),
        (["hosts", "add", "--az", "moon"], {}, 6, "moon is no Availability Zone of us-east-1: us-east-1a, us-east-1b"),
        (["hosts", "rm", "moon"], {}, 6, "no host moon in cluster default\nfix: ashore hosts ls"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_fix(  # noqa: PLR0917 - a table's row and two fixtures
    running: Shell,
    command: list[str],
    variables: dict[str, str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"ASHORE_PORT": str(running.port), **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setattr("sys.argv", ["ashore", *command])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert told in capsys.readouterr().err


def test_what_nobody_thought_of_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["ashore", "env"])
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 70
    assert capsys.readouterr().err.startswith("ASH-X001: the command failed: AttributeError: ")


def test_reset_asks_first_and_brings_the_preset_back(running: Shell) -> None:
    running.ok("hosts", "add", "--count", "2")
    assert running.run("reset").returncode == 2  # nobody is there to answer the question
    assert "✓ empty (" in running.ok("reset", "--yes")
    assert len(json.loads(running.ok("hosts", "ls", "-o", "json"))) == 6


def test_in_the_foreground_it_serves_until_interrupted(shell: Shell) -> None:
    said = shell.folder / "said"
    with said.open("w") as errors:
        process = subprocess.Popen(
            [*ASHORE, "start"],
            env=shell.environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as told:
        assert any(line.startswith("✓ ready at ") for line in told)
    shell.ok("wait")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and the server alike
    assert process.wait(30) in {0, -signal.SIGINT}
    assert "Traceback" not in said.read_text()

"""ECS Exec with a real engine: `aws ecs execute-command`, and a client that speaks the session-manager-plugin's protocol.

The real plugin is not to be had here: `tests/session_manager_plugin.py` follows its protocol as it is described, and stands on
PATH in its name for the CLI.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.docker.engine_stage import Tasks, docker
from tests.running import RunningServer, wait_until
from tests.session_manager_plugin import Plugin

pytestmark = [pytest.mark.docker]


@pytest.fixture(scope="module")
def place(engine_server: RunningServer, busybox: str) -> tuple[Tasks, str]:
    tasks = Tasks(engine_server, busybox)
    tasks.define({"command": ["sleep", "600"]})
    return tasks, str(tasks.run(enableExecuteCommand=True)["taskArn"])


def session_of(place: tuple[Tasks, str], command: str) -> dict[str, str]:
    tasks, arn = place
    answer: dict[str, Any] = tasks.ecs.execute_command(task=arn, command=command, interactive=True)
    return dict(answer["session"])


def test_a_shell(place: tuple[Tasks, str]) -> None:
    plugin = Plugin(session_of(place, "/bin/sh"), columns=101, rows=33, deaf_to=1)
    plugin.open()
    plugin.hear_until("#")
    plugin.type("stty size; id -u; echo $((40+2))-$TERM\r")
    plugin.hear_until("42-xterm-256color")
    assert b"33 101" in plugin.output
    plugin.type_backwards("echo a", "bc$((1+1))", "d\r")
    plugin.hear_until("abc2d")
    plugin.type("exit 5\r")
    plugin.hear_out()
    assert plugin.closed is not None
    assert plugin.closed["SessionId"] == plugin.session["sessionId"]
    entries = place[0].server.admin("GET", "journal?kind=state_change&limit=20")["entries"]
    assert 5 in [entry["detail"].get("exitCode") for entry in entries]


def test_much_output(place: tuple[Tasks, str]) -> None:
    plugin = Plugin(session_of(place, "sh -c 'seq 200000; echo done-$((1+1))'"))
    plugin.open()
    plugin.hear_out()
    numbers = plugin.output.decode().split()
    assert numbers == [*map(str, range(1, 200_001)), "done-2"]


def test_a_token_opens_one_connection(place: tuple[Tasks, str]) -> None:
    session = session_of(place, "/bin/sh")
    for wrong in (
        {**session, "tokenValue": "wrong"},
        {**session, "streamUrl": session["streamUrl"].replace("?", "x?")},
    ):
        other = Plugin(wrong)
        other.open()
        other.hear_out()
        assert other.seen == 0
    plugin = Plugin(session)
    plugin.open()
    plugin.hear_until("#")
    again = Plugin(session)
    again.open()
    again.hear_out()
    assert again.seen == 0
    plugin.type("exit\r")
    plugin.hear_out()


def test_a_broken_connection_is_taken_up_and_the_session_terminated(place: tuple[Tasks, str]) -> None:
    server = place[0].server
    session = session_of(place, "/bin/sh")
    plugin = Plugin(session)
    plugin.open()
    plugin.hear_until("#")
    plugin.type("secret=kept\r")
    plugin.close()
    # as the plugin does: it sends Session Manager's calls to the endpoint that it was given
    ssm = server.client("ssm")
    found = ssm.resume_session(SessionId=session["sessionId"])
    plugin.session = {**session, "streamUrl": found["StreamUrl"], "tokenValue": found["TokenValue"]}
    plugin.open()
    plugin.type("echo $secret-still\r")
    plugin.hear_until("kept-still")
    assert ssm.terminate_session(SessionId=session["sessionId"])["SessionId"] == session["sessionId"]
    plugin.hear_out()
    assert plugin.closed is not None
    with pytest.raises(ClientError, match="DoesNotExistException"):
        ssm.resume_session(SessionId=session["sessionId"])


def test_a_terminated_session_takes_the_shell_and_its_foreground_job_with_it(place: tuple[Tasks, str]) -> None:
    tasks, arn = place
    container = tasks.ecs.describe_tasks(tasks=[arn])["tasks"][0]["containers"][0]["runtimeId"]
    session = session_of(place, "/bin/sh")
    plugin = Plugin(session)
    plugin.open()
    plugin.hear_until("#")
    plugin.type("(trap '' HUP; echo left-$((1+1)); exec sleep 4242) &\r")  # nohup
    plugin.hear_until("left-2")
    plugin.type("sh -c 'trap \"\" INT; echo deaf-$((1+1)); while :; do sleep 41; done'\r")  # no Ctrl-C, no input
    plugin.hear_until("deaf-2")
    wait_until(lambda: {"sleep 4242", "sleep 41"} <= commands(container))
    tasks.server.client("ssm").terminate_session(SessionId=session["sessionId"])
    plugin.hear_out()
    # what ignores a hang-up goes on, as with any terminal
    wait_until(lambda: commands(container) == {"sleep 600", "sleep 4242"})


def commands(container: str) -> set[str]:
    """What runs in a container."""
    return {line.split(maxsplit=7)[7] for line in docker("top", container).splitlines()[1:]}


def test_a_command_that_is_not_there(place: tuple[Tasks, str]) -> None:
    plugin = Plugin(session_of(place, "/no/such/thing"))
    plugin.open()
    plugin.hear_out()
    assert plugin.closed is not None
    assert "no such file" in f"{plugin.output!r}{plugin.closed['Output']}"


def test_the_aws_command(place: tuple[Tasks, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks, arn = place
    client = Path(__file__).parents[1] / "session_manager_plugin.py"
    stub = tmp_path / "session-manager-plugin"
    stub.write_text(f'#!/bin/sh\nexec {sys.executable} {client} "$@"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin")
    command = ["ecs", "execute-command", "--task", arn, "--interactive", "--command", "echo hello from here"]
    assert "hello from here" in tasks.server.run("aws", *command)


def test_the_end_of_the_container_ends_the_session(place: tuple[Tasks, str]) -> None:
    tasks, _ = place
    task = tasks.run(enableExecuteCommand=True)
    (agent,) = task["containers"][0]["managedAgents"]
    assert agent["lastStatus"] == "RUNNING"
    plugin = Plugin(session_of((tasks, task["taskArn"]), "/bin/sh"))
    plugin.open()
    plugin.hear_until("#")
    docker("kill", task["containers"][0]["runtimeId"])
    plugin.hear_out()
    assert plugin.closed is not None

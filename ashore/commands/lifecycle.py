"""Commands that begin, end and empty a server."""

import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ashore import server
from ashore.client import Client
from ashore.commands.app import OutputOption, app
from ashore.errors import nobody_to_ask
from ashore.output import ERR, OUT, Output, print_document


class Runtime(StrEnum):
    """Values of `--runtime`."""

    AUTO = "auto"
    DOCKER = "docker"
    SIMULATED = "simulated"


class Preset(StrEnum):
    """Values of `--preset`."""

    DEFAULT = "default"
    DEMO = "demo"


class Iam(StrEnum):
    """Values of `--iam`."""

    OFF = "off"
    SOFT = "soft"
    STRICT = "strict"


@app.command()
def start(  # noqa: PLR0913 - one parameter a flag
    *,
    detach: Annotated[
        bool, typer.Option("-d", "--detach", envvar="ASHORE_DETACH", help="run in the background")
    ] = False,
    host: Annotated[str, typer.Option(envvar="ASHORE_HOST", help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="ASHORE_PORT", min=1, max=65535)] = 4566,
    runtime: Annotated[Runtime, typer.Option(envvar="ASHORE_RUNTIME", help="what carries tasks out")] = Runtime.AUTO,
    state_dir: Annotated[Path | None, typer.Option(envvar="ASHORE_STATE_DIR", help="where the state is kept")] = None,
    ephemeral: Annotated[bool, typer.Option(envvar="ASHORE_EPHEMERAL", help="keep the state in memory")] = False,
    preset: Annotated[
        Preset, typer.Option(envvar="ASHORE_PRESET", help="what a new state begins with")
    ] = Preset.DEFAULT,
    hosts: Annotated[
        int | None, typer.Option(envvar="ASHORE_HOSTS", min=0, max=5000, help="hosts of a new state [preset demo: 6]")
    ] = None,
    azs: Annotated[int, typer.Option(envvar="ASHORE_AZS", min=1, help="zones that these hosts are spread over")] = 3,
    instance_type: Annotated[str, typer.Option(envvar="ASHORE_INSTANCE_TYPE", help="their type")] = "t3.large",
    seed: Annotated[
        int | None, typer.Option(envvar="ASHORE_SEED", help="same ids and same draws again, from a new state")
    ] = None,
    clock: Annotated[str, typer.Option(envvar="ASHORE_CLOCK", help="real, paused or xN")] = "real",
    account_id: Annotated[str, typer.Option(envvar="ASHORE_ACCOUNT_ID", help="the default account")] = "000000000000",
    iam: Annotated[
        Iam, typer.Option(envvar="ASHORE_IAM", help="callers' permissions: not asked, only told, or enforced")
    ] = Iam.OFF,
) -> None:
    """Start the emulator."""
    if ephemeral and state_dir is not None and "ASHORE_STATE_DIR" not in os.environ:
        raise typer.BadParameter("--state-dir and --ephemeral exclude each other")
    client = Client("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port)
    server.refuse_taken_port(client)
    options = {
        "host": host,
        "port": str(port),
        "runtime": runtime.value,
        "state_dir": None if state_dir is None else str(state_dir.absolute()),
        "ephemeral": "true" if ephemeral else "false",
        "preset": preset.value,
        "hosts": None if hosts is None else str(hosts),
        "azs": str(azs),
        "instance_type": instance_type,
        "seed": None if seed is None else str(seed),
        "clock": clock,
        "account_id": account_id,
        "iam": iam.value,
    }
    env = server.environment(options)
    if not detach:
        sys.stdout.flush()
        os.execve(sys.executable, server.command(), env)  # noqa: S606 - the server takes this process over
    describe_start(server.start_detached(client, env), client)


def describe_start(health: dict[str, Any], client: Client) -> None:
    """What has started and what to do next."""
    runtime = health["runtime"]
    OUT.print(f"✓ ready at {client.url}   runtime {runtime['kind']}   pid {health['pid']}", markup=False)
    if runtime.get("reason"):
        OUT.print(f"! {runtime['reason']}", markup=False)
    OUT.print('next: eval "$(ashore env)" && aws ecs list-container-instances', markup=False)


KeepOption = Annotated[bool, typer.Option("--keep", envvar="ASHORE_KEEP", help="leave the tasks' containers running")]
GraceOption = Annotated[
    float,
    typer.Option(envvar="ASHORE_GRACE", min=0, help="seconds that containers have to end before they are killed"),
]
TimeoutOption = Annotated[float, typer.Option(envvar="ASHORE_TIMEOUT", min=0, help="seconds")]


@app.command()
def stop(*, keep: KeepOption = False, grace: GraceOption = 10, timeout: TimeoutOption = 120) -> None:
    """Stop the emulator and everything that it runs."""
    server.stop(Client.from_environment(), keep=keep, grace=grace, timeout=timeout)
    OUT.print("✓ stopped" + (" (tasks kept running)" if keep else ""))


@app.command()
def restart(*, keep: KeepOption = False, grace: GraceOption = 10, timeout: TimeoutOption = 120) -> None:
    """Stop the emulator and start it again in the background, with the settings that it had."""
    client = Client.from_environment()
    env = server.environment_again(client.get("status")["settings"])
    server.stop(client, keep=keep, grace=grace, timeout=timeout)
    describe_start(server.start_detached(client, env), client)


@app.command()
def reset(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False) -> None:
    """Empty the emulator: every resource of every account, images and neighbours included."""
    if not yes and not sys.stdin.isatty():
        raise nobody_to_ask("ashore reset")
    if not yes:
        typer.confirm("Remove every resource of every account?", abort=True)
    took = Client.from_environment().post("reset")
    OUT.print(f"✓ empty ({took['milliseconds']:.0f} ms)")


@app.command()
def status(output: OutputOption = Output.TEXT) -> None:
    """What runs, and where each setting came from."""
    document = Client.from_environment().get("status")
    if output is not Output.TEXT:
        print_document(document, output)
        return
    runtime = document["runtime"]
    OUT.print(
        f"ready   runtime {runtime['kind']}   pid {document['pid']}   version {document['version']}", markup=False
    )
    for name, count in document["counts"].items():
        OUT.print(f"{name:>22}  {count}", markup=False)
    for setting in document["settings"]:
        OUT.print(f"{setting['name']:>22}  {setting['value']}  ({setting['source']})", markup=False)


@app.command()
def env(
    shell: Annotated[str, typer.Option(help="bash, fish or powershell")] = "bash",
    account: Annotated[str, typer.Option(help="a 12-digit account; its number is the access key")] = "test",
) -> None:
    """Print the variables that point AWS clients here: eval "$(ashore env)"."""
    if not re.fullmatch(r"test|[0-9]{12}", account):
        raise typer.BadParameter(f"--account is a number of 12 digits, not {account}")
    values = {
        "AWS_ENDPOINT_URL": Client.from_environment().url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "AWS_PAGER": "",
    }
    forms = {"bash": "export {}='{}'", "fish": "set -gx {} '{}'", "powershell": "$Env:{} = '{}'"}
    if shell not in forms:
        raise typer.BadParameter(f"--shell is bash, fish or powershell, not {shell}")
    for name, value in values.items():
        sys.stdout.write(forms[shell].format(name, value) + "\n")
    if sys.stdout.isatty():
        ERR.print('# to use them: eval "$(ashore env)"', markup=False)

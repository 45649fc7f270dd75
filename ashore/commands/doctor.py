"""`ashore doctor`: what commonly goes wrong, looked for on the user's side, with a fix for each finding."""

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any, TypedDict

from ashore.client import Client
from ashore.commands.app import OutputOption, app
from ashore.errors import Exit, Problem
from ashore.output import OUT, Output, print_document
from ashore.ports import holder


class Finding(TypedDict):
    """One thing that was looked at."""

    what: str
    ok: bool
    fix: str
    needed: bool
    """Whether Ashore does not work without it; the others are advice."""


@app.command()
def doctor(output: OutputOption = Output.TEXT) -> None:
    """Look for what commonly goes wrong, with a fix for each finding; exit code 6 where Ashore cannot work."""
    findings = [*_server_findings(), _state_finding(), _engine_finding(), *_client_findings()]
    if findings[0]["ok"]:
        findings += _elsewhere()
    if output is not Output.TEXT:
        print_document(findings, output)
    else:
        for finding in findings:
            mark = "✓" if finding["ok"] else "✗" if finding["needed"] else "!"
            fix = "" if finding["ok"] else f"\n  fix: {finding['fix']}"
            OUT.print(f"{mark} {finding['what']}{fix}", markup=False)
    if not all(finding["ok"] for finding in findings if finding["needed"]):
        sys.exit(Exit.CHECK_FAILED)


def _finding(what: str, fix: str = "", *, needed: bool = False) -> Finding:
    return {"what": what, "ok": not fix, "fix": fix, "needed": needed}


def _server_findings() -> list[Finding]:
    client = Client.from_environment()
    try:
        health = client.health()
    except Problem as problem:
        if client.answers():
            what = f"ASH-P001: port {client.port} is in use by {holder(client.port) or 'another program'}"
            return [_finding(what, f"stop it, or: export ASHORE_PORT={client.port + 11}", needed=True)]
        return [_finding(f"{problem.code}: {problem.what}", problem.fix, needed=True)]
    runtime = health["runtime"]
    found = [_finding(f"an emulator answers at {client.url} ({runtime['kind']} runtime)", needed=True)]
    if runtime.get("reason"):
        fix = "start Docker and restart Ashore, or go on: everything works on the simulated runtime"
        found.append(_finding(f"ASH-D001: {runtime['reason']}", fix))
    return found


def _state_finding() -> Finding:
    base = os.environ.get("XDG_STATE_HOME")
    state = (Path(base) if base else Path.home() / ".local" / "state") / "ashore"
    folder = Path(os.environ.get("ASHORE_STATE_DIR") or state).absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return _finding(f"the state folder {folder} can be written", needed=True)
    return _finding(
        f"ASH-S006: the state folder {folder} cannot be written", "choose another: --state-dir", needed=True
    )


def _engine_finding() -> Finding:
    address = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        return _finding(f"the engine is at {address} (DOCKER_HOST); its ports are published on its own machine")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(path)
    except PermissionError:
        return _finding(f"ASH-D002: permission denied on {path}", "sudo usermod -aG docker $USER && newgrp docker")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return _finding(f"ASH-D001: Docker not reachable ({path}: {reason})", "start Docker, or --runtime simulated")
    return _finding(f"a container engine listens at {path}")


def _client_findings() -> list[Finding]:
    endpoint, here = os.environ.get("AWS_ENDPOINT_URL"), Client.from_environment().url
    fix = 'eval "$(ashore env)"'
    if endpoint is None:
        first = _finding("ASH-A001: `aws` would talk to real AWS (AWS_ENDPOINT_URL is not set)", fix)
    elif endpoint.rstrip("/").replace("127.0.0.1", "localhost") != here:
        first = _finding(f"ASH-A003: AWS_ENDPOINT_URL is {endpoint}, the emulator's is {here}", fix)
    else:
        first = _finding("AWS_ENDPOINT_URL points here")
    aws = shutil.which("aws")
    second = _finding(f"the aws command is installed ({aws})") if aws else _no_aws()
    return [first, second]


def _no_aws() -> Finding:
    return _finding("ASH-A004: no aws command on the PATH", "pip install awscli")


def _elsewhere() -> list[Finding]:
    """Whether the resources are in another region than the one that clients look into."""
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    try:
        regions: list[Any] = Client.from_environment().get("status").get("regions", [])
    except Problem:
        return []
    if region is None or not regions or region in regions:
        return []
    told = ", ".join(regions)
    return [
        _finding(
            f"ASH-A002: region {region} has no cluster; yours are in {told}", f"export AWS_DEFAULT_REGION={regions[0]}"
        )
    ]

"""Commands that look: coverage, logs, doctor, version."""

import importlib.metadata
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ashore import server
from ashore.client import Client
from ashore.commands.app import OutputOption, app
from ashore.errors import Exit, Problem
from ashore.output import OUT, Output, print_json, print_table


@app.command()
def coverage(
    service: Annotated[str | None, typer.Argument(help="ecs, ecr, eks or elasticbeanstalk")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """What is emulated and what is missing, computed from the operation tables."""
    document = Client.from_environment().get("coverage", service=service)
    if output is Output.JSON:
        print_json(document)
        return
    for name, operations in document.items():
        total = len(operations["emulated"]) + len(operations["missing"])
        OUT.print(f"{name}: {len(operations['emulated'])} of {total} operations", markup=False)
        if service is not None:
            for operation in operations["emulated"]:
                OUT.print(f"  ✓ {operation}", markup=False)
            for operation in operations["missing"]:
                OUT.print(f"  ✗ {operation}", markup=False)


@app.command()
def logs(
    *,
    limit: Annotated[int, typer.Option("-n", help="how many of the newest entries")] = 50,
    kind: Annotated[str | None, typer.Option(help="api_call, state_change, event, decision or fault")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="go on until interrupted")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """The journal: what happened, in order."""
    client = Client.from_environment()
    entries = client.get("journal", kind=kind, limit=limit)["entries"]
    while True:
        for entry in entries:
            if output is Output.JSON:
                print_json(entry)
            else:
                OUT.print(describe_entry(entry), markup=False)
        if not follow:
            return
        last = entries[-1]["seq"] if entries else None
        entries = client.get("journal", kind=kind, after=last, limit=1000, wait=20)["entries"]


def describe_entry(entry: dict[str, Any]) -> str:
    """One line of the journal."""
    detail = " ".join(f"{name}={value}" for name, value in entry["detail"].items() if value not in (None, "", [], {}))
    return f"{entry['seq']:>7} {entry['at']} {entry['kind']:<12} {entry['subject']} {detail}"[:400]


@app.command()
def doctor(output: OutputOption = Output.TEXT) -> None:
    """Look for what commonly goes wrong, with a fix for each finding."""
    findings = [*_server_findings(), *_tool_findings()]
    if output is Output.JSON:
        print_json(findings)
    else:
        for finding in findings:
            mark = "✓" if finding["ok"] else "✗"
            OUT.print(
                f"{mark} {finding['what']}" + ("" if finding["ok"] else f"\n  fix: {finding['fix']}"), markup=False
            )
    if not all(finding["ok"] for finding in findings if finding["needed"]):
        sys.exit(Exit.CHECK_FAILED)


def _finding(what: str, fix: str, *, ok: bool, needed: bool = False) -> dict[str, Any]:
    return {"what": what, "ok": ok, "fix": fix, "needed": needed}


def _server_findings() -> list[dict[str, Any]]:
    client = Client.from_environment()
    try:
        health = client.get("health")
    except Problem as problem:
        return [_finding(f"{problem.code}: {problem.what}", problem.fix, ok=False, needed=True)]
    runtime = health["runtime"]
    found = [_finding(f"emulator answers at {client.url} ({runtime['kind']} runtime)", "", ok=True, needed=True)]
    if runtime.get("reason"):
        fix = "start Docker (or go on: everything works on the simulated runtime) and restart"
        found.append(_finding(f"ASH-D001: {runtime['reason']}", fix, ok=False))
    return found


def _tool_findings() -> list[dict[str, Any]]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return [
        _finding(
            "AWS_ENDPOINT_URL points here"
            if endpoint
            else "ASH-A001: `aws` would talk to real AWS (AWS_ENDPOINT_URL is not set)",
            'eval "$(ashore env)"',
            ok=endpoint is not None,
        ),
        _finding("the aws command is installed", "pip install awscli", ok=shutil.which("aws") is not None),
        _finding(
            "a Docker socket is there",
            "install and start Docker, or use --runtime simulated",
            ok=Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")).exists(),
        ),
    ]


@app.command()
def version(output: OutputOption = Output.TEXT) -> None:
    """The versions of the command and, where one runs, of the server."""
    health = server.ready(Client.from_environment())
    document = {"ashore": importlib.metadata.version("ashore"), "server": health and health["version"]}
    if output is Output.JSON:
        print_json(document)
    else:
        print_table(["part", "version"], [{"part": k, "version": v or "not running"} for k, v in document.items()], "")

"""Commands that look: coverage, logs, doctor, version."""

import importlib.metadata
from enum import StrEnum
from typing import Annotated, Any

import typer

from ashore import server
from ashore.client import Client
from ashore.commands.app import OutputOption, app
from ashore.output import OUT, Output, print_document, print_table


class Kind(StrEnum):
    """Kinds of journal entries."""

    API_CALL = "api_call"
    STATE_CHANGE = "state_change"
    EVENT = "event"
    DECISION = "decision"
    FAULT = "fault"
    DENIAL = "denial"


@app.command()
def coverage(
    service: Annotated[str | None, typer.Argument(help="ecs, ecr, eks or elasticbeanstalk")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """What is emulated and what is missing, computed from the operation tables."""
    document = Client.from_environment().get("coverage", service=service)
    if output is not Output.TEXT:
        print_document(document, output)
        return
    for name, operations in document.items():
        total = len(operations["emulated"]) + len(operations["missing"])
        OUT.print(f"{name}: {len(operations['emulated'])} of {total} operations", markup=False)
        if service is not None:
            for operation in operations["emulated"]:
                OUT.print(f"  ✓ {operation}", markup=False)
            for operation in operations["missing"]:
                reason = operations["reasons"].get(operation)
                OUT.print(f"  ✗ {operation}" + (f": {reason}" if reason else ""), markup=False)


@app.command()
def logs(
    *,
    limit: Annotated[int, typer.Option("-n", min=1, help="how many of the newest entries")] = 50,
    kind: Annotated[Kind | None, typer.Option(help="entries of this kind only")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="go on until interrupted")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """The journal: what happened, in order."""
    client = Client.from_environment()
    entries = client.get("journal", kind=kind, limit=limit)["entries"]
    while True:
        for entry in entries:
            if output is not Output.TEXT:
                print_document(entry, output)
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
def version(output: OutputOption = Output.TEXT) -> None:
    """The versions of the command and, where one runs, of the server."""
    health = server.ready(Client.from_environment())
    document = {"ashore": importlib.metadata.version("ashore"), "server": health and health["version"]}
    if output is not Output.TEXT:
        print_document(document, output)
    else:
        print_table(["part", "version"], [{"part": k, "version": v or "not running"} for k, v in document.items()], "")

"""How the command speaks: tables and ticks for people, JSON and YAML for programs."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum

from rich.console import Console
from rich.table import Table

from ashore.errors import Problem

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

_WHOLE = 10_000


class Output(StrEnum):
    """Values of `-o`."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def print_document(document: object, output: Output) -> None:
    """One JSON or YAML document on standard output; several in a row stay apart."""
    if output is Output.YAML:
        import yaml  # noqa: PLC0415 - few ask for it, and every command would wait for the import

        sys.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, explicit_start=True))
    else:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]], empty: str) -> None:
    """A table; `empty` (a hint what fills it) where there is nothing to show.

    Whole, however narrow the terminal is or where it is none: what is cut short can be neither copied nor read by a script.
    """
    if not rows:
        OUT.print(empty)
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console(highlight=False, width=_WHOLE).print(table)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show that something goes on, until it is done; nothing without a terminal."""
    if not ERR.is_terminal:
        yield
        return
    with ERR.status(what):
        yield


def print_problem(problem: Problem) -> None:
    """What happened and how to mend it, on standard error."""
    ERR.print(f"{problem.code}: {problem.what}", style="red", markup=False)
    ERR.print(f"fix: {problem.fix}", markup=False)

"""How the command speaks: tables and ticks for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum

from rich.console import Console
from rich.table import Table

from ashore.errors import Problem

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


class Output(StrEnum):
    """Values of `-o`."""

    TEXT = "text"
    JSON = "json"


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]], empty: str) -> None:
    """A table; `empty` (a hint what fills it) where there is nothing to show."""
    if not rows:
        OUT.print(empty)
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    OUT.print(table)


def print_problem(problem: Problem) -> None:
    """What happened and how to mend it, on standard error."""
    ERR.print(f"{problem.code}: {problem.what}", style="red", markup=False)
    ERR.print(f"fix: {problem.fix}", markup=False)

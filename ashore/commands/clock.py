"""`ashore clock`: the emulator's time, by which everything expires, scales and settles."""

import re
from typing import Annotated

import typer

from ashore.client import Client
from ashore.commands.app import app
from ashore.output import OUT

clock = typer.Typer(help="The emulator's clock.", no_args_is_help=True)
app.add_typer(clock, name="clock")

_DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>[smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 600.0
"""Seconds to wait for an answer: what falls due on the way is done before it comes."""


def seconds_of(text: str) -> float:
    """The seconds of a duration such as `90`, `90s`, `5m`, `2h` or `15d`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"a duration is a number with s, m, h or d, such as 15d, not {text!r}")
    return float(found["count"]) * _SECONDS[found["unit"]]


@clock.command("show")
def show() -> None:
    """The emulator's time and how fast it runs."""
    _describe(Client.from_environment().get("status")["clock"])


@clock.command("advance")
def advance(duration: Annotated[str, typer.Argument(help="such as 90s, 5m, 2h or 15d")]) -> None:
    """Move time on; what falls due on the way happens, in order."""
    body = {"advance": seconds_of(duration)}
    _describe(Client.from_environment().post("clock", body, _LONGEST))


@clock.command("rate")
def rate(factor: Annotated[float, typer.Argument(min=0, help="virtual seconds a second; 0 stands still")]) -> None:
    """Let time run FACTOR times as fast."""
    _describe(Client.from_environment().post("clock", {"rate": factor}))


def _describe(document: dict[str, object]) -> None:
    OUT.print(f"{document['now']}   x{document['rate']:g}", markup=False)

"""The command-line application itself, and the options that commands share."""

from typing import Annotated

import typer

from ashore.output import Output

app = typer.Typer(
    name="ashore",
    help="A local, honest emulator of AWS's container services.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)

OutputOption = Annotated[Output, typer.Option("-o", "--output", help="text for people, json or yaml for programs")]
RegionOption = Annotated[str | None, typer.Option("--region", envvar="AWS_DEFAULT_REGION", help="region to look in")]
AccountOption = Annotated[
    str | None, typer.Option("--account-id", envvar="ASHORE_ACCOUNT_ID", help="account to look in")
]

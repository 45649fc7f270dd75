"""`ashore explain`: why a task was placed where it is, or why a service's task is not placed."""

from typing import Annotated

import typer

from ashore.client import Client
from ashore.commands.app import AccountOption, OutputOption, RegionOption, app
from ashore.output import OUT, Output, print_json


@app.command()
def explain(
    target: Annotated[str, typer.Argument(help="a task's id or ARN, or a service's name or ARN")],
    cluster: Annotated[str, typer.Option(help="cluster of a short name")] = "default",
    region: RegionOption = None,
    account: AccountOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tell why: the decision record of the newest placement of TARGET, in words."""
    document = Client.from_environment().get("explain", target=target, cluster=cluster, region=region, account=account)
    if output is Output.JSON:
        print_json(document)
    else:
        OUT.print(document["text"], markup=False)

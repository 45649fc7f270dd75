"""`ashore explain`: why a task was placed where it is, what a service waits for, what an environment of Elastic Beanstalk does."""

from typing import Annotated

import typer

from ashore.client import Client
from ashore.commands.app import AccountOption, OutputOption, RegionOption, app
from ashore.output import OUT, Output, print_document


@app.command()
def explain(
    target: Annotated[
        str,
        typer.Argument(
            help="a task's id, a service's or a daemon's name, an environment's name or id; or its ARN; "
            "of tasks that were not placed the family, the group or the id of the request"
        ),
    ],
    cluster: Annotated[str, typer.Option(help="cluster of a short name")] = "default",
    region: RegionOption = None,
    account: AccountOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tell why: the decision of the newest placement of TARGET; or what an environment does, waits for and suffers from."""
    document = Client.from_environment().get("explain", target=target, cluster=cluster, region=region, account=account)
    if output is not Output.TEXT:
        print_document(document, output)
    else:
        OUT.print(document["text"], markup=False)

"""`ashore hosts`: the simulated hosts of a cluster."""

from typing import Annotated

import typer

from ashore.client import Client
from ashore.commands.app import AccountOption, OutputOption, RegionOption, app
from ashore.output import OUT, Output, print_document, print_table

hosts = typer.Typer(help="Simulated hosts (container instances) of a cluster.", no_args_is_help=True)
app.add_typer(hosts, name="hosts")

ClusterOption = Annotated[str, typer.Option("--cluster", help="cluster name")]
_COLUMNS = ["id", "instance", "type", "az", "status", "cpu", "memory", "tasks", "address"]


@hosts.command("ls")
def list_hosts(
    cluster: ClusterOption = "default",
    region: RegionOption = None,
    account: AccountOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the hosts of a cluster."""
    rows = Client.from_environment().get("hosts", cluster=cluster, region=region, account=account)["hosts"]
    if output is not Output.TEXT:
        print_document(rows, output)
    else:
        print_table(_COLUMNS, rows, f"no hosts yet: ashore hosts add --cluster {cluster} --count 3")


@hosts.command("add")
def add(  # noqa: PLR0913, PLR0917 - one parameter a flag
    cluster: ClusterOption = "default",
    instance_type: Annotated[str, typer.Option("--type", help="EC2 instance type")] = "t3.large",
    az: Annotated[list[str] | None, typer.Option("--az", help="availability zone, may be repeated")] = None,
    count: Annotated[int, typer.Option(min=1, max=5000)] = 1,
    attr: Annotated[list[str] | None, typer.Option("--attr", help="NAME=VALUE, may be repeated")] = None,
    region: RegionOption = None,
    account: AccountOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Add hosts; they are spread over the zones given (by default all of the region's)."""
    for item in attr or []:
        if not item.partition("=")[0] or "=" not in item:
            raise typer.BadParameter(f"--attr is NAME=VALUE, not {item}")
    pairs = [item.partition("=") for item in attr or []]
    body = {
        "cluster": cluster,
        "type": instance_type,
        "zones": az or [],
        "count": count,
        "attributes": {name: value for name, _, value in pairs},
        "region": region,
        "account": account,
    }
    rows = Client.from_environment().post("hosts", body)["hosts"]
    if output is not Output.TEXT:
        print_document(rows, output)
    else:
        OUT.print(f"✓ {len(rows)} hosts in cluster {cluster}")
        print_table(_COLUMNS, rows, "")


@hosts.command("drain")
def drain(
    host: Annotated[list[str], typer.Argument(help="container instance or EC2 instance ids")],
    cluster: ClusterOption = "default",
    region: RegionOption = None,
    account: AccountOption = None,
) -> None:
    """Set hosts DRAINING: no new tasks, service tasks move away."""
    _change("drain", host, cluster, region, account)
    OUT.print(f"✓ draining {' '.join(host)}", markup=False)


@hosts.command("rm")
def remove(
    host: Annotated[list[str], typer.Argument(help="container instance or EC2 instance ids")],
    cluster: ClusterOption = "default",
    region: RegionOption = None,
    account: AccountOption = None,
) -> None:
    """Take hosts away as if the machines had been terminated; their tasks stop."""
    _change("remove", host, cluster, region, account)
    OUT.print(f"✓ removed {' '.join(host)}", markup=False)


def _change(verb: str, hosts: list[str], cluster: str, region: str | None, account: str | None) -> None:
    body = {"hosts": hosts, "cluster": cluster, "region": region, "account": account}
    Client.from_environment().post(f"hosts/{verb}", body)

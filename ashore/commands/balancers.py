"""`ashore balancers`: where load balancers answer, and which of their rules are left out."""

from typing import Any

from ashore.client import Client
from ashore.commands.app import OutputOption, RegionOption, app
from ashore.output import OUT, Output, print_document, print_table

_COLUMNS = ["name", "listener", "rules", "answers at"]


@app.command()
def balancers(region: RegionOption = None, output: OutputOption = Output.TEXT) -> None:
    """List load balancers: where they answer, and rules that cannot be carried out."""
    found = Client.from_environment().get("balancers", region=region)["balancers"]
    if output is not Output.TEXT:
        print_document(found, output)
        return
    listeners = [(balancer, listener) for balancer in found for listener in balancer["listeners"]]
    print_table(_COLUMNS, [_row(*pair) for pair in listeners], "no load balancer has a listener")
    for balancer, listener in listeners:
        for rule in listener["leftOut"]:
            where = f"{balancer['name']} {listener['protocol']} {listener['port']}, rule {rule['priority']}"
            OUT.print(f"left out: {where}: {rule['reason']}", markup=False)


def _row(balancer: dict[str, Any], listener: dict[str, Any]) -> dict[str, object]:
    port = listener["answersOnPort"]
    return {
        "name": balancer["name"],
        "listener": f"{listener['protocol']} {listener['port']}",
        "rules": listener["rules"],
        "answers at": "not opened"
        if port is None
        else f"{listener['protocol'].lower()}://{balancer['dnsName']}:{port}",
    }

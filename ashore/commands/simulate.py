"""`ashore simulate`: what images do on the simulated runtime, and what its targets answer to health checks."""

from typing import Annotated

import typer

from ashore.client import Client
from ashore.commands.app import OutputOption, RegionOption, app
from ashore.output import Output, print_document, print_table

simulate = typer.Typer(help="Script what images do on the simulated runtime.", no_args_is_help=True)
app.add_typer(simulate, name="simulate")

_COLUMNS = ["image", "does"]
_DEFAULTS: dict[str, object] = {"stop_exit_code": 143, "health": "HEALTHY", "exit_code": 0, "answers": 200}
_PATH = "runtime/scripts"

SecondsOption = Annotated[float, typer.Option(min=0, help="seconds of the clock")]


@simulate.command("set")
def set_script(  # noqa: PLR0913, PLR0917 - one parameter a flag
    image: Annotated[str, typer.Argument(help="pattern of image names, such as 'web:*'")],
    pull: SecondsOption = 0,
    start: SecondsOption = 0,
    stop: Annotated[float, typer.Option(min=0, help="seconds from SIGTERM to its end")] = 0,
    stop_exit_code: Annotated[int, typer.Option(min=0, max=255, help="after SIGTERM")] = 143,
    runs_for: Annotated[float | None, typer.Option(min=0, help="seconds; by default until it is stopped")] = None,
    exit_code: Annotated[int | None, typer.Option(min=0, max=255, help="when it ends by itself")] = None,
    out_of_memory: Annotated[bool, typer.Option("--out-of-memory", help="end as killed for its memory")] = False,
    pull_error: Annotated[str | None, typer.Option(help="why it cannot be pulled")] = None,
    start_error: Annotated[str | None, typer.Option(help="why it cannot be started")] = None,
    build: Annotated[float, typer.Option(min=0, help="seconds that building it takes")] = 0,
    build_error: Annotated[str | None, typer.Option(help="why it cannot be built")] = None,
    exposes: Annotated[int | None, typer.Option(min=1, max=65535, help="a port that its base image exposes")] = None,
    health: Annotated[str, typer.Option(help="HEALTHY, UNHEALTHY or UNKNOWN")] = "HEALTHY",
    health_after: Annotated[float, typer.Option(min=0, help="seconds until its health check comes to that")] = 0,
    answers: Annotated[
        int, typer.Option(min=100, max=599, help="HTTP status that a worker answers messages with")
    ] = 200,
    answers_after: Annotated[float, typer.Option(min=0, help="seconds until it answers a message")] = 0,
    cpu: Annotated[float, typer.Option(min=0, help="percent that it uses of the CPU its task reserves")] = 0,
    memory: Annotated[float, typer.Option(min=0, help="percent that it uses of that memory")] = 0,
    output: OutputOption = Output.TEXT,
) -> None:
    """Have containers of IMAGE behave so from now on; the newest pattern that matches holds."""
    body = {
        "pattern": image,
        "pull": pull,
        "start": start,
        "stop": stop,
        "stop_exit_code": stop_exit_code,
        "runs_for": runs_for,
        "exit_code": exit_code,
        "out_of_memory": out_of_memory,
        "pull_error": pull_error,
        "start_error": start_error,
        "build": build,
        "build_error": build_error,
        "exposes": exposes,
        "health": health.upper(),
        "health_after": health_after,
        "answers": answers,
        "answers_after": answers_after,
        "cpu": cpu,
        "memory": memory,
    }
    _show(Client.from_environment().post(_PATH, body)["scripts"], output)


@simulate.command("ls")
def list_scripts(output: OutputOption = Output.TEXT) -> None:
    """List the scripts in the order in which they are tried."""
    _show(Client.from_environment().get(_PATH)["scripts"], output)


@simulate.command("rm")
def remove(
    image: Annotated[str | None, typer.Argument(help="the pattern; all where none is given")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Remove the script of IMAGE, or all."""
    _show(Client.from_environment().delete(_PATH, pattern=image)["scripts"], output)


@simulate.command("health")
def target_health(
    target_group: Annotated[str, typer.Argument(help="name or ARN")],
    answers: Annotated[str, typer.Argument(help="to health checks: ok, a status code, timeout or refused")],
    target: Annotated[str | None, typer.Option(help="ID:PORT of one; all simulated ones by default")] = None,
    region: RegionOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Have simulated targets answer a load balancer's health checks so from now on."""
    body = {"target_group": target_group, "target": target, "answers": answers, "region": region}
    scripts = Client.from_environment().post("balancers/health", body)["scripts"]
    if output is not Output.TEXT:
        print_document(scripts, output)
        return
    rows = [
        {**script, "target group": script["targetGroup"].split("/")[1], "target": script["target"] or "all"}
        for script in scripts
    ]
    print_table(["target group", "target", "answers"], rows, "every simulated target is well")


def _show(scripts: list[dict[str, object]], output: Output) -> None:
    if output is not Output.TEXT:
        print_document(scripts, output)
        return
    rows = [{"image": script["pattern"], "does": _words(script)} for script in scripts]
    print_table(_COLUMNS, rows, "no scripts: every image starts at once and runs until it is stopped")


def _words(script: dict[str, object]) -> str:
    told = [
        f"{name.replace('_', '-')} {value}"
        for name, value in script.items()
        if name != "pattern" and value not in (None, False, 0, _DEFAULTS.get(name))
    ]
    return "  ".join(told) or "runs until it is stopped"

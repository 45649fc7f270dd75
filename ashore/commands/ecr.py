"""`ashore ecr`: what the registry holds, what could go, and whether all of it is whole."""

from typing import Annotated, Any

import typer
from rich.progress import Progress

from ashore.client import Client
from ashore.commands.app import AccountOption, OutputOption, RegionOption, app
from ashore.errors import Exit
from ashore.output import ERR, OUT, Output, print_document, print_table

ecr = typer.Typer(help="The registry: repositories, images, garbage, integrity.", no_args_is_help=True)
app.add_typer(ecr, name="ecr")

_LIST = ["name", "images", "tags", "size", "mutability", "pushed", "uri"]
_UNITS = ["B", "KiB", "MiB", "GiB"]


@ecr.command("ls")
def list_repositories(
    region: RegionOption = None, account: AccountOption = None, output: OutputOption = Output.TEXT
) -> None:
    """List the repositories; where there is none, say how to push a first image."""
    client = Client.from_environment()
    rows = client.get("ecr/repositories", region=region, account=account)["repositories"]
    if output is not Output.TEXT:
        print_document(rows, output)
        return
    shown = [{**row, "size": _size(row["sizeBytes"]), "pushed": _instant(row["pushedAt"])} for row in rows]
    print_table(_LIST, shown, "\n".join(["no repositories yet:", *_push_commands(client.port, "my-app", make=True)]))


@ecr.command("push-commands")
def push_commands(
    repository: Annotated[str, typer.Argument(help="name of the repository")],
    region: RegionOption = None,
    account: AccountOption = None,
) -> None:
    """Print the commands that push an image, ready to paste."""
    client = Client.from_environment()
    rows = client.get("ecr/repositories", region=region, account=account)["repositories"]
    known = any(row["name"] == repository for row in rows)
    for line in _push_commands(client.port, repository, make=not known):
        OUT.print(line, markup=False)


@ecr.command("inspect")
def inspect(
    image: Annotated[str, typer.Argument(help="REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST")],
    region: RegionOption = None,
    account: AccountOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one image: its layers and who shares them, the images of an index, what refers to it."""
    view = Client.from_environment().get("ecr/image", image=image, region=region, account=account)
    if output is not Output.TEXT:
        print_document(view, output)
        return
    OUT.print(f"{view['repository']}@{view['digest']}", markup=False)
    facts = {
        "tags": ", ".join(view["tags"]) or "none",
        "type": view["mediaType"] + (f" ({view['artifactType']})" if view["artifactType"] else ""),
        "status": view["status"],
        "size": _size(view["sizeBytes"]),
        "pushed": _instant(view["pushedAt"]),
        "pulled": _instant(view["pulledAt"]) or "never",
        "subject": view["subject"],
    }
    for name, value in facts.items():
        if value:
            OUT.print(f"  {name:8} {value}", markup=False)
    _print_parts(
        "layers", [[part["digest"], _size(part["sizeBytes"]), _shared(part["images"])] for part in view["layers"]]
    )
    _print_parts("images", [[part["digest"], part["platform"]] for part in view["images"]])
    _print_parts("referrers", [[part["digest"], part["artifactType"] or ""] for part in view["referrers"]])


@ecr.command("gc")
def collect(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would go")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Remove layers that no image uses and uploads that nobody goes on with, both a day after they were last wanted."""
    removals = Client.from_environment().post("ecr/gc", {"dry_run": dry_run}, timeout=600)["removals"]
    if output is not Output.TEXT:
        print_document(removals, output)
        return
    for removal in removals:
        where = f" of {removal['repository'].partition('/')[2]}" if removal["repository"] else ""
        OUT.print(f"- {removal['kind']} {removal['subject']}{where}: {removal['reason']}", markup=False)
    freed = _size(sum(removal["size_bytes"] for removal in removals if removal["kind"] == "file"))
    OUT.print(f"{'would free' if dry_run else '✓ freed'} {freed}", markup=False)


@ecr.command("fsck")
def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="remove broken files, so that a push brings them anew")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Verify every image, layer and file; ends with 6 where something is wrong."""
    problems: list[dict[str, Any]] = []
    last: dict[str, Any] = {"files": 0, "of_files": 0, "size_bytes": 0}
    with Progress(console=ERR, transient=True, disable=output is not Output.TEXT) as bar:
        task = bar.add_task("hashing", total=None)
        for step in Client.from_environment().stream("ecr/fsck", {"repair": repair}):
            if step["kind"] == "problem":
                problems.append({name: value for name, value in step.items() if name != "kind"})
            elif step["kind"] == "progress":
                last = step
                bar.update(task, completed=step["files"], total=step["of_files"])
    if output is not Output.TEXT:
        print_document({"files": last["files"], "bytes": last["size_bytes"], "problems": problems}, output)
    else:
        for problem in problems:
            OUT.print(f"✗ {problem['fault']}: {problem['subject']}: {problem['detail']}", markup=False)
        told = f"{last['files']} layers verified ({_size(last['size_bytes'])})"
        OUT.print(f"✗ {len(problems)} problems; {told}" if problems else f"✓ {told}", markup=False)
    if problems:
        raise typer.Exit(Exit.CHECK_FAILED)


def _push_commands(port: int, repository: str, *, make: bool) -> list[str]:
    image = f"localhost:{port}/{repository}:latest"
    created = [f"aws ecr create-repository --repository-name {repository}"] if make else []
    return [
        'eval "$(ashore env)"',
        *created,
        f"aws ecr get-login-password | docker login --username AWS --password-stdin localhost:{port}",
        f"docker build -t {image} .",
        f"docker push {image}",
    ]


def _shared(images: int) -> str:
    return "in 1 image" if images == 1 else f"in {images} images"


def _print_parts(title: str, rows: list[list[str]]) -> None:
    """Lines, not a table: a digest must be there in full, to be pasted."""
    if rows:
        OUT.print(title, markup=False)
    for row in rows:
        OUT.print("  " + "  ".join(filter(None, row)), markup=False)


def _size(count: int) -> str:
    size, unit = float(count), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def _instant(text: str | None) -> str:
    return text[:19].replace("T", " ") if text else ""

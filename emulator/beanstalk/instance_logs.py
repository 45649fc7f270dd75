"""The log files of an instance, as if they lay below `/var/log`: its agent's, daemon's, proxy's and containers'."""

import asyncio
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from emulator.beanstalk.application_cluster import runs_on_ecs
from emulator.beanstalk.bundles.plan import MAIN, Mode
from emulator.beanstalk.daemon_logs import PATH as DAEMON
from emulator.beanstalk.daemon_logs import daemon_log
from emulator.beanstalk.fleet_view import SAMPLE
from emulator.beanstalk.option_values import values_of
from emulator.beanstalk.proxy_logs import proxy_files
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.ecs import TaskRow

_TAIL = 100
_MOST_SECONDS, _QUIET_SECONDS = 5.0, 0.5
"""How long a container's output is read: it goes on as long as the container runs."""
_RULE = "-" * 40


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an instance's logs come from, read in a transaction."""

    files: Mapping[str, str]
    """Path → the whole file."""
    containers: Mapping[str, tuple[str, str]]
    """Path → task and container."""
    on_disk: Mapping[str, Path] = field(default_factory=dict)
    """Path → file of this machine; one that is not there is empty."""


def sources_of(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> Sources:
    """The logs of the instance's agent, daemon and proxy, and the containers of the application."""
    task = context.session.get(TaskRow, item.task_arn) if item.task_arn else None
    containers = {}
    for document in task.containers if task is not None else ():
        name = document["name"]
        number = str(document.get("runtimeId") or name)[:12]
        ours = "current-app" if name == MAIN else name
        path = f"var/log/eb-docker/containers/eb-{ours.removeprefix('eb-')}/{number}-stdouterr.log"
        if _mode(context, item) == Mode.LANGUAGE:
            path = f"var/log/{'web' if name == MAIN else name}.stdout.log"
        elif runs_on_ecs(row.platform_arn):
            path = f"var/log/containers/{name}-{number}-stdouterr.log"
        containers[path] = (str(item.task_arn), name)
    files = {"var/log/eb-engine.log": _engine_log(context, item)}
    daemon = daemon_log(context, row, item)
    if daemon is not None:
        files[DAEMON] = daemon
    values = values_of(row.bundle_settings, row.settings)
    return Sources(files, containers, proxy_files(context, item, values))


def _mode(context: Context, item: BeanstalkInstanceRow) -> str | None:
    found = context.session.get(DeploymentRow, (item.environment_id, item.deployment))
    return found.outcome.get("mode") if found is not None else None


@dataclass(frozen=True, slots=True)
class Line:
    """Of a log, with its instant."""

    at: datetime
    text: str


def _engine_log(context: Context, item: BeanstalkInstanceRow) -> str:
    return "".join(f"{line.text}\n" for line in engine_lines(context, item))


def engine_lines(context: Context, item: BeanstalkInstanceRow) -> list[Line]:
    """What was done on the instance: deployments, what their builders said, how the last command ended."""
    query = select(DeploymentRow).where(
        DeploymentRow.environment_id == item.environment_id,
        DeploymentRow.number <= item.deployment,
        DeploymentRow.created_at >= item.launched_at,
    )
    first = context.session.get(DeploymentRow, (item.environment_id, item.deployment))
    rows = list(context.session.scalars(query.order_by(DeploymentRow.number)))
    lines: list[Line] = []
    for found in rows or ([first] if first is not None else []):
        lines.append(
            _line(found.created_at, "INFO", f"Starting deployment {found.number}: {found.version_label or SAMPLE}")
        )
        lines += [_line(found.created_at, "INFO", text) for text in found.outcome.get("log", [])]
        if found.failure:
            lines.append(_line(found.created_at, "ERROR", found.failure))
        if found.number == item.deployment and item.command_ended is not None:
            level = "INFO" if item.command == "Succeeded" else "ERROR"
            told = item.output or "Instance deployment completed successfully."
            lines.append(_line(item.command_ended, level, told))
    return lines


def _line(at: datetime, level: str, text: str) -> Line:
    return Line(at, f"{at:%Y/%m/%d %H:%M:%S.%f} [{level}] {text}")


async def read(emulator: Emulator, sources: Sources) -> dict[str, str]:
    """Path → the whole file."""
    found = dict(sources.files)
    for path, file in sources.on_disk.items():
        found[path] = await asyncio.to_thread(_text_of, file)
    for path, (task_arn, container) in sources.containers.items():
        found[path] = await _output(emulator, task_arn, container)
    return found


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


async def _output(emulator: Emulator, task_arn: str, container: str) -> str:
    lines: list[str] = []
    following = aiter(emulator.runtime.logs(task_arn, container, None))
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            while True:
                async with asyncio.timeout(_QUIET_SECONDS):
                    lines.append((await anext(following)).message)
    except (StopAsyncIteration, TimeoutError):
        return "".join(f"{line}\n" for line in lines)


def tail(files: Mapping[str, str]) -> bytes:
    """The last lines of each file, framed as Elastic Beanstalk frames them (unconfirmed)."""
    parts = []
    for path, text in files.items():
        last = "\n".join(text.splitlines()[-_TAIL:])
        parts.append(f"{_RULE}\n/{path}\n{_RULE}\n{last}\n")
    return "\n".join(parts).encode()


def bundled(files: Mapping[str, str]) -> bytes:
    """A zip of the whole files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return out.getvalue()

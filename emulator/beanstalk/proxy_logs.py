"""`access.log` and `error.log` of the proxy on each instance, of the requests that the data plane has handed to its application.

The data plane is this proxy, and the load balancer before it: lines are its, in the form of Elastic Beanstalk's nginx (access: the
format `main` of its configuration, whose client is the load balancer's address where there is one; the form of both is
(unconfirmed)). Files are kept with the environment's others and turned over when they are as large as those that AWS rotates.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from emulator.balancer.traffic import Asked, Served
from emulator.beanstalk.bundle_tasks import folder_of
from emulator.beanstalk.option_values import Values
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow

_PROXY = "aws:elasticbeanstalk:environment:proxy"
_LARGE = 10 * 1024 * 1024
_NAMES = {"nginx": ("nginx/access.log", "nginx/error.log"), "apache": ("httpd/access_log", "httpd/error_log")}
_BALANCER = "127.0.0.1"
"""The load balancer is on this machine."""


class ProxyLogs:
    """Writes the files."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._folders: dict[str, Path | None] = {}
        """Instance → where its files are; None: it is not known."""
        if emulator.balancer is not None:
            emulator.balancer.watch_requests(self.add)

    def add(self, requests: Sequence[tuple[str, Served]]) -> None:
        """Write lines for these requests; the first word of a revision is the instance."""
        now = self._emulator.clock.now()
        lines: dict[Path, list[str]] = {}
        for revision, served in requests:
            folder, asked = self._folder(revision.partition(" ")[0]), served.asked
            if folder is None or asked is None:
                continue
            behind = served.group.startswith("arn:")
            if not served.of_instance:
                line = access_line(now, served, asked, behind_balancer=behind)
                lines.setdefault(folder / "access.log", []).append(line)
            if asked.error:
                lines.setdefault(folder / "error.log", []).append(error_line(now, served, asked))
        for path, said in lines.items():
            _append(path, said)

    def _folder(self, instance_id: str) -> Path | None:
        if instance_id not in self._folders:
            with self._emulator.store.begin() as session:
                item = session.get(BeanstalkInstanceRow, instance_id)
                found = None if item is None else proxy_folder(self._emulator, item)
            self._folders[instance_id] = found
        return self._folders[instance_id]


def proxy_folder(emulator: Emulator, item: BeanstalkInstanceRow) -> Path:
    """Where the files of an instance are on this machine."""
    return folder_of(emulator, item.environment_id) / "proxies" / item.id


def proxy_files(context: Context, item: BeanstalkInstanceRow, values: Values) -> Mapping[str, Path]:
    """Path of the instance → file of this machine, which may not be there yet; none where no proxy stands on the instance."""
    found = context.session.get(DeploymentRow, (item.environment_id, item.deployment))
    if found is None or found.port is None:
        return {}
    folder = proxy_folder(context.emulator, item)
    access, error = _NAMES.get(values.get(_PROXY, "ProxyServer", "nginx").lower(), _NAMES["nginx"])
    return {f"var/log/{access}": folder / "access.log", f"var/log/{error}": folder / "error.log"}


def access_line(at: datetime, served: Served, asked: Asked, *, behind_balancer: bool) -> str:
    """The format `main` of nginx: remote address, user, time, request, status, bytes, referer, agent, X-Forwarded-For."""
    client, forwarded = (_BALANCER, asked.client) if behind_balancer else (asked.client, "-")
    size = "-" if asked.size is None else asked.size
    quoted = " ".join(f'"{_quoted(text or "-")}"' for text in (asked.referer, asked.agent, forwarded))
    request = _quoted(f"{asked.method} {asked.uri} {asked.proto}")
    return f'{client} - - [{at:%d/%b/%Y:%H:%M:%S %z}] "{request}" {served.status} {size} {quoted}'


def error_line(at: datetime, served: Served, asked: Asked) -> str:
    """Without process and connection numbers, which there are none of."""
    request = _quoted(f"{asked.method} {asked.uri} {asked.proto}")
    doing = "connecting to upstream" if asked.error.startswith("dial ") else "reading response header from upstream"
    return (
        f"{at:%Y/%m/%d %H:%M:%S} [error] {_quoted(asked.error)} while {doing}, "
        f'client: {asked.client}, request: "{request}", upstream: "http://{served.target}{_quoted(asked.uri)}", '
        f'host: "{_quoted(asked.host)}"'
    )


def _quoted(text: str) -> str:
    """As nginx writes what clients may choose: no quotation marks and control characters."""
    return "".join(
        sign if sign.isprintable() and sign not in '"\\' else "".join(f"\\x{byte:02X}" for byte in sign.encode())
        for sign in text
    )


def _append(path: Path, lines: Iterable[str]) -> None:
    if not path.parent.parent.parent.is_dir():  # the environment has ended
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LARGE:
        path.replace(path.with_name(f"{path.name}.1"))
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)

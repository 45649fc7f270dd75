"""Images built by the engine's classic builder (`POST /build`), which every engine from 20.10 on has."""

import asyncio
import base64
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import docker
from docker.errors import APIError, ImageNotFound
from docker.utils.build import exclude_paths

from emulator.runtime.builds import BuildSpec, BuiltImage, context_stream
from emulator.runtime.docker_calls import cut, inspect_image, own_registries, post_stream
from emulator.runtime.docker_faults import CONFLICT, told_as
from emulator.runtime.docker_options import SERVER
from emulator.runtime.faults import CannotBuildImageError
from emulator.runtime.specs import RegistryCredentials

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

_LONGEST = 3840
"""Seconds without a word from the builder: the longest command timeout of Elastic Beanstalk with what it adds."""

_LAST = 20
_REGISTRIES = "X-Registry-Config"


class Build:
    """One build, which another thread may give up."""

    def __init__(self, api: docker.APIClient, server_id: str, build: BuildSpec) -> None:
        self._api, self._server_id, self._build = api, server_id, build
        self._cancelled = threading.Event()
        self._stream: CancellableStream[dict[str, Any]] | None = None
        self._last: deque[str] = deque(maxlen=_LAST)

    def cancel(self) -> None:
        """Have the engine give it up: it does when nobody listens any more."""
        self._cancelled.set()
        if self._stream is not None:
            cut(self._stream)

    def run(self, credentials: Mapping[str, RegistryCredentials], say: Callable[[str], None]) -> BuiltImage:
        """Build; `say` is given each line of output.

        Raises:
            CannotBuildImageError: it failed; its `lines` are the last ones.

        """
        with told_as(CannotBuildImageError, "built"):
            self._stream = send(self._api, self._server_id, self._build, self._context(), credentials)
            for line in self._lines():
                self._last.append(line)
                say(line)
            found = inspect_image(self._api, self._build.tag)
        ports = [port.partition("/") for port in (found["Config"] or {}).get("ExposedPorts") or {}]
        return BuiltImage(found["Id"], tuple(sorted(int(port) for port, _, protocol in ports if protocol == "tcp")))

    def _context(self) -> Iterator[bytes]:
        for piece in context_stream(self._build, context_paths(self._build)):
            if self._cancelled.is_set():
                raise CannotBuildImageError("the build was given up")
            yield piece

    def _lines(self) -> Iterator[str]:
        """Output by lines; what is left at the end of a stream is a line too."""
        rest = ""
        for message in self._messages():
            if "error" in message:
                raise CannotBuildImageError(str(message["error"]), tuple(self._last))
            rest += _text(message)
            *lines, rest = rest.split("\n")
            yield from (line.rstrip("\r") for line in lines if line.strip())
        if rest.strip():
            yield rest

    def _messages(self) -> Iterator[dict[str, Any]]:
        try:
            yield from self._stream or ()
        except (AttributeError, ValueError, OSError) as error:  # how a stream ends that was closed in between
            raise CannotBuildImageError("the engine broke the build off", tuple(self._last)) from error


async def carry_out(
    build: Build, credentials: Mapping[str, RegistryCredentials], say: Callable[[str], None]
) -> BuiltImage:
    """In a thread that is none of the pool, for a build takes as long as it takes; given up where this is cancelled."""
    loop = asyncio.get_running_loop()

    def said(line: str) -> None:
        loop.call_soon_threadsafe(say, line)

    try:
        return await asyncio.to_thread(build.run, credentials, said)
    except asyncio.CancelledError:
        await asyncio.to_thread(build.cancel)
        raise


def _text(message: dict[str, Any]) -> str:
    """Progress of pulls, which repeats, is left out but for its words."""
    if "stream" in message:
        return str(message["stream"])
    if "status" in message and "progressDetail" not in message:
        return f"{message['status']}\n"
    return ""


def send(
    api: docker.APIClient,
    server_id: str,
    build: BuildSpec,
    context: Iterator[bytes],
    credentials: Mapping[str, RegistryCredentials],
) -> "CancellableStream[dict[str, Any]]":
    """Begin; the SDK's own `build` takes no credentials, and its stream cannot be cut."""
    query = {
        "t": build.tag,
        "dockerfile": build.dockerfile,
        "rm": True,
        "forcerm": True,
        "labels": json.dumps({SERVER: server_id, **build.labels}),
        "buildargs": json.dumps(dict(build.arguments)),
        "target": build.target,
    }
    return post_stream(
        api,
        "/build",
        context,
        {name: value for name, value in query.items() if value is not None},
        {"Content-Type": "application/x-tar", **_registries(api, credentials)},
        _LONGEST,
    )


def _registries(api: docker.APIClient, credentials: Mapping[str, RegistryCredentials]) -> dict[str, str]:
    """Credentials of base images: those of the user's own docker configuration, and those given."""
    headers = own_registries(api)
    known = json.loads(base64.urlsafe_b64decode(headers[_REGISTRIES])) if _REGISTRIES in headers else {}
    known |= {
        "https://index.docker.io/v1/" if registry == "docker.io" else registry: {
            "username": given.username,
            "password": given.password,
        }
        for registry, given in credentials.items()
    }
    return {_REGISTRIES: base64.urlsafe_b64encode(json.dumps(known).encode()).decode()}


def context_paths(build: BuildSpec) -> list[str]:
    """What of the folder is sent, folders before what is in them."""
    patterns: list[str] = []
    if build.ignore:
        with suppress(FileNotFoundError, IsADirectoryError):
            text = (build.context / ".dockerignore").read_text(encoding="utf-8-sig", errors="replace")
            patterns = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = exclude_paths(str(build.context), patterns, dockerfile=build.dockerfile)
    return sorted(path for path in found if path not in {"", "."} and _is_there(build.context / path))


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def remove_images(api: docker.APIClient, server_id: str, labels: Mapping[str, str]) -> bool:
    """Whether none is left: those stay that a container uses."""
    wanted = [f"{SERVER}={server_id}", *(f"{name}={value}" for name, value in labels.items())]
    left = False
    for image in cast("list[dict[str, Any]]", api.images(filters={"label": wanted}, all=False)):
        try:
            api.remove_image(image["Id"], force=True)
        except ImageNotFound:
            continue
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            left = True
    return not left

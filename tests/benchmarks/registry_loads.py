"""What the registries are asked to carry by bare HTTP: one large layer, many small ones, many pulls at once."""

import base64
import hashlib
import http.client
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.registry_server import RegistryProcess

NAME = "bench/app"
MIB = 1 << 20
_UPLOADS, _DOWNLOADS = 5, 3
"""How many layers docker moves at a time."""


class Connection:
    """One connection that is kept, with credentials."""

    def __init__(self, process: RegistryProcess) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", process.port)
        self._headers: dict[str, str] = {}
        if process.password is not None:
            basic = base64.b64encode(f"AWS:{process.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {basic}"

    def ask(self, method: str, location: str, body: bytes | Iterator[bytes] = b"") -> http.client.HTTPResponse:
        """One request; its answer has been read, unless it is a GET."""
        parts = urlsplit(location)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        if method != "GET":
            text = response.read()
            if response.status not in {200, 201, 202, 404}:
                raise RuntimeError(f"{method} {location}: {response.status} {text!r}")
        return response

    def close(self) -> None:
        """End it."""
        self._connection.close()


@contextmanager
def connection_to(process: RegistryProcess) -> Iterator[Connection]:
    """A connection that ends with the block."""
    connection = Connection(process)
    try:
        yield connection
    finally:
        connection.close()


def push_large(process: RegistryProcess, content: Path, digest: str) -> None:
    """As docker does it: one PATCH in chunks, then an empty PUT."""
    with connection_to(process) as connection:
        location = connection.ask("POST", f"/v2/{NAME}/blobs/uploads/").headers["Location"]
        location = connection.ask("PATCH", location, _pieces(content)).headers["Location"]
        connection.ask("PUT", _with_digest(location, digest))


def pull(process: RegistryProcess, digest: str) -> None:
    """One layer."""
    with connection_to(process) as connection:
        _read(connection, digest)


def pull_many(process: RegistryProcess, digest: str, times: int) -> None:
    """The same layer by so many clients at once."""
    with ThreadPoolExecutor(times) as threads:
        list(threads.map(partial(pull, process), [digest] * times))


def push_small(process: RegistryProcess, layers: Mapping[str, bytes]) -> None:
    """Many layers as docker pushes them: is it there, begin, bytes, complete, is it there now."""
    _share(process, list(layers), _UPLOADS, lambda connection, digest: _push_one(connection, digest, layers[digest]))


def pull_small(process: RegistryProcess, layers: Mapping[str, bytes]) -> None:
    """Many layers as docker pulls them."""
    _share(process, list(layers), _DOWNLOADS, _read)


def small_layers(count: int, size: int) -> dict[str, bytes]:
    """Random layers by digest."""
    contents = [secrets.token_bytes(size) for _ in range(count)]
    return {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}


def digest_of_file(content: Path) -> str:
    """Its digest."""
    with content.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _share(
    process: RegistryProcess, digests: Sequence[str], workers: int, act: Callable[[Connection, str], object]
) -> None:
    def work(own: Sequence[str]) -> None:
        with connection_to(process) as connection:
            for digest in own:
                act(connection, digest)

    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(work, [digests[start::workers] for start in range(workers)]))


def _push_one(connection: Connection, digest: str, content: bytes) -> None:
    blob = f"/v2/{NAME}/blobs/{digest}"
    connection.ask("HEAD", blob)
    location = connection.ask("POST", f"/v2/{NAME}/blobs/uploads/").headers["Location"]
    location = connection.ask("PATCH", location, iter([content])).headers["Location"]
    connection.ask("PUT", _with_digest(location, digest))
    connection.ask("HEAD", blob)


def _read(connection: Connection, digest: str) -> None:
    response = connection.ask("GET", f"/v2/{NAME}/blobs/{digest}")
    if response.status != 200:
        raise RuntimeError(f"{digest}: {response.status}")
    buffer = bytearray(MIB)
    while response.readinto(buffer):
        pass


def _with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def _pieces(content: Path) -> Iterator[bytes]:
    with content.open("rb") as file:
        while piece := file.read(MIB):
            yield piece

"""Files out of an image: by a container that is made, never started, and removed."""

import shutil
import tarfile
from hashlib import blake2b
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, cast

import docker
from docker.errors import APIError, NotFound

from emulator.runtime.docker_calls import create_container

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

COPY = "ashore.copy"
"""A label of its own: what bears the server's is a container of a task."""


def copy_out(api: docker.APIClient, server_id: str, image: str, path: str, target: Path) -> bool:
    """Have `target` be what the image has at `path`; false where it has nothing there, or a file.

    A container that a server which was killed has left over has the same name, and makes room; `forget` removes it, too.
    """
    name = f"ashore-copy-{blake2b(f'{server_id} {image} {path}'.encode(), digest_size=8).hexdigest()}"
    _remove(api, name)
    made = create_container(api, {"Image": image, "Cmd": ["true"], "Entrypoint": [], "Labels": {COPY: server_id}}, name)
    try:
        stream, facts = api.get_archive(made, path)
        if not facts.get("mode", 0) & _FOLDER:
            return False
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        unpacked = target.with_name(f"{target.name}.unpacked")
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(fileobj=_Chunks(stream), mode="r|") as archive:
            archive.extractall(unpacked, filter="data")
        unpacked.joinpath(path.rstrip("/").rpartition("/")[2]).rename(target)
        unpacked.rmdir()
    except NotFound:
        return False
    else:
        return True
    finally:
        _remove(api, made)


def forget(api: docker.APIClient, server_id: str) -> None:
    """Remove the containers of copies that a kill has broken off: where a server starts, no copy goes on."""
    left = api.containers(all=True, filters={"label": f"{COPY}={server_id}"})
    for listed in cast("list[dict[str, str]]", left):
        _remove(api, listed["Id"])


_FOLDER = 1 << 31
"""Go's bit of a folder."""


def _remove(api: docker.APIClient, container: str) -> None:
    try:
        api.remove_container(container, force=True)
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:  # it is being removed
            raise


class _Chunks(RawIOBase):
    """A file of what the engine sends."""

    def __init__(self, stream: "CancellableStream[bytes]") -> None:
        self._stream, self._rest = iter(stream), b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._stream, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

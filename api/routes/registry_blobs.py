"""Layers on their way out: straight from the file in pieces, read ahead in I/O threads, never whole in memory."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.routes.registry_auth import Caller
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, blob_unknown
from emulator.ecr.blobs import PIECE, blobs_of, is_digest
from emulator.ecr.repositories import find_repository
from emulator.ecr.uploads import find_layer

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class PiecesResponse(Response):
    """Bytes `start` to `stop` (exclusive) of a file; uvicorn has no sendfile. One piece is read while another is sent."""

    def __init__(self, path: Path, start: int, stop: int, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, status, dict(headers))
        self.headers["content-length"] = str(stop - start)
        self._path, self._start, self._stop = path, start, stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        descriptor = os.open(self._path, os.O_RDONLY)
        offset = self._start
        ahead = self._read(descriptor, offset)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while offset < self._stop:
                piece = await ahead
                if not piece:
                    raise OSError(f"file of a layer ends {self._stop - offset} bytes early")
                offset += len(piece)
                ahead = self._read(descriptor, offset)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await asyncio.wait({ahead})  # a thread may still be reading: the descriptor must not become another file's
            os.close(descriptor)

    def _read(self, descriptor: int, offset: int) -> asyncio.Task[bytes]:
        count = min(PIECE, self._stop - offset)
        return asyncio.create_task(asyncio.to_thread(os.pread, descriptor, count, offset))


def get_blob(request: Request, caller: Caller, name: str, digest: str) -> Response:
    """GET and HEAD of a layer, whole or one range of it."""
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest")
    with caller.transaction() as context:
        layer = find_layer(context, find_repository(context, name), digest)
        if layer is None:
            raise blob_unknown()
        size = layer.size_bytes
    headers = {
        **VERSION_HEADER,
        "Docker-Content-Digest": digest,
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": f'"{digest}"',
    }
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(size)})
    path = blobs_of(caller.emulator).path(digest)
    wanted = _range(request, size)
    if wanted is None:
        return PiecesResponse(path, 0, size, 200, headers)
    start, stop = wanted
    return PiecesResponse(path, start, stop, 206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"})


def _range(request: Request, size: int) -> tuple[int, int] | None:
    """The range asked for; None for the whole (also where several are asked for, as RFC 9110 allows)."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        start, stop = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
    else:
        start, stop = max(0, size - int(found[2])), size
    if start >= stop:
        raise RegistryFault(416, "RANGE_INVALID", "invalid content range", {"Content-Range": f"bytes */{size}"})
    return start, stop

"""Layers on their way out, never whole in memory."""

import asyncio
import os
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.bulk import SENDFILE, SendFile
from api.routes.registry_auth import Caller, repository_for
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, blob_unknown
from emulator.ecr.blobs import PIECE, blobs_of, is_digest
from emulator.ecr.uploads import find_layer, promise_layer

_SMALL = 1 << 16
"""Bytes that are sooner read than handed to a thread."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class FileResponse(Response):
    """Bytes `start` to `stop` (exclusive) of an open file, which it closes.

    The kernel sends them where the server can ask it to (`api.bulk`); else one piece is read while another is sent.
    """

    def __init__(self, descriptor: int, span: tuple[int, int], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(None, status, dict(headers))
        self._descriptor, (self._start, self._stop) = descriptor, span
        self.headers["content-length"] = str(self._stop - self._start)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del receive
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            sendfile: SendFile | None = scope.get("extensions", {}).get(SENDFILE)
            if self._stop - self._start <= _SMALL:
                body = os.pread(self._descriptor, self._stop - self._start, self._start)
                await send({"type": "http.response.body", "body": body})
                return
            if sendfile is not None:
                await sendfile(self._descriptor, self._start, self._stop - self._start)
            else:
                await self._send_pieces(send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            os.close(self._descriptor)

    async def _send_pieces(self, send: Send) -> None:
        offset = self._start
        ahead = self._read(offset)
        try:
            while offset < self._stop:
                piece = await ahead
                if not piece:
                    raise OSError(f"file of a layer ends {self._stop - offset} bytes early")
                offset += len(piece)
                ahead = self._read(offset)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            await asyncio.wait({ahead})  # a thread may still be reading: the descriptor must not become another file's

    def _read(self, offset: int) -> asyncio.Task[bytes]:
        count = min(PIECE, self._stop - offset)
        return asyncio.create_task(asyncio.to_thread(os.pread, self._descriptor, count, offset))


def get_blob(request: Request, caller: Caller, name: str, digest: str) -> Response:
    """GET and HEAD of a layer, whole or one range of it."""
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest")
    with caller.transaction() as context:
        action = "BatchCheckLayerAvailability" if request.method == "HEAD" else "GetDownloadUrlForLayer"
        layer = find_layer(context, repository_for(context, name, action), digest)
        if layer is None:
            raise blob_unknown()
        if request.method == "HEAD":
            promise_layer(context, layer)
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
    wanted = _range(request, size)
    try:
        descriptor = os.open(blobs_of(caller.emulator).path(digest), os.O_RDONLY)
    except FileNotFoundError:
        raise blob_unknown() from None
    if wanted is None:
        return FileResponse(descriptor, (0, size), 200, headers)
    start, stop = wanted
    return FileResponse(descriptor, wanted, 206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"})


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

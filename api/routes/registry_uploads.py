"""Layers on their way in. While one MiB is written and hashed in an I/O thread the next arrives; no more is kept."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from sqlalchemy import select
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.routes.registry_auth import Caller
from api.routes.registry_faults import VERSION_HEADER, RegistryFault
from emulator.context import Context
from emulator.ecr.blobs import PIECE, Blobs, UploadBusyError, blobs_of, is_digest
from emulator.ecr.errors import RepositoryNotFoundException
from emulator.ecr.registry_settings import setting
from emulator.ecr.repositories import find_repository
from emulator.ecr.uploads import (
    abandon_upload,
    begin_upload,
    complete_upload,
    find_layer,
    find_upload,
    link_layer,
)
from emulator.state.ecr import ImageReferenceRow, RepositoryRow

_CONTENT_RANGE = re.compile(r"(\d+)-(\d+)")


async def post_upload(request: Request, caller: Caller, name: str) -> Response:
    """Begin an upload; mount a layer of another repository; or take the whole layer at once."""
    digest = request.query_params.get("digest")
    mount = request.query_params.get("mount", "")
    if digest is not None:
        _require_digest(digest)
    with caller.transaction() as context:
        repository = find_repository(context, name)
        if _mounted(context, repository, mount, request.query_params.get("from", "")):
            return _created(name, mount)
        upload_id = begin_upload(context, repository).id
    if digest is None:
        return _progress(name, upload_id, 0)
    return await _finish(request, caller, name, upload_id)


async def patch_upload(request: Request, caller: Caller, name: str, upload_id: str) -> Response:
    """Add what the request carries: docker's endless chunk, or a numbered one that must follow the last."""
    _require_upload(caller, name, upload_id)
    size = await _receive(request, blobs_of(caller.emulator), name, upload_id)
    return _progress(name, upload_id, size)


async def put_upload(request: Request, caller: Caller, name: str, upload_id: str) -> Response:
    """Add what the request carries and turn the upload into a layer, where its digest is right."""
    _require_upload(caller, name, upload_id)
    _require_digest(request.query_params.get("digest", ""))
    return await _finish(request, caller, name, upload_id)


def get_upload(caller: Caller, name: str, upload_id: str) -> Response:
    """How far the upload has come."""
    _require_upload(caller, name, upload_id)
    return _progress(name, upload_id, blobs_of(caller.emulator).size(upload_id), 204)


def delete_upload(caller: Caller, name: str, upload_id: str) -> Response:
    """Give the upload up."""
    with caller.transaction() as context:
        abandon_upload(context, find_upload(context, find_repository(context, name), upload_id))
    return Response(status_code=204, headers=VERSION_HEADER)


async def _finish(request: Request, caller: Caller, name: str, upload_id: str) -> Response:
    digest, blobs = request.query_params["digest"], blobs_of(caller.emulator)
    await _receive(request, blobs, name, upload_id)
    with _claimed(blobs, name, upload_id):
        calculated = await asyncio.to_thread(blobs.digest, upload_id)
        if calculated != digest:
            raise RegistryFault(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        await asyncio.to_thread(blobs.seal, upload_id)
        with caller.transaction() as context:
            complete_upload(context, name, upload_id, digest)
    return _created(name, digest)


async def _receive(request: Request, blobs: Blobs, name: str, upload_id: str) -> int:
    """Append the body; the upload's length afterwards. What arrived before a client went away stays, to be resumed."""
    with _claimed(blobs, name, upload_id):
        _check_range(request, name, upload_id, blobs.size(upload_id))
        writing: asyncio.Task[None] | None = None
        pending: list[bytes] = []
        waiting = 0
        try:
            async for chunk in request.stream():
                pending.append(chunk)
                waiting += len(chunk)
                if waiting >= PIECE:
                    if writing is not None:
                        await writing
                    writing, pending, waiting = _write(blobs, upload_id, pending), [], 0
        except ClientDisconnect as error:
            raise RegistryFault(400, "BLOB_UPLOAD_INVALID", "the client went away") from error
        finally:
            if writing is not None:
                await writing
        if waiting:
            await _write(blobs, upload_id, pending)
        return blobs.size(upload_id)


def _write(blobs: Blobs, upload_id: str, pieces: Sequence[bytes]) -> asyncio.Task[None]:
    return asyncio.create_task(asyncio.to_thread(blobs.append, upload_id, pieces))


def _check_range(request: Request, name: str, upload_id: str, size: int) -> None:
    text = request.headers.get("content-range")
    if text is None:
        return
    found = _CONTENT_RANGE.fullmatch(text)
    length = request.headers.get("content-length")
    fits = found is not None and int(found[1]) == size
    if found is not None and length is not None and int(length) != int(found[2]) - int(found[1]) + 1:
        fits = False
    if not fits:
        headers = _progress_headers(name, upload_id, size)
        raise RegistryFault(416, "RANGE_INVALID", "invalid content range", headers)


@contextmanager
def _claimed(blobs: Blobs, name: str, upload_id: str) -> Iterator[None]:
    """`Blobs.claim`, in the protocol's words: a second writer learns how far the upload has come."""
    with ExitStack() as stack:
        try:
            stack.enter_context(blobs.claim(upload_id))
        except UploadBusyError as error:
            headers = _progress_headers(name, upload_id, blobs.size(upload_id))
            raise RegistryFault(416, "RANGE_INVALID", "another request writes this upload", headers) from error
        yield


def _mounted(context: Context, repository: RepositoryRow, digest: str, source_name: str) -> bool:
    """Take a layer over from `source_name`, on ECR's terms: setting, equal encryption, and an image that uses it."""
    if not is_digest(digest) or not source_name or setting(context, "BLOB_MOUNTING") != "ENABLED":
        return False
    try:
        source = find_repository(context, source_name)
    except RepositoryNotFoundException:
        return False
    layer = find_layer(context, source, digest)
    used = context.session.scalar(
        select(ImageReferenceRow.digest)
        .where(
            ImageReferenceRow.repository_arn == source.arn,
            ImageReferenceRow.target == digest,
            ImageReferenceRow.kind == "blob",
        )
        .limit(1)
    )
    if layer is None or used is None or source.encryption != repository.encryption:
        return False
    link_layer(context, repository, digest, layer.size_bytes)
    return True


def _require_upload(caller: Caller, name: str, upload_id: str) -> None:
    with caller.transaction() as context:
        find_upload(context, find_repository(context, name), upload_id)


def _require_digest(digest: str) -> None:
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest (sha256 is supported)")


def _progress(name: str, upload_id: str, size: int, status: int = 202) -> Response:
    return Response(status_code=status, headers=_progress_headers(name, upload_id, size))


def _progress_headers(name: str, upload_id: str, size: int) -> dict[str, str]:
    return {
        **VERSION_HEADER,
        "Location": f"/v2/{quote(name)}/blobs/uploads/{upload_id}",
        "Range": f"0-{max(size - 1, 0)}",
        "Docker-Upload-UUID": upload_id,
    }


def _created(name: str, digest: str) -> Response:
    headers = {**VERSION_HEADER, "Location": f"/v2/{quote(name)}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers)

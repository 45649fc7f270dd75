"""Layers on their way in. While one MiB is written and hashed in an I/O thread the next arrives; no more is kept."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from sqlalchemy import select
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.bulk import body_parts
from api.routes.registry_auth import Caller, repository_for
from api.routes.registry_faults import VERSION_HEADER, RegistryFault
from emulator.context import Context
from emulator.ecr.access import access_of
from emulator.ecr.blobs import ALGORITHMS, Blobs, UploadBusyError, algorithm_of, blobs_of, is_digest
from emulator.ecr.registry_settings import setting
from emulator.ecr.tenants import place_of
from emulator.ecr.uploads import (
    abandon_upload,
    begin_upload,
    complete_upload,
    find_layer,
    find_upload,
    link_layer,
)
from emulator.state.ecr import ImageReferenceRow, RepositoryRow

_SMALL = 1 << 16
"""Bytes that are sooner written than handed to a thread."""
_CONTENT_RANGE = re.compile(r"(\d+)-(\d+)")


async def post_upload(request: Request, caller: Caller, name: str) -> Response:
    """Begin an upload; mount a layer of another repository; or take the whole layer at once."""
    digest = request.query_params.get("digest")
    mount = request.query_params.get("mount", "")
    if digest is not None:
        _require_digest(digest)
    _algorithm(request, digest)
    with caller.transaction() as context:
        repository = repository_for(context, name, "InitiateLayerUpload")
        if _mounted(context, repository, mount, _source(name, request.query_params.get("from"))):
            return _created(name, mount)
        upload_id = begin_upload(context, repository, _algorithm(request, digest)).id
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
        repository = repository_for(context, name, "UploadLayerPart")
        abandon_upload(context, find_upload(context, repository, upload_id))
    return Response(status_code=204, headers=VERSION_HEADER)


async def _finish(request: Request, caller: Caller, name: str, upload_id: str) -> Response:
    digest, blobs = request.query_params["digest"], blobs_of(caller.emulator)
    await _receive(request, blobs, name, upload_id)
    with _claimed(blobs, name, upload_id):
        if not await asyncio.to_thread(_sealed, blobs, upload_id, digest):
            raise RegistryFault(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        with caller.transaction() as context:
            complete_upload(context, repository_for(context, name, "CompleteLayerUpload"), upload_id, digest)
    return _created(name, digest)


def _sealed(blobs: Blobs, upload_id: str, digest: str) -> bool:
    """Whether the upload's digest is right; then it is safe on the disk. Blocks."""
    if blobs.digest(upload_id, algorithm_of(digest)) != digest:
        return False
    blobs.seal(upload_id)
    return True


async def _receive(request: Request, blobs: Blobs, name: str, upload_id: str) -> int:
    """Append the body; the upload's length afterwards. What arrived before a client went away stays, to be resumed."""
    with _claimed(blobs, name, upload_id):
        before = blobs.size(upload_id)
        expected = _expected_length(request, name, upload_id, before)
        await _append_body(request, blobs, upload_id)
        size = blobs.size(upload_id)
        if expected is not None and size - before != expected:
            await asyncio.to_thread(blobs.cut, upload_id, before)
            raise RegistryFault(400, "SIZE_INVALID", "provided length did not match content length")
        return size


async def _append_body(request: Request, blobs: Blobs, upload_id: str) -> None:
    writing: asyncio.Task[None] | None = None
    parts: list[bytes] = []
    try:
        async for more in body_parts(request):
            parts += more
            if sum(map(len, parts)) > _SMALL or not blobs.is_hashed(upload_id):
                if writing is not None:
                    await writing
                writing, parts = _write(blobs, upload_id, parts), []
    except ClientDisconnect as error:
        raise RegistryFault(400, "BLOB_UPLOAD_INVALID", "the client went away") from error
    finally:
        if writing is not None:
            await writing
        if parts:
            blobs.append(upload_id, parts)


def _write(blobs: Blobs, upload_id: str, pieces: Sequence[bytes]) -> asyncio.Task[None]:
    return asyncio.create_task(asyncio.to_thread(blobs.append, upload_id, pieces))


def _expected_length(request: Request, name: str, upload_id: str, size: int) -> int | None:
    """How many bytes a numbered chunk has; it must follow the last. None where the request does not say."""
    text = request.headers.get("content-range")
    if text is None:
        return None
    found = _CONTENT_RANGE.fullmatch(text)
    length = request.headers.get("content-length")
    expected = int(found[2]) - int(found[1]) + 1 if found is not None else 0
    if found is None or int(found[1]) != size or expected < 1 or (length is not None and int(length) != expected):
        headers = _progress_headers(name, upload_id, size)
        raise RegistryFault(416, "RANGE_INVALID", "invalid content range", headers)
    return expected


@contextmanager
def _claimed(blobs: Blobs, name: str, upload_id: str) -> Iterator[None]:
    """`Blobs.claim`, in the protocol's words: a second writer learns how far the upload has come."""
    with ExitStack() as stack:
        try:
            stack.enter_context(blobs.claim(upload_id))
        except UploadBusyError as error:
            headers = _progress_headers(name, upload_id, blobs.size(upload_id))
            raise RegistryFault(416, "RANGE_INVALID", "another request writes this upload", headers) from error
        try:
            yield
        except FileNotFoundError as error:  # cancelled meanwhile, or its repository deleted
            raise RegistryFault(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry") from error


def _source(path: str, source: str | None) -> str | None:
    """The name of the repository that a layer is to be mounted from; no repository's name for one of another registry."""
    if source is None:
        return None
    given = place_of(source)
    return given.name if given.tenant == place_of(path).tenant else ""


def _mounted(context: Context, repository: RepositoryRow, digest: str, source_name: str | None) -> bool:
    """Take a layer over on ECR's terms: the setting, equal encryption, and an image of the source that uses it.

    The source is `source_name`, or where the client names none any repository of the same registry.
    """
    if not is_digest(digest) or setting(context, "BLOB_MOUNTING") != "ENABLED":
        return False
    query = (
        select(RepositoryRow)
        .join(ImageReferenceRow, ImageReferenceRow.repository_arn == RepositoryRow.arn)
        .where(
            RepositoryRow.account == repository.account,
            RepositoryRow.region == repository.region,
            ImageReferenceRow.target == digest,
            ImageReferenceRow.kind == "blob",
        )
        .distinct()
    )
    if source_name is not None:
        query = query.where(RepositoryRow.name == source_name)
    for source in context.session.scalars(query):
        layer = find_layer(context, source, digest)
        allowed = access_of(context, source, "ecr:GetDownloadUrlForLayer").allowed
        if allowed and layer is not None and source.encryption == repository.encryption:
            link_layer(context, repository, digest, layer.size_bytes)
            return True
    return False


def _require_upload(caller: Caller, name: str, upload_id: str) -> None:
    with caller.transaction() as context:
        find_upload(context, repository_for(context, name, "UploadLayerPart"), upload_id)


def _require_digest(digest: str) -> None:
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest (sha256 and sha512 are supported)")


def _algorithm(request: Request, digest: str | None) -> str:
    """The algorithm that the upload's digest will have, as far as the client has said."""
    algorithm = request.query_params.get("digest-algorithm") or algorithm_of(digest or "sha256:")
    if algorithm not in ALGORITHMS:
        raise RegistryFault(400, "DIGEST_INVALID", "unsupported digest algorithm (sha256 and sha512 are supported)")
    return algorithm


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

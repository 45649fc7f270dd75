"""Manifests, tags and referrers of the registry."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.routes.registry_auth import Caller
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, manifest_unknown, unsupported
from api.routes.registry_names import is_tag
from emulator.ecr.blobs import is_digest
from emulator.ecr.image_deletion import delete_image
from emulator.ecr.image_ids import Failure, resolve
from emulator.ecr.images import MAX_MANIFEST, Push, record_pull, store_image
from emulator.ecr.manifests import OCI_INDEX, parse_manifest
from emulator.ecr.repositories import find_repository
from emulator.state.ecr import ImageRow, ImageTagRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

_MOST_TAGS = 1000


def get_manifest(request: Request, caller: Caller, name: str, reference: str) -> Response:
    """GET and HEAD of a manifest: the stored bytes, whatever `Accept` says. Only GET counts as a pull."""
    with caller.transaction() as context:
        found = resolve(context, find_repository(context, name), _image_id(reference))
        if isinstance(found, Failure):
            raise manifest_unknown()
        if request.method == "GET":
            record_pull(context, found)
        headers = {**VERSION_HEADER, "Docker-Content-Digest": found.digest, "ETag": f'"{found.digest}"'}
        return Response(found.manifest, headers=headers, media_type=found.media_type)


async def put_manifest(request: Request, caller: Caller, name: str, reference: str) -> Response:
    """Store a manifest under a tag, or under its digest and the tags of the query."""
    content = await _body(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip() or None
    digest = reference if is_digest(reference) else None
    tags = request.query_params.getlist("tag") if digest else [reference]
    if not all(map(is_tag, tags)):
        raise RegistryFault(400, "TAG_INVALID", "invalid tag")
    with caller.transaction() as context:
        stored = store_image(context, find_repository(context, name), Push(content, media_type, tags, digest))
    headers = {
        **VERSION_HEADER,
        "Location": f"/v2/{quote(name)}/manifests/{stored.digest}",
        "Docker-Content-Digest": stored.digest,
    }
    if stored.manifest.subject:
        headers["OCI-Subject"] = stored.manifest.subject
    if digest and tags:
        headers["OCI-Tag"] = ", ".join(tags)
    return Response(status_code=201, headers=headers)


def delete_manifest(caller: Caller, name: str, reference: str) -> Response:
    """Remove a tag, or an image with its tags."""
    with caller.transaction() as context:
        removed = delete_image(context, find_repository(context, name), _image_id(reference))
    if not isinstance(removed, Failure):
        return Response(status_code=202, headers=VERSION_HEADER)
    if removed.code == "ImageReferencedByManifestList":
        raise unsupported(removed.reason)
    raise manifest_unknown()


def list_tags(request: Request, caller: Caller, name: str) -> Response:
    """The tags in order, page by page."""
    size = _page_size(request)
    with caller.transaction() as context:
        repository = find_repository(context, name)
        query = select(ImageTagRow.tag).where(
            ImageTagRow.repository_arn == repository.arn,
            ImageTagRow.tag > request.query_params.get("last", ""),
        )
        tags = list(context.session.scalars(query.order_by(ImageTagRow.tag).limit(size + 1)))
    headers = dict(VERSION_HEADER)
    if size and len(tags) > size:
        headers["Link"] = f'</v2/{quote(name)}/tags/list?last={quote(tags[size - 1])}&n={size}>; rel="next"'
    return JSONResponse({"name": name, "tags": tags[:size]}, headers=headers)


def list_referrers(request: Request, caller: Caller, name: str, digest: str) -> Response:
    """The manifests whose subject is `digest`, whether that exists or not, as an OCI index."""
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest")
    wanted = request.query_params.get("artifactType")
    with caller.transaction() as context:
        repository = find_repository(context, name)
        query = select(ImageRow).where(ImageRow.repository_arn == repository.arn, ImageRow.subject_digest == digest)
        rows = context.session.scalars(query.order_by(ImageRow.digest))
        found = [_descriptor(row) for row in rows if wanted in {None, row.artifact_media_type}]
    headers = {**VERSION_HEADER, **({"OCI-Filters-Applied": "artifactType"} if wanted else {})}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
    return Response(orjson.dumps(index), headers=headers, media_type=OCI_INDEX)


def _descriptor(row: ImageRow) -> dict[str, Any]:
    result: dict[str, Any] = {"mediaType": row.media_type, "digest": row.digest, "size": len(row.manifest)}
    if row.artifact_media_type:
        result["artifactType"] = row.artifact_media_type
    if annotations := parse_manifest(row.manifest, row.media_type).annotations:
        result["annotations"] = annotations
    return result


def _image_id(reference: str) -> "ImageIdentifierTypeDef":
    return {"imageDigest": reference} if ":" in reference else {"imageTag": reference}


def _page_size(request: Request) -> int:
    text = request.query_params.get("n", str(_MOST_TAGS))
    if not (text.isascii() and text.isdigit()):
        raise RegistryFault(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    if int(text) > _MOST_TAGS:
        reason = f"Member must have value less than or equal to {_MOST_TAGS}"
        message = f"Invalid parameter at 'maxResults' failed to satisfy constraint: '{reason}'"
        raise RegistryFault(400, "UNSUPPORTED", message)
    return int(text)


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_MANIFEST:
            raise RegistryFault(413, "MANIFEST_INVALID", f"a manifest has {MAX_MANIFEST} bytes at most")
    return bytes(content)

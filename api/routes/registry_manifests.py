"""Manifests of the registry."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from api.routes.registry_auth import Caller, repository_for
from api.routes.registry_faults import VERSION_HEADER, RegistryFault, manifest_unknown, unsupported
from api.routes.registry_names import is_tag
from emulator.ecr.blobs import is_digest
from emulator.ecr.image_deletion import delete_image
from emulator.ecr.image_ids import Failure, resolve
from emulator.ecr.images import ARCHIVED, MAX_MANIFEST, Push, store_image
from emulator.ecr.pull_times import record_pull
from emulator.ecr.storage_classes import status_of

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef


def get_manifest(request: Request, caller: Caller, name: str, reference: str) -> Response:
    """GET and HEAD of a manifest: the stored bytes, whatever `Accept` says. Only GET counts as a pull."""
    with caller.transaction() as context:
        found = resolve(context, repository_for(context, name, "BatchGetImage"), _image_id(reference))
        if isinstance(found, Failure):
            raise manifest_unknown()
        if status_of(found, context.now) != "ACTIVE":
            raise RegistryFault(404, "MANIFEST_UNKNOWN", ARCHIVED.reason)
        if request.method == "GET":
            record_pull(context, found)
        headers = {**VERSION_HEADER, "Docker-Content-Digest": found.digest, "ETag": f'"{found.digest}"'}
        return Response(found.manifest, headers=headers, media_type=found.media_type)


async def put_manifest(request: Request, caller: Caller, name: str, reference: str) -> Response:
    """Store a manifest under a tag, or under its digest and the tags of the query."""
    content = await _body(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip() or None
    digest = reference if is_digest(reference) else None
    if digest is None and ":" in reference:
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest")
    tags = request.query_params.getlist("tag") if digest else [reference]
    if not all(map(is_tag, tags)):
        raise RegistryFault(400, "TAG_INVALID", "invalid tag")
    with caller.transaction() as context:
        stored = store_image(
            context, repository_for(context, name, "PutImage"), Push(content, media_type, tags, digest)
        )
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
        removed = delete_image(context, repository_for(context, name, "BatchDeleteImage"), _image_id(reference))
    if not isinstance(removed, Failure):
        return Response(status_code=202, headers=VERSION_HEADER)
    if removed.code == "ImageReferencedByManifestList":
        raise unsupported(removed.reason)
    raise manifest_unknown()


def _image_id(reference: str) -> "ImageIdentifierTypeDef":
    return {"imageDigest": reference} if ":" in reference else {"imageTag": reference}


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_MANIFEST:
            raise RegistryFault(413, "MANIFEST_INVALID", f"a manifest has {MAX_MANIFEST} bytes at most")
    return bytes(content)

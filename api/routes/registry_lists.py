"""What the registry lists: tags, referrers, repositories; page by page, the next page in a `Link` header."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.routes.registry_auth import Caller, repository_for
from api.routes.registry_faults import VERSION_HEADER, RegistryFault
from emulator.ecr.blobs import is_digest
from emulator.ecr.manifests import OCI_INDEX
from emulator.ecr.referrers import Referrer, Wanted, referrers_of
from emulator.iam.checks import Check
from emulator.iam.enforcement import require
from emulator.state.ecr import ImageTagRow, RepositoryRow

_MOST = 1000


def list_tags(request: Request, caller: Caller, name: str) -> Response:
    """The tags in order."""
    size = _page_size(request)
    with caller.transaction() as context:
        repository = repository_for(context, name, "ListImages")
        query = select(ImageTagRow.tag).where(
            ImageTagRow.repository_arn == repository.arn,
            ImageTagRow.tag > request.query_params.get("last", ""),
        )
        tags = list(context.session.scalars(query.order_by(ImageTagRow.tag).limit(size + 1)))
    headers = _next(f"/v2/{quote(name)}/tags/list", tags, size)
    return JSONResponse({"name": name, "tags": tags[:size]}, headers=headers)


def list_catalog(request: Request, caller: Caller) -> Response:
    """The repositories of the caller's registry in order; that ECR answers this is (unconfirmed)."""
    size = _page_size(request)
    with caller.transaction() as context:
        require(context, Check("ecr:DescribeRepositories", context.arn("ecr", "repository/*")))  # (unconfirmed)
        query = select(RepositoryRow.name).where(
            RepositoryRow.account == context.account,
            RepositoryRow.region == context.region,
            RepositoryRow.name > request.query_params.get("last", ""),
        )
        names = list(context.session.scalars(query.order_by(RepositoryRow.name).limit(size + 1)))
    return JSONResponse({"repositories": names[:size]}, headers=_next("/v2/_catalog", names, size))


def list_referrers(request: Request, caller: Caller, name: str, digest: str) -> Response:
    """The manifests whose subject is `digest`, whether that exists or not, as an OCI index."""
    if not is_digest(digest):
        raise RegistryFault(400, "DIGEST_INVALID", "invalid digest")
    kinds = request.query_params.getlist("artifactType")
    size = _page_size(request)
    wanted = Wanted(kinds, after=request.query_params.get("last", ""), limit=size)
    with caller.transaction() as context:
        found, more = referrers_of(context, repository_for(context, name, "BatchGetImage"), digest, wanted)
    headers = {**VERSION_HEADER, **({"OCI-Filters-Applied": "artifactType"} if kinds else {})}
    if more and found:
        query = urlencode([("last", found[-1].digest), ("n", size), *(("artifactType", kind) for kind in kinds)])
        headers["Link"] = f'</v2/{quote(name)}/referrers/{digest}?{query}>; rel="next"'
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(referrer) for referrer in found]}
    return Response(orjson.dumps(index), headers=headers, media_type=OCI_INDEX)


def _descriptor(referrer: Referrer) -> Mapping[str, Any]:
    result: dict[str, Any] = {
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size,
    }
    if referrer.artifact_type:
        result["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        result["annotations"] = referrer.annotations
    return result


def _next(path: str, found: list[str], size: int) -> dict[str, str]:
    """The headers of a page; `found` has one entry more than the page where there is another page."""
    headers = dict(VERSION_HEADER)
    if size and len(found) > size:
        headers["Link"] = f'<{path}?last={quote(found[size - 1], safe="")}&n={size}>; rel="next"'
    return headers


def _page_size(request: Request) -> int:
    text = request.query_params.get("n", str(_MOST))
    if not (text.isascii() and text.isdigit()):
        raise RegistryFault(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    if int(text) > _MOST:
        reason = f"Member must have value less than or equal to {_MOST}"
        message = f"Invalid parameter at 'maxResults' failed to satisfy constraint: '{reason}'"
        raise RegistryFault(400, "UNSUPPORTED", message)
    return int(text)

"""Public repositories and their catalog data."""

import base64
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr import repositories as private
from emulator.ecr.errors import RepositoryAlreadyExistsException, invalid
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.ecr.public_names import PUBLIC_REGION, public_arn, public_uri
from emulator.ecr.repositories import find_repository, is_name
from emulator.ecr.repository_tags import checked_tags
from emulator.ecr_public.errors import RepositoryCatalogDataNotFoundException
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import CatalogRow

_LONGEST = 205


def create_repository(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """CreateRepository."""
    name = request["repositoryName"]
    if not is_name(name) or len(name) > _LONGEST:
        pattern = "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*"
        raise invalid("repositoryName", f"must satisfy regular expression '{pattern}'")
    tags = checked_tags(request.get("tags", ()))
    arn = public_arn(context.account, name)
    if context.session.get(RepositoryRow, arn) is not None:
        raise RepositoryAlreadyExistsException(name, context.account)
    row = RepositoryRow(
        arn=arn,
        account=context.account,
        region=PUBLIC_REGION,
        name=name,
        created_at=context.now,
        tag_mutability="MUTABLE",
        exclusion_filters=[],
        scan_on_push=False,
        encryption={"encryptionType": "AES256"},
        tags=tags,
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, arn, {"status": "CREATED"})
    result: dict[str, Any] = {"repository": describe_repository(context, row), "catalogData": {}}
    if "catalogData" in request:
        result["catalogData"] = _keep_catalog(context, arn, request["catalogData"])
    return result


def delete_repository(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteRepository."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    shown = describe_repository(context, row)
    force = request.get("force", False)
    private.delete_repository(context, {"repositoryName": row.name, "registryId": row.account, "force": force})
    return {"repository": shown}


def describe_repositories(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeRepositories: those named, or a page of all by name."""
    if names := request.get("repositoryNames"):
        if "nextToken" in request or "maxResults" in request:
            raise invalid("repositoryNames", "must not be given together with nextToken or maxResults")  # (unconfirmed)
        rows = [find_repository(context, name, context.account) for name in dict.fromkeys(names)]
        return {"repositories": [describe_repository(context, row) for row in rows]}
    size = request.get("maxResults", MAX_PAGE)
    query = select(RepositoryRow).where(
        RepositoryRow.account == context.account,
        RepositoryRow.region == PUBLIC_REGION,
        RepositoryRow.name > (page_start(request.get("nextToken")) or ""),
    )
    found = context.session.scalars(query.order_by(RepositoryRow.name).limit(size + 1)).all()
    result: dict[str, Any] = {"repositories": [describe_repository(context, row) for row in found[:size]]}
    return {**result, "nextToken": encode_token(found[size - 1].name)} if len(found) > size else result


def get_repository_catalog_data(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """GetRepositoryCatalogData."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    catalog = context.session.get(CatalogRow, row.arn)
    if catalog is None:
        raise RepositoryCatalogDataNotFoundException(row.name, row.account)
    return {"catalogData": _describe_catalog(catalog.document)}


def put_repository_catalog_data(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """PutRepositoryCatalogData: replaces what there was."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    return {"catalogData": _keep_catalog(context, row.arn, request["catalogData"])}


def describe_repository(context: Context, row: RepositoryRow) -> dict[str, Any]:
    """A repository as the API shows it; its URI is this server's own port."""
    return {
        "repositoryArn": row.arn,
        "registryId": row.account,
        "repositoryName": row.name,
        "repositoryUri": public_uri(context.emulator.port, row.account, row.name),
        "createdAt": row.created_at,
    }


def _keep_catalog(context: Context, arn: str, data: dict[str, Any]) -> dict[str, Any]:
    document = dict(data)
    if logo := document.pop("logoImageBlob", None):
        document["logo"] = base64.b64encode(logo).decode()
    context.session.merge(CatalogRow(repository_arn=arn, document=document))
    return _describe_catalog(document)


def _describe_catalog(document: dict[str, Any]) -> dict[str, Any]:
    """Without `logoUrl`: the logo is kept, but nothing serves it."""
    return {name: value for name, value in document.items() if name != "logo"} | {"marketplaceCertified": False}

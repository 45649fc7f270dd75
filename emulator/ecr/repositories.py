"""Repositories: made, shown, deleted. Deleting one takes its images with it and the files of layers nobody else has."""

import re
import uuid
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from sqlalchemy import delete, select

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecr.blobs import blobs_of
from emulator.ecr.errors import (
    RepositoryAlreadyExistsException,
    RepositoryNotEmptyException,
    RepositoryNotFoundException,
    invalid,
)
from emulator.ecr.mutability import checked_mutability
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.ecr.public_names import PUBLIC_REGION, public_arn
from emulator.ecr.repository_tags import checked_tags
from emulator.ecr.tenants import Tenant, path_of
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.ecr import (
    ImageReferenceRow,
    ImageRow,
    ImageTagRow,
    LayerRow,
    LayerUploadRow,
    RepositoryRow,
)
from emulator.state.ecr_registry import (
    CatalogRow,
    GoneSubjectRow,
    ImageScanRow,
    LifecyclePolicyRow,
    LifecyclePreviewRow,
    PolicyRow,
    PulledThroughRow,
    ReplicationRow,
    SigningRow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_ecr.type_defs import (
        CreateRepositoryRequestTypeDef,
        DeleteRepositoryRequestTypeDef,
        DescribeRepositoriesRequestTypeDef,
        EncryptionConfigurationTypeDef,
        PutImageTagMutabilityRequestTypeDef,
        RepositoryTypeDef,
    )

_CONTENT = (
    *(ImageRow, ImageTagRow, ImageReferenceRow, LayerRow, LayerUploadRow, ImageScanRow, ReplicationRow, SigningRow),
    *(LifecyclePolicyRow, LifecyclePreviewRow, PulledThroughRow, CatalogRow, GoneSubjectRow),
)
"""The tables whose rows go with their repository."""

_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
_NAME_PATTERN = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*")


class RepositoryResult(TypedDict):
    """One repository."""

    repository: "RepositoryTypeDef"


class DescribeRepositoriesResult(TypedDict):
    """A page of repositories."""

    repositories: "list[RepositoryTypeDef]"
    nextToken: NotRequired[str]


class PutImageTagMutabilityResult(TypedDict):
    """The repository's new mode."""

    registryId: str
    repositoryName: str
    imageTagMutability: str
    imageTagMutabilityExclusionFilters: NotRequired[list[dict[str, Any]]]


def is_name(name: str) -> bool:
    """Whether a repository may be called `name`."""
    return 2 <= len(name) <= 256 and _NAME_PATTERN.fullmatch(name) is not None


def find_repository(context: Context, name: str, registry_id: str | None = None) -> RepositoryRow:
    """The repository called `name`, of the caller's registry or of another: `access` judges whether it may be used.

    Raises:
        RepositoryNotFoundException: there is none.

    """
    account = registry_id or context.account
    if context.region == PUBLIC_REGION:
        arn = public_arn(account, name)
    else:
        arn = make_arn("ecr", context.region, account, f"repository/{name}")
    row = context.session.get(RepositoryRow, arn)
    if row is None:
        raise RepositoryNotFoundException(name, account)
    return row


def create_repository(context: Context, request: "CreateRepositoryRequestTypeDef") -> RepositoryResult:
    """CreateRepository."""
    name = request["repositoryName"]
    if not is_name(name):
        raise invalid("repositoryName", f"must satisfy regular expression '{_NAME}'")
    if request.get("registryId", context.account) != context.account:
        raise invalid("registryId", "must be the registry of the caller")  # (unconfirmed)
    mutability, filters = checked_mutability(
        request.get("imageTagMutability", "MUTABLE"), request.get("imageTagMutabilityExclusionFilters", ())
    )
    tags = checked_tags(request.get("tags", ()))
    arn = context.arn("ecr", f"repository/{name}")
    if context.session.get(RepositoryRow, arn) is not None:
        raise RepositoryAlreadyExistsException(name, context.account)
    row = RepositoryRow(
        arn=arn,
        account=context.account,
        region=context.region,
        name=name,
        created_at=context.now,
        tag_mutability=mutability,
        exclusion_filters=filters,
        scan_on_push=request.get("imageScanningConfiguration", {}).get("scanOnPush", False),
        encryption=_encryption(context, request.get("encryptionConfiguration")),
        tags=tags,
    )
    context.session.add(row)
    context.record(Kind.STATE_CHANGE, arn, {"status": "CREATED"})
    return {"repository": describe_repository(context, row)}


def describe_repositories(
    context: Context, request: "DescribeRepositoriesRequestTypeDef"
) -> DescribeRepositoriesResult:
    """DescribeRepositories: those named, in the order named, or a page of all by name."""
    if names := request.get("repositoryNames"):
        if "nextToken" in request or "maxResults" in request:
            raise invalid("repositoryNames", "must not be given together with nextToken or maxResults")  # (unconfirmed)
        rows: Sequence[RepositoryRow] = [
            find_repository(context, name, request.get("registryId")) for name in dict.fromkeys(names)
        ]
        return {"repositories": [describe_repository(context, row) for row in rows]}
    if request.get("registryId", context.account) != context.account:
        return {"repositories": []}
    size = request.get("maxResults", MAX_PAGE)
    query = select(RepositoryRow).where(
        RepositoryRow.account == context.account,
        RepositoryRow.region == context.region,
        RepositoryRow.name > (page_start(request.get("nextToken")) or ""),
    )
    rows = context.session.scalars(query.order_by(RepositoryRow.name).limit(size + 1)).all()
    result: DescribeRepositoriesResult = {"repositories": [describe_repository(context, row) for row in rows[:size]]}
    if len(rows) > size:
        result["nextToken"] = encode_token(rows[size - 1].name)
    return result


def delete_repository(context: Context, request: "DeleteRepositoryRequestTypeDef") -> RepositoryResult:
    """DeleteRepository."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    has_images = context.session.scalar(select(ImageRow.digest).where(ImageRow.repository_arn == row.arn).limit(1))
    if has_images and not request.get("force", False):
        raise RepositoryNotEmptyException(row.name, row.account)
    result = describe_repository(context, row)
    _delete_content(context, row.arn)
    context.session.delete(row)
    context.record(Kind.STATE_CHANGE, row.arn, {"status": "DELETED"})
    return {"repository": result}


def put_image_tag_mutability(
    context: Context, request: "PutImageTagMutabilityRequestTypeDef"
) -> PutImageTagMutabilityResult:
    """PutImageTagMutability. Tags that are there stay as they are; only later pushes are judged by the new mode."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    row.tag_mutability, row.exclusion_filters = checked_mutability(
        request["imageTagMutability"], request.get("imageTagMutabilityExclusionFilters", ())
    )
    result: PutImageTagMutabilityResult = {
        "registryId": row.account,
        "repositoryName": row.name,
        "imageTagMutability": row.tag_mutability,
    }
    if row.exclusion_filters:
        result["imageTagMutabilityExclusionFilters"] = row.exclusion_filters
    return result


def describe_repository(context: Context, row: RepositoryRow) -> "RepositoryTypeDef":
    """A repository as the API shows it. Its URI is this server's own port: docker trusts `localhost` as it is.

    Who looks from another account is shown the URI that names the registry, too.
    """
    own = row.account == context.account
    path = row.name if own else path_of(Tenant(row.account, row.region), row.name)
    result: RepositoryTypeDef = {
        "repositoryArn": row.arn,
        "registryId": row.account,
        "repositoryName": row.name,
        "repositoryUri": f"localhost:{context.emulator.port}/{path}",
        "createdAt": row.created_at,
        "imageTagMutability": cast("RepositoryTypeDef", {"imageTagMutability": row.tag_mutability})[
            "imageTagMutability"
        ],
        "imageScanningConfiguration": {"scanOnPush": row.scan_on_push},
        "encryptionConfiguration": cast("EncryptionConfigurationTypeDef", row.encryption),
    }
    if row.exclusion_filters:
        result["imageTagMutabilityExclusionFilters"] = cast(
            "RepositoryTypeDef", {"imageTagMutabilityExclusionFilters": row.exclusion_filters}
        )["imageTagMutabilityExclusionFilters"]
    return result


def _encryption(context: Context, wanted: "EncryptionConfigurationTypeDef | None") -> dict[str, str]:
    """The configuration with its key: AWS fills in the managed key `alias/aws/ecr`, one for each account and region."""
    if wanted is None:
        return {"encryptionType": "AES256"}
    kind = wanted["encryptionType"]
    if kind == "AES256":
        if "kmsKey" in wanted:
            raise invalid("kmsKey", "must not be given with the encryption type AES256")  # (unconfirmed)
        return {"encryptionType": kind}
    managed = uuid.uuid5(uuid.NAMESPACE_URL, f"alias/aws/ecr/{context.account}/{context.region}")
    return {"encryptionType": kind, "kmsKey": wanted.get("kmsKey") or context.arn("kms", f"key/{managed}")}


def _delete_content(context: Context, arn: str) -> None:
    session, blobs = context.session, blobs_of(context.emulator)
    own = select(LayerRow.digest).where(LayerRow.repository_arn == arn)
    digests = session.scalars(own).all()
    shared = set(
        session.scalars(select(LayerRow.digest).where(LayerRow.repository_arn != arn, LayerRow.digest.in_(own)))
    )
    uploads = session.scalars(select(LayerUploadRow.id).where(LayerUploadRow.repository_arn == arn)).all()
    for table in _CONTENT:
        session.execute(delete(table).where(table.repository_arn == arn))

    def remove_files() -> None:
        for digest in digests:
            if digest not in shared:
                blobs.remove(digest)
        for upload in uploads:
            blobs.discard(upload)

    session.execute(delete(PolicyRow).where(PolicyRow.subject == arn))
    context.after_commit(remove_files)

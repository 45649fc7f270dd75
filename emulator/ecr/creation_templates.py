"""Repository creation templates: what repositories get that the service makes itself.

The longest prefix that holds whole path segments wins; `ROOT` holds everything. Settings are copied when the repository is
made, later changes of the template do not reach it.
"""

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict, cast

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecr.access import AccessDeniedException, registry_access_of
from emulator.ecr.errors import (
    LimitExceededException,
    RepositoryNotFoundException,
    TemplateAlreadyExistsException,
    TemplateNotFoundException,
    ValidationException,
)
from emulator.ecr.lifecycle_policies import check_lifecycle_policy, give_lifecycle_policy
from emulator.ecr.mutability import checked_mutability
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.ecr.repositories import create_repository, find_repository
from emulator.ecr.repository_policies import checked_policy
from emulator.ecr.repository_tags import checked_tags
from emulator.pagination import encode_token
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import CreationTemplateRow, PolicyRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        CreateRepositoryRequestTypeDef,
        DeleteRepositoryCreationTemplateRequestTypeDef,
        DescribeRepositoryCreationTemplatesRequestTypeDef,
    )

Purpose = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]
_MOST = 50  # (unconfirmed)
_ROOT = "ROOT"
_DEFAULTS = {"imageTagMutability": "MUTABLE", "encryptionConfiguration": {"encryptionType": "AES256"}}


class TemplateResult(TypedDict):
    """One template."""

    registryId: str
    repositoryCreationTemplate: dict[str, Any]


class DescribeTemplatesResult(TypedDict):
    """A page of templates."""

    registryId: str
    repositoryCreationTemplates: list[dict[str, Any]]
    nextToken: NotRequired[str]


def create_repository_creation_template(context: Context, request: dict[str, Any]) -> TemplateResult:
    """CreateRepositoryCreationTemplate."""
    prefix = request["prefix"]
    if _find(context, prefix) is not None:
        raise TemplateAlreadyExistsException(prefix, context.account)
    here = (CreationTemplateRow.account == context.account, CreationTemplateRow.region == context.region)
    if (context.session.scalar(select(func.count()).select_from(CreationTemplateRow).where(*here)) or 0) >= _MOST:
        raise LimitExceededException(f"A registry has at most {_MOST} repository creation templates.")  # (unconfirmed)
    document = _checked({**_DEFAULTS, **request})
    row = CreationTemplateRow(
        account=context.account,
        region=context.region,
        prefix=prefix,
        document=document,
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    return _result(context, row)


def update_repository_creation_template(context: Context, request: dict[str, Any]) -> TemplateResult:
    """UpdateRepositoryCreationTemplate: members that are given replace those that were."""
    row = _require(context, request["prefix"])
    row.document, row.updated_at = _checked({**row.document, **request}), context.now
    return _result(context, row)


def delete_repository_creation_template(
    context: Context, request: "DeleteRepositoryCreationTemplateRequestTypeDef"
) -> TemplateResult:
    """DeleteRepositoryCreationTemplate."""
    row = _require(context, request["prefix"])
    context.session.delete(row)
    context.session.flush()
    return _result(context, row)


def describe_repository_creation_templates(
    context: Context, request: "DescribeRepositoryCreationTemplatesRequestTypeDef"
) -> DescribeTemplatesResult:
    """DescribeRepositoryCreationTemplates: prefixes without a template are left out."""
    size = request.get("maxResults", MAX_PAGE)
    query = select(CreationTemplateRow).where(
        CreationTemplateRow.account == context.account,
        CreationTemplateRow.region == context.region,
        CreationTemplateRow.prefix > (page_start(request.get("nextToken")) or ""),
    )
    if prefixes := request.get("prefixes"):
        query = query.where(CreationTemplateRow.prefix.in_(prefixes))
    rows = context.session.scalars(query.order_by(CreationTemplateRow.prefix).limit(size + 1)).all()
    result: DescribeTemplatesResult = {
        "registryId": context.account,
        "repositoryCreationTemplates": [_describe(row) for row in rows[:size]],
    }
    if len(rows) > size:
        result["nextToken"] = encode_token(rows[size - 1].prefix)
    return result


def ensure_repository(context: Context, name: str, purpose: Purpose) -> RepositoryRow:
    """The repository called `name`, made now where it is missing. `CREATE_ON_PUSH` needs a template that allows it.

    Raises:
        RepositoryNotFoundException: no template lets a push make it.
        AccessDeniedException: a caller of another account may not make repositories here.

    """
    try:
        return find_repository(context, name)
    except RepositoryNotFoundException:
        template = _template_for(context, name, purpose)
        if template is None and purpose == "CREATE_ON_PUSH":
            raise
    if purpose == "CREATE_ON_PUSH":
        allowed = registry_access_of(context, context.account, context.region, "ecr:CreateRepository", name)
        if not allowed.allowed:
            raise AccessDeniedException(allowed.reason)
    document = template.document if template is not None else {}
    chosen: dict[str, Any] = {
        member: document[member]
        for member in ("imageTagMutability", "imageTagMutabilityExclusionFilters", "encryptionConfiguration")
        if member in document
    }
    request: dict[str, Any] = {"repositoryName": name, "tags": document.get("resourceTags", []), **chosen}
    create_repository(context, cast("CreateRepositoryRequestTypeDef", request))
    context.session.flush()
    repository = find_repository(context, name)
    if policy := document.get("repositoryPolicy"):
        context.session.merge(PolicyRow(subject=repository.arn, text=checked_policy(policy)))
    if lifecycle := document.get("lifecyclePolicy"):
        give_lifecycle_policy(context, repository, lifecycle)
    return repository


def holds(prefix: str, name: str) -> bool:
    """Whether repositories called `name` are below `prefix`: by whole path segments."""
    return prefix == _ROOT or name.startswith(prefix.rstrip("/") + "/")


def _template_for(context: Context, name: str, purpose: Purpose) -> CreationTemplateRow | None:
    query = select(CreationTemplateRow).where(
        CreationTemplateRow.account == context.account, CreationTemplateRow.region == context.region
    )
    found = [row for row in context.session.scalars(query) if holds(row.prefix, name)]
    fitting = [row for row in found if purpose in row.document["appliedFor"]]
    return max(fitting, key=lambda row: 0 if row.prefix == _ROOT else len(row.prefix), default=None)


def _checked(request: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a request, once each part is what the repository will need."""
    document = {name: value for name, value in request.items() if name != "prefix" and value not in (None, "")}
    checked_mutability(document["imageTagMutability"], document.get("imageTagMutabilityExclusionFilters", ()))
    checked_tags(document.get("resourceTags", ()))
    if policy := document.get("repositoryPolicy"):
        checked_policy(policy)
    if lifecycle := document.get("lifecyclePolicy"):
        check_lifecycle_policy(lifecycle)
    if not document.get("appliedFor"):
        raise ValidationException("appliedFor must have at least one value.")  # (unconfirmed)
    encrypted = document["encryptionConfiguration"]["encryptionType"] != "AES256"
    if (encrypted or document.get("resourceTags")) and "customRoleArn" not in document:
        raise ValidationException("A custom role is needed for KMS encryption or resource tags.")  # (unconfirmed)
    return document


def _find(context: Context, prefix: str) -> CreationTemplateRow | None:
    return context.session.get(CreationTemplateRow, (context.account, context.region, prefix))


def _require(context: Context, prefix: str) -> CreationTemplateRow:
    row = _find(context, prefix)
    if row is None:
        raise TemplateNotFoundException(prefix, context.account)
    return row


def _describe(row: CreationTemplateRow) -> dict[str, Any]:
    return {"prefix": row.prefix, **row.document, "createdAt": row.created_at, "updatedAt": row.updated_at}


def _result(context: Context, row: CreationTemplateRow) -> TemplateResult:
    return {"registryId": context.account, "repositoryCreationTemplate": _describe(row)}

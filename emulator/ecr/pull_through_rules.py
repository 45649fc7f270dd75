"""Pull-through cache rules: which upstream registry the repositories below a prefix are copies of.

AWS takes nine registries; here any that can be reached is taken, so that a second local registry can play the upstream.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.creation_templates import holds
from emulator.ecr.errors import (
    LimitExceededException,
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    SecretNotFoundException,
    UnableToAccessSecretException,
    UnsupportedUpstreamRegistryException,
    ValidationException,
)
from emulator.ecr.pages import MAX_PAGE, page_start
from emulator.emulator import Emulator
from emulator.errors import AwsError
from emulator.pagination import encode_token
from emulator.state.ecr_registry import PullThroughCacheRuleRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        CreatePullThroughCacheRuleRequestTypeDef,
        DeletePullThroughCacheRuleRequestTypeDef,
        DescribePullThroughCacheRulesRequestTypeDef,
        UpdatePullThroughCacheRuleRequestTypeDef,
        ValidatePullThroughCacheRuleRequestTypeDef,
    )

ROOT = "ROOT"
_UPSTREAM = re.compile(r"(?:https?://)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?/?")
"""`HOST[:PORT]` of a registry, which may say how it is spoken to."""
_MOST = 50
_KNOWN = {
    "ecr-public": "public.ecr.aws",
    "k8s": "registry.k8s.io",
    "quay": "quay.io",
    "docker-hub": "registry-1.docker.io",
    "github-container-registry": "ghcr.io",
    "gitlab-container-registry": "registry.gitlab.com",
    "chainguard": "cgr.dev",
}
_SECRET_NEEDED = {
    *("docker-hub", "github-container-registry", "gitlab-container-registry", "azure-container-registry"),
}


class DescribeRulesResult(TypedDict):
    """A page of rules."""

    pullThroughCacheRules: list[dict[str, Any]]
    nextToken: NotRequired[str]


def create_pull_through_cache_rule(
    context: Context, request: "CreatePullThroughCacheRuleRequestTypeDef"
) -> dict[str, Any]:
    """CreatePullThroughCacheRule (texts unconfirmed)."""
    prefix = request["ecrRepositoryPrefix"].rstrip("/")
    rules = rules_of(context, context.account, context.region)
    for rule in rules:
        if rule.prefix == prefix or (ROOT not in {rule.prefix, prefix} and _overlap(rule.prefix, prefix)):
            raise PullThroughCacheRuleAlreadyExistsException(rule.prefix, context.account)
    if len(rules) >= _MOST:
        raise LimitExceededException(f"A registry has at most {_MOST} pull through cache rules.")
    url, kind = (
        request["upstreamRegistryUrl"],
        request.get("upstreamRegistry") or _kind_of(request["upstreamRegistryUrl"]),
    )
    if not _UPSTREAM.fullmatch(url):
        raise UnsupportedUpstreamRegistryException(f"The upstream registry URL {url} is not supported.")
    if kind in _KNOWN and _KNOWN[kind] != url:
        raise UnsupportedUpstreamRegistryException(
            f"The upstream registry {kind} has the URL {_KNOWN[kind]}, not {url}."
        )
    secret = request.get("credentialArn")
    if kind in _SECRET_NEEDED and secret is None:
        raise ValidationException(f"The upstream registry {kind} needs a credentialArn.")
    if secret is not None:
        credentials_of(context.emulator, secret)
    row = PullThroughCacheRuleRow(
        account=context.account,
        region=context.region,
        prefix=prefix,
        upstream_url=url,
        upstream_registry=kind,
        upstream_prefix=request.get("upstreamRepositoryPrefix", ROOT).rstrip("/"),
        credential_arn=secret,
        custom_role_arn=request.get("customRoleArn"),
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    return _describe(row, "createdAt")


def describe_pull_through_cache_rules(
    context: Context, request: "DescribePullThroughCacheRulesRequestTypeDef"
) -> DescribeRulesResult:
    """DescribePullThroughCacheRules: those named, which must exist, or a page of all."""
    if prefixes := request.get("ecrRepositoryPrefixes"):
        named = [_require(context, prefix) for prefix in dict.fromkeys(prefixes)]
        return {"pullThroughCacheRules": [_describe(row, "createdAt", "updatedAt") for row in named]}
    after, size = page_start(request.get("nextToken")) or "", request.get("maxResults", MAX_PAGE)
    rows = [row for row in rules_of(context, context.account, context.region) if row.prefix > after]
    result: DescribeRulesResult = {
        "pullThroughCacheRules": [_describe(row, "createdAt", "updatedAt") for row in rows[:size]]
    }
    if len(rows) > size:
        result["nextToken"] = encode_token(rows[size - 1].prefix)
    return result


def update_pull_through_cache_rule(
    context: Context, request: "UpdatePullThroughCacheRuleRequestTypeDef"
) -> dict[str, Any]:
    """UpdatePullThroughCacheRule."""
    row = _require(context, request["ecrRepositoryPrefix"])
    if secret := request.get("credentialArn"):
        credentials_of(context.emulator, secret)
        row.credential_arn = secret
    row.custom_role_arn = request.get("customRoleArn", row.custom_role_arn)
    row.updated_at = context.now
    shown = _describe(row, "updatedAt")
    return {name: shown[name] for name in shown if name not in {"upstreamRegistryUrl", "upstreamRegistry"}}


def delete_pull_through_cache_rule(
    context: Context, request: "DeletePullThroughCacheRuleRequestTypeDef"
) -> dict[str, Any]:
    """DeletePullThroughCacheRule. What has been cached stays."""
    row = _require(context, request["ecrRepositoryPrefix"])
    context.session.delete(row)
    context.session.flush()
    shown = _describe(row, "createdAt")
    return {name: shown[name] for name in shown if name != "upstreamRegistry"}


def validate_pull_through_cache_rule(
    context: Context, request: "ValidatePullThroughCacheRuleRequestTypeDef"
) -> dict[str, Any]:
    """ValidatePullThroughCacheRule: whether its secret can be used. The upstream itself is not asked in a request."""
    row = _require(context, request["ecrRepositoryPrefix"])
    shown = {name: value for name, value in _describe(row).items() if name != "upstreamRegistry"}
    try:
        if row.credential_arn is not None:
            credentials_of(context.emulator, row.credential_arn)
    except AwsError as error:
        return {**shown, "isValid": False, "failure": error.message}
    return {**shown, "isValid": True}


def rules_of(context: Context, account: str, region: str) -> list[PullThroughCacheRuleRow]:
    """The rules of a registry, by prefix."""
    query = select(PullThroughCacheRuleRow).where(
        PullThroughCacheRuleRow.account == account, PullThroughCacheRuleRow.region == region
    )
    return list(context.session.scalars(query.order_by(PullThroughCacheRuleRow.prefix)))


def rule_for(context: Context, name: str) -> PullThroughCacheRuleRow | None:
    """The rule whose prefix holds the repository `name`; `ROOT` where no other does."""
    rules = [rule for rule in rules_of(context, context.account, context.region) if holds(rule.prefix, name)]
    return max(rules, key=lambda rule: 0 if rule.prefix == ROOT else len(rule.prefix), default=None)


def upstream_name(rule: PullThroughCacheRuleRow, name: str) -> str:
    """What the repository is called upstream."""
    rest = name if rule.prefix == ROOT else name[len(rule.prefix) + 1 :]
    return rest if rule.upstream_prefix == ROOT else f"{rule.upstream_prefix}/{rest}"


def credentials_of(emulator: Emulator, secret_arn: str) -> tuple[str, str]:
    """The user and the password that a secret holds: `{"username": …, "accessToken": …}`.

    Raises:
        SecretNotFoundException: there is no such secret.
        UnableToAccessSecretException: it holds something else.

    """
    arn = parse_arn(secret_arn)
    text = emulator.neighbours.secret(arn.account, arn.region, secret_arn, "", "") if arn else None
    if text is None:
        raise SecretNotFoundException(f"The secret '{secret_arn}' does not exist.")  # (unconfirmed wording)
    try:
        document = json.loads(text)
        return str(document["username"]), str(document["accessToken"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnableToAccessSecretException(
            f"The secret '{secret_arn}' must hold a JSON object with username and accessToken."  # (unconfirmed wording)
        ) from error


def _overlap(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _kind_of(url: str) -> str | None:
    """The registry that a URL belongs to; None for one that AWS does not know."""
    if url.endswith(".azurecr.io"):
        return "azure-container-registry"
    if ".dkr.ecr." in url:
        return "ecr"
    return next((kind for kind, known in _KNOWN.items() if known == url), None)


def _require(context: Context, prefix: str) -> PullThroughCacheRuleRow:
    row = context.session.get(PullThroughCacheRuleRow, (context.account, context.region, prefix.rstrip("/")))
    if row is None:
        raise PullThroughCacheRuleNotFoundException(prefix, context.account)
    return row


def _describe(row: PullThroughCacheRuleRow, *times: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ecrRepositoryPrefix": row.prefix,
        "upstreamRegistryUrl": row.upstream_url,
        "registryId": row.account,
        "upstreamRepositoryPrefix": row.upstream_prefix,
        "upstreamRegistry": row.upstream_registry,
        "credentialArn": row.credential_arn,
        "customRoleArn": row.custom_role_arn,
        "createdAt": row.created_at if "createdAt" in times else None,
        "updatedAt": row.updated_at if "updatedAt" in times else None,
    }
    return {name: value for name, value in shown.items() if value is not None}

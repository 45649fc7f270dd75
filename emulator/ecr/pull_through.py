"""Pulls images through from an upstream registry, when the registry's route is asked for one that is not here yet.

The first pull makes the repository and imports the manifest, those that an index names, and all layers, before it is
answered. A tag is compared with the upstream's at most once in 24 hours; where the upstream fails, the cached image is
served. Several pulls of one image wait for the same import.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.access import AccessDeniedException, registry_access_of
from emulator.ecr.blobs import PIECE, Blobs, algorithm_of, blobs_of
from emulator.ecr.creation_templates import ensure_repository
from emulator.ecr.errors import ImageTagAlreadyExistsException, UnableToGetUpstreamImageException
from emulator.ecr.events import tell
from emulator.ecr.images import Push, store_image
from emulator.ecr.manifests import parse_manifest
from emulator.ecr.pull_through_rules import credentials_of, rule_for, upstream_name
from emulator.ecr.tenants import tenant_of_host
from emulator.ecr.tokens import LIFETIME, USER, Claims, sign
from emulator.ecr.uploads import begin_upload, complete_upload, find_layer
from emulator.ecr.upstream import Upstream, UpstreamError, UpstreamManifest
from emulator.emulator import Emulator
from emulator.iam.callers import Caller
from emulator.state.ecr import ImageRow, ImageTagRow, RepositoryRow
from emulator.state.ecr_registry import PulledThroughRow, PullThroughCacheRuleRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

IMPORTER = "Service:pullthroughcache.ecr.amazonaws.com"
_RECHECK = timedelta(hours=24)
_LOCKS: "WeakValueDictionary[tuple[int, str, str], asyncio.Lock]" = WeakValueDictionary()
"""One import at a time of one reference of one repository of one server."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody pulls."""

    account: str
    region: str
    principal: str
    name: str
    reference: str
    """A tag or a digest."""
    caller: Caller | None = None
    """The principal with its permissions, where these are asked."""


@dataclass(frozen=True, slots=True)
class _Import:
    """What is to be asked of whom."""

    wanted: Wanted
    upstream: Upstream
    name: str
    """The repository's name upstream."""
    cached: str | None
    """The digest that is here already."""


async def fetch(emulator: Emulator, wanted: Wanted) -> None:
    """See that the image is here, if a rule says where it comes from and it has not been compared lately.

    Raises:
        UnableToGetUpstreamImageException: the upstream failed, and nothing is cached.
        AccessDeniedException: the caller may not import into another account's registry.

    """
    if _plan(emulator, wanted) is None:
        return
    key = (id(emulator.store), f"{wanted.account}/{wanted.region}/{wanted.name}", wanted.reference)
    lock = _LOCKS.get(key) or _LOCKS.setdefault(key, asyncio.Lock())
    async with lock:
        plan = _plan(emulator, wanted)  # another pull may have done it meanwhile
        if plan is None:
            return
        try:
            await _import(emulator, plan)
        except UpstreamError as error:
            _tell_failure(emulator, plan, error)
            if error.code == "ImageNotFound" or plan.cached is not None:
                return
            raise UnableToGetUpstreamImageException(str(error)) from error


async def fetch_named(emulator: Emulator, asked: Wanted, image_ids: "Sequence[ImageIdentifierTypeDef]") -> None:
    """See that the images of a BatchGetImage are here, as a pull does; `asked.reference` is not looked at.

    Raises:
        UnableToGetUpstreamImageException: an upstream failed, and nothing is cached.
        AccessDeniedException: the caller may not import into another account's registry.

    """
    for image_id in image_ids:
        reference = image_id.get("imageDigest") or image_id.get("imageTag")
        if reference:
            await fetch(emulator, replace(asked, reference=reference))


def _plan(emulator: Emulator, wanted: Wanted) -> _Import | None:
    """What to import; None where there is nothing to do."""
    with emulator.transaction(wanted.account, wanted.region, wanted.principal, wanted.caller) as context:
        rule = rule_for(context, wanted.name)
        if rule is None:
            return None
        cached, compared = _cached(context, wanted)
        if compared:
            return None
        allowed = registry_access_of(
            context, context.account, context.region, "ecr:BatchImportUpstreamImage", wanted.name
        )
        if not allowed.allowed:
            raise AccessDeniedException(allowed.reason)
        return _Import(wanted, _upstream(context, rule), upstream_name(rule, wanted.name), cached)


def _cached(context: Context, wanted: Wanted) -> tuple[str | None, bool]:
    """The digest that is here, and whether the upstream need not be asked."""
    repository = context.session.get(RepositoryRow, context.arn("ecr", f"repository/{wanted.name}"))
    if repository is None:
        return None, False
    if ":" in wanted.reference:
        image = context.session.get(ImageRow, (repository.arn, wanted.reference))
        return (image.digest, True) if image is not None else (None, False)
    tag = context.session.get(ImageTagRow, (repository.arn, wanted.reference))
    if tag is None:
        return None, False
    compared = context.session.get(PulledThroughRow, (repository.arn, wanted.reference))
    return tag.digest, compared is not None and context.now - compared.checked_at < _RECHECK


def _upstream(context: Context, rule: PullThroughCacheRuleRow) -> Upstream:
    """The registry to ask; one of ECR itself is on this server, where its repository's policy judges who imports."""
    tenant = tenant_of_host(rule.upstream_url)
    if tenant is not None:
        claims = Claims(*tenant, _puller(rule), context.now + LIFETIME)
        return Upstream(f"127.0.0.1:{context.emulator.port}", USER, sign(context.session, claims))
    if rule.credential_arn is None:
        return Upstream(rule.upstream_url)
    return Upstream(rule.upstream_url, *credentials_of(context.emulator, rule.credential_arn))


def _puller(rule: PullThroughCacheRuleRow) -> str:
    """A session of the rule's role; without one the account itself (AWS: its service-linked role, unconfirmed)."""
    role = parse_arn(rule.custom_role_arn or "")
    if role is None:
        return f"arn:aws:iam::{rule.account}:root"
    return f"arn:aws:sts::{role.account}:assumed-role/{role.resource.rpartition('/')[2]}/ecr-pull-through-cache"


async def _import(emulator: Emulator, plan: _Import) -> None:
    wanted = plan.wanted
    root = await asyncio.to_thread(plan.upstream.manifest, plan.name, wanted.reference)
    manifests = [] if root.digest == plan.cached else await asyncio.to_thread(_tree, plan, root)
    with _importing(emulator, wanted) as context:
        repository = ensure_repository(context, wanted.name, "PULL_THROUGH_CACHE")
        blobs = {digest for item in manifests for digest in parse_manifest(item.content, item.media_type).blobs}
        missing = [digest for digest in sorted(blobs) if find_layer(context, repository, digest) is None]
    for digest in missing:
        await _import_blob(emulator, plan, digest)
    with _importing(emulator, wanted) as context:
        repository = ensure_repository(context, wanted.name, "PULL_THROUGH_CACHE")
        tags = [] if ":" in wanted.reference else [wanted.reference]
        try:
            for item in manifests:
                last = item is manifests[-1]
                store_image(context, repository, Push(item.content, item.media_type, tags if last else (), item.digest))
        except ImageTagAlreadyExistsException:
            return  # the tag is immutable here: what is cached stays
        for tag in tags:
            row = PulledThroughRow(repository_arn=repository.arn, reference=tag, checked_at=context.now)
            context.session.merge(row)
        if manifests:
            _tell(context, repository, plan, {"sync-status": "SUCCESS", "image-digest": root.digest})


def _tree(plan: _Import, root: UpstreamManifest) -> list[UpstreamManifest]:
    """The manifests that an index names, at any depth, before itself."""
    children = parse_manifest(root.content, root.media_type).children
    below = [item for digest in children for item in _tree(plan, plan.upstream.manifest(plan.name, digest))]
    return [*below, root]


async def _import_blob(emulator: Emulator, plan: _Import, digest: str) -> None:
    """Bring one layer as an upload of our own: what was cut short by a crash expires as any upload does."""
    blobs = blobs_of(emulator)
    with _importing(emulator, plan.wanted) as context:
        repository = ensure_repository(context, plan.wanted.name, "PULL_THROUGH_CACHE")
        upload = begin_upload(context, repository, algorithm_of(digest)).id
    with blobs.claim(upload):
        await asyncio.to_thread(_download, plan, digest, upload, blobs)
        with _importing(emulator, plan.wanted) as context:
            repository = ensure_repository(context, plan.wanted.name, "PULL_THROUGH_CACHE")
            complete_upload(context, repository, upload, digest)


def _download(plan: _Import, digest: str, upload: str, blobs: Blobs) -> None:
    """In a thread: write the layer piece by piece, and see that it is what was asked for."""
    with plan.upstream.blob(plan.name, digest) as response:
        while piece := response.read(PIECE):
            blobs.append(upload, [piece])
    if blobs.digest(upload, algorithm_of(digest)) != digest:
        raise UpstreamError("UpstreamUnavailable", f"{plan.upstream.url} gave another layer than {digest}")
    blobs.seal(upload)


@contextmanager
def _importing(emulator: Emulator, wanted: Wanted) -> Iterator[Context]:
    with emulator.transaction(wanted.account, wanted.region, f"arn:aws:iam::{wanted.account}:root") as context:
        yield context


def _tell_failure(emulator: Emulator, plan: _Import, error: UpstreamError) -> None:
    with _importing(emulator, plan.wanted) as context:
        repository = context.session.get(RepositoryRow, context.arn("ecr", f"repository/{plan.wanted.name}"))
        if repository is not None:
            failure = {"sync-status": "FAILED", "failure-code": error.code, "failure-reason": str(error)}
            _tell(context, repository, plan, failure)


def _tell(context: Context, repository: RepositoryRow, plan: _Import, detail: dict[str, str]) -> None:
    rule = rule_for(context, plan.wanted.name)
    told = {
        "rule-version": "1",
        "ecr-repository-prefix": rule.prefix if rule is not None else "",
        "repository-name": repository.name,
        "upstream-registry-url": rule.upstream_url if rule is not None else plan.upstream.url,
        "image-tag": "" if ":" in plan.wanted.reference else plan.wanted.reference,
        **detail,
    }
    tell(context, repository, "ECR Pull Through Cache Action", told, [repository.arn])

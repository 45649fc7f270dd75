"""Replication: images really arrive in other regions and accounts.

What to replicate is written with the push (`want_replicas`); a loop copies (`replicate`). The repository is made at the
destination where it is missing; tags go along, policies do not. Nothing that arrived by replication is replicated on.
Another account's registry policy must let the source's account in. A deletion follows only where the rule says so.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.access import registry_policies
from emulator.ecr.blobs import blobs_of
from emulator.ecr.creation_templates import ensure_repository
from emulator.ecr.errors import ImageTagAlreadyExistsException
from emulator.ecr.events import tell
from emulator.ecr.image_deletion import delete_image
from emulator.ecr.image_lists import tags_of
from emulator.ecr.images import Push, store_image
from emulator.ecr.replication_schedule import LOOP, REPLICATOR, key_of
from emulator.ecr.uploads import link_layer
from emulator.emulator import Emulator
from emulator.iam.decisions import decide
from emulator.iam.statements import Access
from emulator.journal import Kind
from emulator.state.ecr import ImageReferenceRow, ImageRow, LayerRow, RepositoryRow
from emulator.state.ecr_registry import ReplicationRow


class CannotReplicateError(Exception):
    """The destination does not take the image; the text is the failure code of AWS's (codes unconfirmed)."""


@dataclass(slots=True)
class ReplicationLoop:
    """Copies images; a key is `REPOSITORY-ARN@DIGEST`."""

    emulator: Emulator

    def start(self) -> None:
        """Go on with what has not arrived."""
        waiting = select(ReplicationRow.repository_arn, ReplicationRow.digest).where(
            ReplicationRow.status.in_(("IN_PROGRESS", "DELETING"))
        )
        with self.emulator.store.begin() as session:
            keys = [key_of(row[0], row[1]) for row in session.execute(waiting.distinct())]
        self.emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """Copy each image to where it is wanted."""
        for key in keys:
            repository_arn, _, digest = key.partition("@")
            arn = parse_arn(repository_arn)
            if arn is None:
                raise ValueError(key)
            with self.emulator.transaction(arn.account, arn.region, REPLICATOR) as context:
                query = select(ReplicationRow).where(
                    ReplicationRow.repository_arn == repository_arn, ReplicationRow.digest == digest
                )
                for row in context.session.scalars(query).all():
                    if row.status == "IN_PROGRESS":
                        replicate(context, row)
                    elif row.status == "DELETING":
                        _delete_replica(context, row)


def replicate(context: Context, row: ReplicationRow) -> None:
    """Copy one image to one registry, and write down how that went."""
    source = context.session.get(RepositoryRow, row.repository_arn)
    image = context.session.get(ImageRow, (row.repository_arn, row.digest))
    if source is None or image is None:  # it was deleted meanwhile
        context.session.delete(row)
        return
    target = at(context, row.account, row.region)
    tags = tags_of(context, source, [row.digest]).get(row.digest, [])
    try:
        _require_permission(context, source, row)
        repository = ensure_repository(target, source.name, "REPLICATION")
        _copy(context, target, repository, image, tags)
    except CannotReplicateError as error:
        row.status, row.failure_code = "FAILED", str(error)
    except ImageTagAlreadyExistsException:
        row.status, row.failure_code = "FAILED", "ImageTagAlreadyExists"
    else:
        row.status, row.failure_code = "COMPLETE", None
        _tell(target, repository, source, row.digest, tags)
    detail = {"replication": row.status, "image": row.digest, "to": f"{row.account}/{row.region}"}
    context.record(Kind.STATE_CHANGE, row.repository_arn, {**detail, "failureCode": row.failure_code})


def at(context: Context, account: str, region: str) -> Context:
    """The same transaction, acting in another registry."""
    return Context(context.session, account, region, REPLICATOR, context.request_id, context.emulator)


def _copy(source: Context, target: Context, repository: RepositoryRow, image: ImageRow, tags: list[str]) -> None:
    """Store an image, what it consists of first. Layers are files that all repositories share: only rows are made."""
    loaded = source.session.scalars(
        select(ImageRow)
        .where(ImageRow.repository_arn == image.repository_arn, ImageRow.digest == image.digest)
        .options(undefer(ImageRow.manifest))
    ).one()
    needed = select(ImageReferenceRow).where(
        ImageReferenceRow.repository_arn == image.repository_arn, ImageReferenceRow.digest == image.digest
    )
    for reference in source.session.scalars(needed).all():
        if reference.kind == "manifest":
            child = source.session.get(ImageRow, (image.repository_arn, reference.target))
            if child is None:
                raise CannotReplicateError("ReferencedImageNotFound")
            _copy(source, target, repository, child, [])
            continue
        layer = source.session.get(LayerRow, (image.repository_arn, reference.target))
        if layer is None or not blobs_of(source.emulator).path(layer.digest).exists():
            raise CannotReplicateError("LayerNotFound")
        link_layer(target, repository, layer.digest, layer.size_bytes)
    store_image(target, repository, Push(loaded.manifest, loaded.media_type, tags, loaded.digest))


def _require_permission(context: Context, source: RepositoryRow, row: ReplicationRow) -> None:
    """The registry policy of another account must name this one."""
    if row.account == source.account:
        return
    access = Access(
        f"arn:aws:iam::{source.account}:root",
        "ecr:ReplicateImage",
        source.arn.replace(f":{source.region}:{source.account}:", f":{row.region}:{row.account}:"),
    )
    policies = registry_policies(context, row.account, row.region, access.action)
    if not decide(access, row.account, policies).allowed:
        raise CannotReplicateError("AccessDenied")


def _delete_replica(context: Context, row: ReplicationRow) -> None:
    target = at(context, row.account, row.region)
    source = parse_arn(row.repository_arn)
    name = source.resource.partition("/")[2] if source else ""
    repository = context.session.get(RepositoryRow, target.arn("ecr", f"repository/{name}"))
    if repository is not None:
        delete_image(target, repository, {"imageDigest": row.digest})
    context.session.execute(
        delete(ReplicationRow).where(
            ReplicationRow.repository_arn == row.repository_arn,
            ReplicationRow.digest == row.digest,
            ReplicationRow.account == row.account,
            ReplicationRow.region == row.region,
        )
    )


def _tell(target: Context, repository: RepositoryRow, source: RepositoryRow, digest: str, tags: list[str]) -> None:
    for tag in tags or [""]:
        detail = {
            "result": "SUCCESS",
            "repository-name": repository.name,
            "image-digest": digest,
            "source-account": source.account,
            "action-type": "REPLICATE",
            "source-region": source.region,
            "image-tag": tag,
        }
        tell(target, repository, "ECR Replication Action", detail, [repository.arn])

"""Writes down, with a push or a deletion, what is to be replicated; `replication` does it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.registry_documents import document_of
from emulator.ecr.replication_rules import EMPTY, Destination, destinations_of
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import ReplicationRow

LOOP = "ecr-replication"
REPLICATION = "replication"
"""The name of the registry's document."""
REPLICATOR = "Service:replication.ecr.amazonaws.com"
"""Who stores replicas: what it pushes is not replicated on."""


def key_of(repository_arn: str, digest: str) -> str:
    """The loop's key for an image."""
    return f"{repository_arn}@{digest}"


def want_replicas(context: Context, repository: RepositoryRow, digest: str, configuration: Mapping[str, Any]) -> None:
    """An image was pushed, or tagged anew: every destination shall have it so."""
    for destination in destinations_of(configuration, repository.name):
        want_replica(context, repository, digest, destination)


def want_replica(context: Context, repository: RepositoryRow, digest: str, destination: Destination) -> None:
    """One destination shall have the image as it is now."""
    row = ReplicationRow(
        repository_arn=repository.arn,
        digest=digest,
        account=destination.account,
        region=destination.region,
        status="IN_PROGRESS",
        failure_code=None,
        wanted_at=context.now,
    )
    context.session.merge(row)
    context.wake(LOOP, key_of(repository.arn, digest))


def drop_replicas(context: Context, repository: RepositoryRow, digest: str) -> None:
    """An image is gone: its replicas go where a rule says so, and stay otherwise."""
    configuration = document_of(context, repository.account, repository.region, REPLICATION) or EMPTY
    deleting = destinations_of(configuration, repository.name)
    query = select(ReplicationRow).where(
        ReplicationRow.repository_arn == repository.arn, ReplicationRow.digest == digest
    )
    for row in context.session.scalars(query).all():
        if row.status == "COMPLETE" and deleting.get(Destination(row.account, row.region), False):
            row.status = "DELETING"
            context.wake(LOOP, key_of(repository.arn, digest))
        else:
            context.session.delete(row)

"""Configurations that a registry has one of each: replication, scanning, signing, and ECR Public's catalog data."""

from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.state.ecr_registry import RegistryDocumentRow


def document_of(context: Context, account: str, region: str, name: str) -> dict[str, Any] | None:
    """The document called `name` of a registry; None where it was never put, or was deleted."""
    row = context.session.get(RegistryDocumentRow, (account, region, name))
    return row.document if row is not None else None


def documents_of(context: Context, account: str, region: str) -> dict[str, dict[str, Any]]:
    """All documents of a registry by name, in one query: a push asks for three that most registries do not have."""
    query = select(RegistryDocumentRow.name, RegistryDocumentRow.document).where(
        RegistryDocumentRow.account == account, RegistryDocumentRow.region == region
    )
    return {row[0]: row[1] for row in context.session.execute(query)}


def put_document(context: Context, name: str, document: dict[str, Any], region: str | None = None) -> None:
    """Let the caller's registry have `document` under `name`."""
    place = context.region if region is None else region
    row = context.session.get(RegistryDocumentRow, (context.account, place, name))
    if row is None:
        row = RegistryDocumentRow(
            account=context.account, region=place, name=name, document=document, changed_at=context.now
        )
        context.session.add(row)
    row.document, row.changed_at = document, context.now


def remove_document(context: Context, name: str) -> None:
    """Forget the document of the caller's registry."""
    row = context.session.get(RegistryDocumentRow, (context.account, context.region, name))
    if row is not None:
        context.session.delete(row)
        context.session.flush()

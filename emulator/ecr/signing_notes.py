"""Writes down, with a push, what a signing configuration asks for and cannot get here (see `signing`)."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.iam.conditions import like
from emulator.state.ecr import RepositoryRow
from emulator.state.ecr_registry import SigningRow

SIGNING = "signing"
NO_RULES: Mapping[str, Any] = {"rules": []}
_CODE = "SIGNER_NOT_EMULATED"
_REASON = "AWS Signer is not emulated by Ashore: no signature was made."


def note_signing(context: Context, repository: RepositoryRow, digest: str, configuration: Mapping[str, Any]) -> None:
    """Write down, for each profile whose rule holds the repository, that an image could not be signed."""
    for rule in configuration["rules"]:
        filters = rule.get("repositoryFilters") or []
        if filters and not any(like(item["filter"], repository.name) for item in filters):
            continue
        row = SigningRow(
            repository_arn=repository.arn,
            digest=digest,
            profile_arn=rule["signingProfileArn"],
            status="FAILED",
            failure_code=_CODE,
            failure_reason=_REASON,
        )
        context.session.merge(row)

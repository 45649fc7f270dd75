"""DescribeRegistry and what its answer shows: the replication configuration."""

import re
from typing import TYPE_CHECKING, Any, TypedDict, cast

from emulator.context import Context
from emulator.ecr.errors import ValidationException, invalid
from emulator.ecr.registry_documents import document_of, put_document
from emulator.ecr.replication_rules import EMPTY, Destination, all_destinations
from emulator.ecr.replication_schedule import REPLICATION
from emulator.journal import Kind

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        PutReplicationConfigurationRequestTypeDef,
        ReplicationConfigurationOutputTypeDef,
    )

_MOST_DESTINATIONS = 25
_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,2}-\d")


class DescribeRegistryResult(TypedDict):
    """The caller's registry."""

    registryId: str
    replicationConfiguration: "ReplicationConfigurationOutputTypeDef"


class PutReplicationConfigurationResult(TypedDict):
    """The configuration as it is now."""

    replicationConfiguration: "ReplicationConfigurationOutputTypeDef"


def describe_registry(context: Context, request: object) -> DescribeRegistryResult:
    """DescribeRegistry."""
    del request
    shown = replication_of(context, context.account, context.region)
    return {
        "registryId": context.account,
        "replicationConfiguration": cast("ReplicationConfigurationOutputTypeDef", shown),
    }


def put_replication_configuration(
    context: Context, request: "PutReplicationConfigurationRequestTypeDef"
) -> PutReplicationConfigurationResult:
    """PutReplicationConfiguration. Only what is pushed from now on is replicated; StartReplicationBackfill does the rest."""
    configuration = cast("dict[str, Any]", request["replicationConfiguration"])
    destinations = all_destinations(configuration)
    if Destination(context.account, context.region) in destinations:
        reason = "Replication destination cannot be the same as the source registry"
        raise invalid("replicationConfiguration", reason)
    for destination in sorted(destinations):
        if not _REGION.fullmatch(destination.region):  # (unconfirmed wording)
            raise invalid("replicationConfiguration", f"Invalid destination region name: '{destination.region}'")
    if len(destinations) > _MOST_DESTINATIONS:
        raise ValidationException(
            f"A replication configuration has at most {_MOST_DESTINATIONS} unique destinations."  # (unconfirmed)
        )
    put_document(context, REPLICATION, configuration)
    context.record(Kind.STATE_CHANGE, context.arn("ecr", "registry"), {"replication": configuration})
    return {"replicationConfiguration": cast("ReplicationConfigurationOutputTypeDef", configuration)}


def replication_of(context: Context, account: str, region: str) -> dict[str, Any]:
    """The replication configuration of a registry."""
    return document_of(context, account, region, REPLICATION) or dict(EMPTY)

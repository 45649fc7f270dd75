"""Backfills: what was pushed before a registry replicated is replicated on request, image by image, by a loop."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.errors import (
    LimitExceededException,
    ReplicationBackfillInProgressException,
    ReplicationBackfillInvalidStatusException,
    ReplicationBackfillNotFoundException,
    ValidationException,
)
from emulator.ecr.pages import MAX_PAGE, page_offset
from emulator.ecr.registry import replication_of
from emulator.ecr.replication import replicate
from emulator.ecr.replication_rules import Destination, all_destinations, destinations_of
from emulator.ecr.replication_schedule import REPLICATOR, want_replica
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.pagination import encode_token
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import BackfillRow, ReplicationRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        DescribeReplicationBackfillResultsRequestTypeDef,
        ListReplicationBackfillsRequestTypeDef,
        StartReplicationBackfillRequestTypeDef,
        StopReplicationBackfillRequestTypeDef,
    )

LOOP = "ecr-backfill"
_ENDED = ("COMPLETE", "FAILED", "STOPPED")
_MOST = 10
_STEP = 20
"""Images that one transaction copies."""
_KEPT = timedelta(days=90)
_LIST_PAGE = 50


class BackfillResult(TypedDict):
    """A backfill as Start and Stop show it."""

    replicationBackfillId: str
    registryId: str
    destination: dict[str, str]
    status: str
    startedAt: datetime


class ListReplicationBackfillsResult(TypedDict):
    """A page of backfills, the newest first."""

    backfills: list[dict[str, Any]]
    nextToken: NotRequired[str]


def start_replication_backfill(context: Context, request: "StartReplicationBackfillRequestTypeDef") -> BackfillResult:
    """StartReplicationBackfill (all texts unconfirmed)."""
    wanted = request["destination"]
    destination = Destination(wanted["registryId"], wanted["region"])
    if destination not in all_destinations(replication_of(context, context.account, context.region)):
        raise ValidationException("The destination is not in the registry's replication configuration.")
    running = [row for row in _rows(context) if row.status not in _ENDED]
    if any(row.document["destination"]["region"] == destination.region for row in running):
        raise ReplicationBackfillInProgressException(
            f"A replication backfill to the region '{destination.region}' is in progress."
        )
    if len(running) >= _MOST:
        raise LimitExceededException(f"A registry has at most {_MOST} replication backfills in progress.")
    row = BackfillRow(
        id=context.emulator.ids.uuid(),
        account=context.account,
        region=context.region,
        document={"destination": dict(wanted), "waiting": None, "results": []},
        status="PREPARING",
        created_at=context.now,
        updated_at=context.now,
    )
    context.session.add(row)
    context.wake(LOOP, row.id)
    return _result(row)


def stop_replication_backfill(context: Context, request: "StopReplicationBackfillRequestTypeDef") -> BackfillResult:
    """StopReplicationBackfill: what has been replicated stays."""
    row = _find(context, request["replicationBackfillId"])
    if row.status in (*_ENDED, "STOPPING"):
        raise ReplicationBackfillInvalidStatusException(f"The replication backfill is {row.status}.")
    row.status, row.updated_at = "STOPPING", context.now
    context.wake(LOOP, row.id)
    return _result(row)


def list_replication_backfills(
    context: Context, request: "ListReplicationBackfillsRequestTypeDef"
) -> ListReplicationBackfillsResult:
    """ListReplicationBackfills: those that ended more than 90 days ago are gone."""
    size = request.get("maxResults", _LIST_PAGE)
    kept = [row for row in _rows(context) if row.status not in _ENDED or context.now - row.updated_at < _KEPT]
    rows = sorted(kept, key=lambda row: (row.created_at, row.id), reverse=True)
    start = page_offset(request.get("nextToken"))
    result: ListReplicationBackfillsResult = {"backfills": [_summary(row) for row in rows[start : start + size]]}
    if start + size < len(rows):
        result["nextToken"] = encode_token(str(start + size))
    return result


def describe_replication_backfill_results(
    context: Context, request: "DescribeReplicationBackfillResultsRequestTypeDef"
) -> dict[str, Any]:
    """DescribeReplicationBackfillResults: the images only once it has ended."""
    row = _find(context, request["replicationBackfillId"])
    wanted, size = request.get("resultStatusFilter"), request.get("maxResults", MAX_PAGE)
    results = row.document["results"] if row.status in _ENDED else []
    shown = [item for item in results if wanted in {None, item["status"]}]
    start = page_offset(request.get("nextToken"))
    page = {"registryId": row.account, **_summary(row), "results": shown[start : start + size]}
    return page if start + size >= len(shown) else {**page, "nextToken": encode_token(str(start + size))}


@dataclass(slots=True)
class BackfillLoop:
    """Takes each backfill on by some images; a key is its id."""

    emulator: Emulator

    def start(self) -> None:
        """Go on with those that have not ended."""
        with self.emulator.store.begin() as session:
            keys = list(session.scalars(select(BackfillRow.id).where(BackfillRow.status.not_in(_ENDED))))
        self.emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """One step each."""
        for key in keys:
            with self.emulator.store.begin() as session:
                found = session.get(BackfillRow, key)
            if found is None:
                continue
            with self.emulator.transaction(found.account, found.region, REPLICATOR) as context:
                row = context.session.get_one(BackfillRow, key)
                if row.status not in _ENDED:
                    _step(context, row)
                    context.wake(LOOP, key)


def _step(context: Context, row: BackfillRow) -> None:
    document, row.updated_at = dict(row.document), context.now
    destination = Destination(document["destination"]["registryId"], document["destination"]["region"])
    if row.status == "STOPPING":
        row.status = "STOPPED"
    elif row.status == "PREPARING":
        document["waiting"] = _images(context, row, destination)
        row.status = "IN_PROGRESS"
    elif document["waiting"]:
        step, document["waiting"] = document["waiting"][:_STEP], document["waiting"][_STEP:]
        document["results"] = [
            *document["results"],
            *(_replicate(context, arn, digest, destination) for arn, digest in step),
        ]
    else:
        failed = [item for item in document["results"] if item["status"] == "FAILED"]
        row.status = "FAILED" if failed and len(failed) == len(document["results"]) else "COMPLETE"
    row.document = document
    context.record(Kind.STATE_CHANGE, context.arn("ecr", f"replication-backfill/{row.id}"), {"status": row.status})


def _images(context: Context, row: BackfillRow, destination: Destination) -> list[list[str]]:
    """Repository and digest of each image that the configuration sends to the destination."""
    configuration = replication_of(context, row.account, row.region)
    query = (
        select(RepositoryRow.arn, RepositoryRow.name, ImageRow.digest)
        .join(ImageRow, ImageRow.repository_arn == RepositoryRow.arn)
        .where(RepositoryRow.account == row.account, RepositoryRow.region == row.region)
        .order_by(RepositoryRow.name, ImageRow.pushed_at, ImageRow.digest)
    )
    return [
        [arn, digest]
        for arn, name, digest in context.session.execute(query)
        if destination in destinations_of(configuration, name)
    ]


def _replicate(context: Context, arn: str, digest: str, destination: Destination) -> dict[str, Any]:
    repository = context.session.get(RepositoryRow, arn)
    name = arn.partition("repository/")[2]
    result: dict[str, Any] = {"repositoryName": name, "imageId": {"imageDigest": digest}}
    key = (arn, digest, destination.account, destination.region)
    if repository is not None:
        known = context.session.get(ReplicationRow, key)
        if known is None or known.status != "COMPLETE":
            want_replica(context, repository, digest, destination)
            context.session.flush()
            replicate(context, context.session.get_one(ReplicationRow, key))
            context.session.flush()
    row = context.session.get(ReplicationRow, key)
    if row is None:
        return {**result, "status": "FAILED", "failureCode": "ImageNotFound"}
    return {**result, "status": row.status} | ({"failureCode": row.failure_code} if row.failure_code else {})


def _rows(context: Context) -> list[BackfillRow]:
    query = select(BackfillRow).where(BackfillRow.account == context.account, BackfillRow.region == context.region)
    return list(context.session.scalars(query))


def _find(context: Context, backfill_id: str) -> BackfillRow:
    row = context.session.get(BackfillRow, backfill_id)
    if row is None or (row.account, row.region) != (context.account, context.region):
        raise ReplicationBackfillNotFoundException(f"The replication backfill '{backfill_id}' does not exist.")
    return row


def _result(row: BackfillRow) -> BackfillResult:
    return {
        "replicationBackfillId": row.id,
        "registryId": row.account,
        "destination": row.document["destination"],
        "status": row.status,
        "startedAt": row.created_at,
    }


def _summary(row: BackfillRow) -> dict[str, Any]:
    results = row.document["results"]
    counts = Counter(item["status"] for item in results)
    shown: dict[str, Any] = {
        "replicationBackfillId": row.id,
        "destination": row.document["destination"],
        "status": row.status,
        "startedAt": row.created_at,
        "progress": {
            "totalReplicationCount": len(results) + len(row.document["waiting"] or ()),
            "completedReplicationCount": counts["COMPLETE"],
            "failedReplicationCount": counts["FAILED"],
            "failureCodes": sorted({item["failureCode"] for item in results if "failureCode" in item}),
        },
    }
    return {**shown, "endedAt": row.updated_at} if row.status in _ENDED else shown

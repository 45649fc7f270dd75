"""When images are scanned: a registry's rules, and the older setting of each repository."""

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from sqlalchemy import select

from emulator.context import Context
from emulator.ecr.errors import ValidationException
from emulator.ecr.events import tell
from emulator.ecr.registry_documents import document_of, put_document
from emulator.ecr.repositories import find_repository
from emulator.ecr.scan_backlog import BACKLOG
from emulator.ecr.scan_schedule import LOOP, SCANNING, scanning_for
from emulator.ecr.scanning.rules import DEFAULT, scanning_of
from emulator.state.ecr import RepositoryRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import (
        BatchGetRepositoryScanningConfigurationRequestTypeDef,
        PutImageScanningConfigurationRequestTypeDef,
        PutRegistryScanningConfigurationRequestTypeDef,
    )

_MOST_STARS = 4
_FREQUENCIES = {"BASIC": {"SCAN_ON_PUSH"}, "ENHANCED": {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"}}


class GetRegistryScanningConfigurationResult(TypedDict):
    """A registry's rules."""

    registryId: str
    scanningConfiguration: dict[str, Any]


class PutRegistryScanningConfigurationResult(TypedDict):
    """The rules as they are now."""

    registryScanningConfiguration: dict[str, Any]


class PutImageScanningConfigurationResult(TypedDict):
    """A repository's own setting."""

    registryId: str
    repositoryName: str
    imageScanningConfiguration: dict[str, bool]


class BatchGetResult(TypedDict):
    """What holds for each repository."""

    scanningConfigurations: list[dict[str, Any]]
    failures: NotRequired[list[dict[str, str]]]


def get_registry_scanning_configuration(context: Context, request: object) -> GetRegistryScanningConfigurationResult:
    """GetRegistryScanningConfiguration."""
    del request
    return {"registryId": context.account, "scanningConfiguration": _configuration(context)}


def put_registry_scanning_configuration(
    context: Context, request: "PutRegistryScanningConfigurationRequestTypeDef"
) -> PutRegistryScanningConfigurationResult:
    """PutRegistryScanningConfiguration. Without `rules` there are none; without a type it stays as it is."""
    before = _configuration(context)
    after: dict[str, Any] = {"scanType": request.get("scanType", before["scanType"]), "rules": request.get("rules", [])}
    _check(after)
    put_document(context, SCANNING, after)
    _tell_changes(context, before, after)
    return {"registryScanningConfiguration": after}


def put_image_scanning_configuration(
    context: Context, request: "PutImageScanningConfigurationRequestTypeDef"
) -> PutImageScanningConfigurationResult:
    """PutImageScanningConfiguration (deprecated by AWS in favour of the registry's rules)."""
    row = find_repository(context, request["repositoryName"], request.get("registryId"))
    row.scan_on_push = request["imageScanningConfiguration"].get("scanOnPush", False)
    return {
        "registryId": row.account,
        "repositoryName": row.name,
        "imageScanningConfiguration": {"scanOnPush": row.scan_on_push},
    }


def batch_get_repository_scanning_configuration(
    context: Context, request: "BatchGetRepositoryScanningConfigurationRequestTypeDef"
) -> BatchGetResult:
    """BatchGetRepositoryScanningConfiguration."""
    result: BatchGetResult = {"scanningConfigurations": [], "failures": []}
    for name in dict.fromkeys(request["repositoryNames"]):
        row = context.session.get(RepositoryRow, context.arn("ecr", f"repository/{name}"))
        if row is None:
            code = "REPOSITORY_NOT_FOUND"
            result["failures"].append({"repositoryName": name, "failureCode": code, "failureReason": code})
            continue
        scanning = scanning_for(context, row)
        result["scanningConfigurations"].append(
            {
                "repositoryArn": row.arn,
                "repositoryName": name,
                "scanOnPush": scanning.on_push,
                "scanFrequency": scanning.frequency,
                "appliedScanFilters": [dict(item) for item in scanning.filters],
            }
        )
    return result


def _configuration(context: Context) -> dict[str, Any]:
    return document_of(context, context.account, context.region, SCANNING) or dict(DEFAULT)


def _check(configuration: dict[str, Any]) -> None:
    """The rules of AWS's guide (all texts unconfirmed)."""
    kind = configuration["scanType"]
    frequencies = [rule["scanFrequency"] for rule in configuration["rules"]]
    if len(set(frequencies)) != len(frequencies):
        raise ValidationException("Each scan frequency may be used by one rule only.")
    wrong = sorted(set(frequencies) - _FREQUENCIES[kind])
    if wrong:
        raise ValidationException(f"The scan frequency {wrong[0]} is not supported with the scan type {kind}.")
    for rule in configuration["rules"]:
        if any(item["filter"].count("*") > _MOST_STARS for item in rule["repositoryFilters"]):
            raise ValidationException(f"A filter has at most {_MOST_STARS} wildcards.")


def _tell_changes(context: Context, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Repositories whose frequency has changed, under enhanced scanning."""
    if after["scanType"] != "ENHANCED":
        return
    rows = context.session.scalars(
        select(RepositoryRow).where(RepositoryRow.account == context.account, RepositoryRow.region == context.region)
    ).all()
    for row in rows:
        old = scanning_of(before, row.name, scan_on_push=row.scan_on_push).frequency
        new = scanning_of(after, row.name, scan_on_push=row.scan_on_push).frequency
        if old != new:
            changed = {
                "repository-name": row.name,
                "repository-arn": row.arn,
                "scan-frequency": new,
                "previous-scan-frequency": old,
            }
            detail = {
                "action-type": "SCAN_FREQUENCY_CHANGE",
                "repositories": [changed],
                "resource-type": "REPOSITORY",
                "scan-type": "ENHANCED",
            }
            tell(context, row, "ECR Scan Resource Change", detail)
            context.wake(LOOP, f"{BACKLOG}{row.arn}")

"""What a scan found, and how the API shows it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
Status = Literal["COMPLETE", "FAILED", "UNSUPPORTED_IMAGE"]
COMPLETED = "The scan was completed successfully."
UNSUPPORTED = "The operating system and/or package manager are not supported"


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a package."""

    name: str
    """Such as `CVE-2024-0001`."""
    severity: str
    package: str
    version: str
    description: str = ""
    uri: str = ""
    fixed_version: str = ""
    vector: str = ""
    score: float | None = None
    package_manager: str = ""
    path: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For the row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Report:
    """How a scan ended."""

    status: Status
    description: str
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    source_updated_at: datetime | None = None
    """When the vulnerability data was last changed."""


def counts_of(findings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many findings there are of each severity, those that there are."""
    counts = Counter(str(item["severity"]) for item in findings)
    return {word: counts[word] for word in SEVERITIES if counts[word]}


def first_seen(
    found: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """The findings of a scan with the instant that each was first made at, which a later scan does not change."""
    known = {(item["name"], item["package"], item["version"]): item.get("first_seen") for item in before}
    return [
        {**item, "first_seen": known.get((item["name"], item["package"], item["version"])) or now.isoformat()}
        for item in found
    ]


def basic_finding(item: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as basic scanning shows it."""
    attributes = {
        "package_version": item["version"],
        "package_name": item["package"],
        "CVSS3_VECTOR": item["vector"],
        "CVSS3_SCORE": "" if item["score"] is None else str(item["score"]),
        "patched_version": item["fixed_version"],
    }
    shown = {
        "name": item["name"],
        "severity": item["severity"],
        "attributes": [{"key": key, "value": value} for key, value in attributes.items() if value],
    }
    return shown | {key: item[key] for key in ("description", "uri") if item[key]}


def enhanced_finding(item: Mapping[str, Any], image: Mapping[str, Any], seen_at: datetime) -> dict[str, Any]:
    """A finding as Inspector shows it. `image` is the `awsEcrContainerImage` that it is in; its `arn` names it."""
    details = {key: value for key, value in image.items() if key not in {"arn", "account"}}
    package = {
        "name": item["package"],
        "version": item["version"],
        "packageManager": item["package_manager"],
        "filePath": item["path"],
        "fixedInVersion": item["fixed_version"] or "NotAvailable",
    }
    vulnerability: dict[str, Any] = {
        "vulnerabilityId": item["name"],
        "vulnerablePackages": [package],
        "referenceUrls": [item["uri"]] if item["uri"] else [],
    }
    shown: dict[str, Any] = {
        "awsAccountId": image["account"],
        "description": item["description"],
        "findingArn": f"{image['arn']}/finding/{item['name']}/{item['package']}",
        "firstObservedAt": datetime.fromisoformat(item["first_seen"]) if item.get("first_seen") else seen_at,
        "lastObservedAt": seen_at,
        "updatedAt": seen_at,
        "packageVulnerabilityDetails": vulnerability,
        "resources": [
            {"id": image["arn"], "type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": details}}
        ],
        "severity": "UNTRIAGED" if item["severity"] == "UNDEFINED" else item["severity"],
        "status": "ACTIVE",
        "title": f"{item['name']} - {item['package']}",
        "type": "PACKAGE_VULNERABILITY",
        "fixAvailable": "YES" if item["fixed_version"] else "NO",
    }
    if item["score"] is not None:
        shown["score"] = item["score"]
        vulnerability["cvss"] = [{"baseScore": item["score"], "scoringVector": item["vector"], "version": "3.1"}]
    return shown

"""A vulnerability feed that the user supplies, in the OSV format (https://ossf.github.io/osv-schema/).

`ASHORE_VULNERABILITY_FEED` names a file (one entry, a list of entries, or one entry a line) or a folder of such files. The
data of https://osv.dev can be used as it is. An entry without versions or ranges for a package says nothing of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from emulator.ecr.scanning.findings import Finding
from emulator.ecr.scanning.packages import Package
from emulator.ecr.scanning.severity import severity_of
from emulator.ecr.scanning.versions import COMPARE, Compare

_SEPARATORS = re.compile(r"[-_.]+")


class UnusableFeedError(Exception):
    """The feed cannot be read, or is none."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Entries by what they are about."""

    by_package: Mapping[tuple[str, str], Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]]
    """Ecosystem without its release, and name → entries and the `affected` item of each."""
    ecosystems: frozenset[str]
    """Without their releases."""
    modified_at: datetime | None
    """Of the newest entry."""

    def covers(self, package: Package) -> bool:
        """Whether the feed says anything about packages of this kind at all."""
        return _family(package.ecosystem) in self.ecosystems

    def findings(self, packages: Iterable[Package]) -> list[Finding]:
        """Every vulnerability of every package, each once."""
        found: dict[tuple[str, str, str], Finding] = {}
        for package in packages:
            for finding in self._of(package):
                found.setdefault((finding.name, finding.package, finding.version), finding)
        return list(found.values())

    def _of(self, package: Package) -> Iterator[Finding]:
        names = {package.name: package.version}
        if package.source:
            names.setdefault(package.source, package.source_version or package.version)
        for name, version in names.items():
            key = (_family(package.ecosystem), _plain(package.kind, name))
            for entry, affected in self.by_package.get(key, ()):
                if (
                    _same_release(affected["package"]["ecosystem"], package.ecosystem)
                    and (fixed := _hit(affected, version, COMPARE[package.kind])) is not None
                ):
                    yield _finding(entry, package, fixed)


def load_feed(path: Path) -> Feed:
    """The feed in a file or folder.

    Raises:
        UnusableFeedError: there is none, or it is no OSV data.

    """
    by_package: dict[tuple[str, str], list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    newest: datetime | None = None
    try:
        files = sorted(path.rglob("*.json*")) if path.is_dir() else [path]
        for entry in (entry for file in files for entry in _entries(file)):
            for affected in entry.get("affected", []):
                package = affected.get("package")
                if package is not None:
                    family = _family(package["ecosystem"])
                    key = (family, _plain("pypi" if family == "PyPI" else "", package["name"]))
                    by_package.setdefault(key, []).append((entry, affected))
            modified = _instant(entry.get("modified"))
            newest = max(filter(None, (newest, modified)), default=None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableFeedError(f"the vulnerability feed {path} cannot be read ({error})") from error
    if not by_package:
        raise UnusableFeedError(f"the vulnerability feed {path} has no entries")
    return Feed(by_package, frozenset(family for family, _ in by_package), newest)


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    content = file.read_bytes()
    try:
        documents = [orjson.loads(content)]
    except orjson.JSONDecodeError:
        documents = [orjson.loads(line) for line in content.splitlines() if line.strip()]
    for document in documents:
        listed = document if isinstance(document, list) else [document]
        for entry in listed:
            if not isinstance(entry.get("id"), str):
                raise ValueError("an entry has no id")  # noqa: TRY004 - a fault of the feed's data
            if not entry.get("withdrawn"):
                yield entry


def _hit(affected: Mapping[str, Any], version: str, compare: Compare) -> str | None:
    """The version that mends it (empty where none does), or None where `version` is not affected."""
    for item in affected.get("ranges", []):
        if item.get("type") in {"ECOSYSTEM", "SEMVER"}:
            events = item.get("events", [])
            fixed = next((event["fixed"] for event in events if "fixed" in event), "")
            if _in_range(events, version, compare):
                return str(fixed)
    return "" if version in affected.get("versions", []) else None


def _in_range(events: Sequence[Mapping[str, str]], version: str, compare: Compare) -> bool:
    """OSV's algorithm: introduced at or before, and not fixed since."""
    inside = False
    for event in events:
        if "introduced" in event:
            inside = inside or event["introduced"] == "0" or compare(version, event["introduced"]) >= 0
        elif "fixed" in event:
            inside = inside and compare(version, event["fixed"]) < 0
        elif "last_affected" in event:
            inside = inside and compare(version, event["last_affected"]) <= 0
    return inside


def _finding(entry: Mapping[str, Any], package: Package, fixed: str) -> Finding:
    severity, vector, score = severity_of(dict(entry))
    names = [entry["id"], *entry.get("aliases", []), *entry.get("upstream", [])]
    references = [item["url"] for item in entry.get("references", []) if "url" in item]
    return Finding(
        name=next((name for name in names if name.startswith("CVE-")), entry["id"]),
        severity=severity,
        package=package.name,
        version=package.version,
        description=str(entry.get("summary") or entry.get("details") or ""),
        uri=references[0] if references else "",
        fixed_version=fixed,
        vector=vector or "",
        score=score,
        package_manager={"dpkg": "DPKG", "apk": "APK", "rpm": "RPM", "pypi": "PYTHONPKG", "npm": "NODEPKG"}[
            package.kind
        ],
        path=package.path,
    )


def _family(ecosystem: str) -> str:
    return ecosystem.partition(":")[0]


def _same_release(wanted: str, given: str) -> bool:
    """An entry for a whole distribution holds for each release of it."""
    return wanted == given or ":" not in wanted or wanted.partition(":")[2] == given.partition(":")[2].partition(".")[0]


def _plain(kind: str, name: str) -> str:
    """PyPI's names are the same however they are spelt (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower() if kind == "pypi" else name


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)

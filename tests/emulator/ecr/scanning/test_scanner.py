"""What scanning answers: findings, or honestly why there are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.ecr.scanning.findings import COMPLETED, UNSUPPORTED
from emulator.ecr.scanning.scanner import NO_SOURCE, ImageFiles, scan
from emulator.ecr.scanning.severity import base_score, severity_of
from tests.emulator.ecr.scanning.images import DEBIAN, ENTRY, FILES, feed, tar


@pytest.fixture(autouse=True)
def _no_scanner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def image(folder: Path, *layers: bytes) -> ImageFiles:
    paths = []
    for number, content in enumerate(layers):
        path = folder / f"layer-{number}"
        path.write_bytes(content)
        paths.append(path)
    config = folder / "config"
    config.write_bytes(b"{}")
    return ImageFiles(b"{}", "application/vnd.oci.image.manifest.v1+json", config, tuple(paths))


def test_a_vulnerable_package_is_found_by_its_source(tmp_path: Path) -> None:
    report = scan(image(tmp_path, tar(FILES)), feed(tmp_path))
    assert (report.status, report.description) == ("COMPLETE", COMPLETED)
    (finding,) = report.findings
    assert (finding.name, finding.package, finding.version) == ("CVE-2024-0001", "libssl3", "3.0.11-1~deb12u2+b1")
    assert (finding.severity, finding.score, finding.fixed_version) == ("CRITICAL", 9.8, "3.0.13-1~deb12u1")
    assert report.source_updated_at is not None


def test_a_mended_one_is_not(tmp_path: Path) -> None:
    status = FILES["var/lib/dpkg/status"].replace(b"3.0.11-1~deb12u2", b"3.0.13-1~deb12u1")
    report = scan(image(tmp_path, tar(FILES), tar({"var/lib/dpkg/status": status})), feed(tmp_path))
    assert (report.status, report.findings) == ("COMPLETE", ())


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ({"bin/app": b"static"}, "UNSUPPORTED_IMAGE", UNSUPPORTED),
        ({"var/lib/rpm/Packages": b"bdb"}, "UNSUPPORTED_IMAGE", "older format"),
        ({"var/lib/rpm/rpmdb.sqlite": b"x" * 5000}, "FAILED", "damaged"),
        (
            {"etc/os-release": b"ID=alpine\nVERSION_ID=3.20.1\n", "lib/apk/db/installed": b"P:musl\nV:1\n"},
            "FAILED",
            "says nothing about Alpine:v3.20",
        ),
        (
            {**FILES, "x.dist-info/METADATA": b"Name: x\nVersion: 1\n"},
            "COMPLETE",
            "The vulnerability feed says nothing about PyPI.",
        ),
    ],
)
def test_what_cannot_be_judged_is_told(tmp_path: Path, files: dict[str, bytes], status: str, said: str) -> None:
    report = scan(image(tmp_path, tar(files)), feed(tmp_path))
    assert report.status == status
    assert said in report.description


def test_without_scanner_and_feed_nothing_is_invented(tmp_path: Path) -> None:
    report = scan(image(tmp_path, tar(FILES)), None)
    assert (report.status, report.description, report.findings) == ("FAILED", NO_SOURCE, ())


@pytest.mark.parametrize("content", ["", "[]", "{", "[{}]", '[{"id": "x", "affected": [{"package": {}}]}]'])
def test_a_bad_feed_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "feed.json"
    path.write_text(content, encoding="utf-8")
    report = scan(image(tmp_path, tar(FILES)), path)
    assert report.status == "FAILED"
    assert "vulnerability feed" in report.description


def test_a_folder_of_entries_is_a_feed(tmp_path: Path) -> None:
    folder = tmp_path / "osv"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(ENTRY), encoding="utf-8")
    lines = [
        json.dumps({**ENTRY, "id": "CVE-2", "aliases": []}),
        json.dumps({**ENTRY, "withdrawn": "2026-01-01T00:00:00Z"}),
    ]
    (folder / "more.jsonl").write_text("\n".join(lines), encoding="utf-8")
    report = scan(image(tmp_path, tar(FILES)), folder)
    assert sorted(finding.name for finding in report.findings) == ["CVE-2", "CVE-2024-0001"]


def test_an_unreadable_layer_fails_the_scan(tmp_path: Path) -> None:
    report = scan(image(tmp_path, b"\x28\xb5\x2f\xfd"), feed(tmp_path))
    assert (report.status, "gzip" in report.description) == ("FAILED", True)


GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "CVE-1", "severity": "Negligible", "fix": {"versions": ["2"]}},
            "artifact": {"name": "x", "version": "1", "type": "deb", "locations": [{"path": "/var"}]},
        }
    ]
}
TRIVY = {
    "Results": [
        {"Type": "debian", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "HIGH", "PkgName": "x"}]}
    ]
}


@pytest.mark.parametrize(
    ("name", "document", "severity"), [("grype", GRYPE, "INFORMATIONAL"), ("trivy", TRIVY, "HIGH")]
)
def test_a_scanner_on_the_path_goes_first(tmp_path: Path, name: str, document: Any, severity: str) -> None:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\n/bin/cat <<'EOF'\n{json.dumps(document)}\nEOF\n", encoding="utf-8")
    program.chmod(0o755)
    report = scan(image(tmp_path, tar({"etc/os-release": DEBIAN})), None)
    assert (report.status, [finding.severity for finding in report.findings]) == ("COMPLETE", [severity])


@pytest.mark.parametrize(
    ("script", "status"),
    [("echo broken >&2; exit 1", "FAILED"), ("echo Unsupported OS >&2; exit 1", "UNSUPPORTED_IMAGE")],
)
def test_a_scanner_that_fails_is_told(tmp_path: Path, script: str, status: str) -> None:
    program = tmp_path / "grype"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    assert scan(image(tmp_path, tar(FILES)), feed(tmp_path)).status == status


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:N/S:U/C:L/I:N/A:N", 1.9),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
        ("CVSS:3.1/AV:X", None),
    ],
)
def test_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_the_publishers_word_goes_first() -> None:
    assert severity_of({"database_specific": {"severity": "MODERATE"}})[0] == "MEDIUM"
    assert severity_of({})[0] == "UNDEFINED"
    assert severity_of(ENTRY) == ("CRITICAL", ENTRY["severity"][0]["score"], 9.8)

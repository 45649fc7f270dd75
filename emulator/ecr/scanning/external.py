"""trivy and grype, where the server's PATH has one: they get the image as an OCI layout whose blobs are links to ours.

They keep vulnerability databases of their own, which they load from outside unless their own settings forbid it.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.ecr.scanning.findings import COMPLETED, Finding, Report

_SECONDS = 600
_UNSUPPORTED = ("unsupported os", "unable to catalog", "no packages found")


class ExternalScannerError(Exception):
    """The scanner failed; the text says how."""


@dataclass(frozen=True, slots=True)
class ExternalScanner:
    """One program."""

    path: str
    arguments: Callable[[Path], list[str]]
    """For the folder of a layout."""
    read: Callable[[Mapping[str, Any]], list[Finding]]
    """What its JSON says."""

    def scan(self, manifest: bytes, media_type: str, blobs: Sequence[Path]) -> Report:
        """Run it. Blobs are named by their digests' hexadecimal digits.

        Raises:
            ExternalScannerError: it could not be run, or did not answer.

        """
        with tempfile.TemporaryDirectory(prefix="ashore-scan-") as folder:
            layout = Path(folder)
            _write_layout(layout, manifest, media_type, blobs)
            command = [self.path, *self.arguments(layout)]
            try:
                done = subprocess.run(  # noqa: S603 - the program that the user installed, on our own files
                    command, capture_output=True, check=True, timeout=_SECONDS
                )
                found = self.read(json.loads(done.stdout))
            except subprocess.CalledProcessError as error:
                told = error.stderr.decode(errors="replace").strip()[-500:]
                if any(text in told.lower() for text in _UNSUPPORTED):
                    return Report("UNSUPPORTED_IMAGE", told)
                raise ExternalScannerError(f"{Path(self.path).name} failed: {told}") from error
            except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
                raise ExternalScannerError(f"{Path(self.path).name} failed: {error}") from error
        return Report("COMPLETE", COMPLETED, tuple(found))


def find_scanner() -> ExternalScanner | None:
    """The first of the two that there is."""
    if path := shutil.which("trivy"):
        return ExternalScanner(
            path, lambda layout: ["image", "--quiet", "--format", "json", "--input", str(layout)], read_trivy
        )
    if path := shutil.which("grype"):
        return ExternalScanner(path, lambda layout: ["--quiet", "-o", "json", f"oci-dir:{layout}"], read_grype)
    return None


def read_trivy(document: Mapping[str, Any]) -> list[Finding]:
    """The vulnerabilities of a trivy report."""
    return [
        Finding(
            name=item["VulnerabilityID"],
            severity=_word(item.get("Severity", "")),
            package=item["PkgName"],
            version=item.get("InstalledVersion", ""),
            description=item.get("Title") or item.get("Description", ""),
            uri=item.get("PrimaryURL", ""),
            fixed_version=item.get("FixedVersion", ""),
            package_manager=str(result.get("Type", "")).upper(),
            path=item.get("PkgPath", ""),
        )
        for result in document.get("Results") or ()
        for item in result.get("Vulnerabilities") or ()
    ]


def read_grype(document: Mapping[str, Any]) -> list[Finding]:
    """The matches of a grype report."""
    found = []
    for match in document["matches"]:
        item, artifact = match["vulnerability"], match["artifact"]
        places = artifact.get("locations") or [{}]
        found.append(
            Finding(
                name=item["id"],
                severity=_word(item.get("severity", "")),
                package=artifact["name"],
                version=artifact.get("version", ""),
                description=item.get("description", ""),
                uri=item.get("dataSource", ""),
                fixed_version=next(iter((item.get("fix") or {}).get("versions") or ()), ""),
                package_manager=str(artifact.get("type", "")).upper(),
                path=places[0].get("path", ""),
            )
        )
    return found


def _word(text: str) -> str:
    known = {"NEGLIGIBLE": "INFORMATIONAL", "UNKNOWN": "UNDEFINED", "": "UNDEFINED"}
    return known.get(text.upper(), text.upper())


def _write_layout(folder: Path, manifest: bytes, media_type: str, blobs: Sequence[Path]) -> None:
    digest = hashlib.sha256(manifest).hexdigest()
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)
    (store / digest).write_bytes(manifest)
    for blob in blobs:
        (store / blob.name).symlink_to(blob)
    entry = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(manifest)}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")

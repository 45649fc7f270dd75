"""Which scanner looks at an image: a real one on the PATH (trivy, grype), or else the user's vulnerability feed.

Without either the answer is FAILED and says what is missing: an empty list of findings would look like a clean image.
All of this blocks, and is called in a thread.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emulator.ecr.scanning.external import ExternalScannerError, find_scanner
from emulator.ecr.scanning.feed import Feed, UnusableFeedError, load_feed
from emulator.ecr.scanning.findings import COMPLETED, UNSUPPORTED, Report
from emulator.ecr.scanning.layer_files import telling_files
from emulator.ecr.scanning.packages import Package, packages_of, unreadable_databases
from emulator.ecr.scanning.tar_stream import UnreadableLayerError

NO_SOURCE = (
    "Nothing can scan: neither trivy nor grype is on the server's PATH, "
    "and no vulnerability feed is set (ASHORE_VULNERABILITY_FEED)."
)


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """An image as files on the disk."""

    manifest: bytes
    media_type: str
    config: Path
    layers: tuple[Path, ...]
    """The lowest first."""


def scan(image: ImageFiles, feed_path: Path | None) -> Report:
    """Look at the image by the best means that there are."""
    scanner = find_scanner()
    try:
        if scanner is not None:
            return scanner.scan(image.manifest, image.media_type, [image.config, *image.layers])
        if feed_path is None:
            return Report("FAILED", NO_SOURCE)
        return _by_feed(image, load_feed(feed_path))
    except (UnreadableLayerError, UnusableFeedError, ExternalScannerError) as error:
        return Report("FAILED", str(error))


def _by_feed(image: ImageFiles, feed: Feed) -> Report:
    files = telling_files(image.layers)
    try:
        packages = packages_of(files)
    except ValueError as error:
        return Report("FAILED", str(error))
    if not packages:
        unread = unreadable_databases(files)
        return Report(
            "UNSUPPORTED_IMAGE", f"{UNSUPPORTED} ({unread[0]} has an older format)" if unread else UNSUPPORTED
        )
    covered = [package for package in packages if feed.covers(package)]
    missing = _names(package for package in packages if not feed.covers(package))
    if not covered:
        return Report("FAILED", f"The vulnerability feed says nothing about {missing}, of which the image is made.")
    description = f"{COMPLETED} The vulnerability feed says nothing about {missing}." if missing else COMPLETED
    return Report("COMPLETE", description, tuple(feed.findings(covered)), feed.modified_at)


def _names(packages: Iterable[Package]) -> str:
    return ", ".join(sorted({package.ecosystem or "an unknown distribution" for package in packages}))

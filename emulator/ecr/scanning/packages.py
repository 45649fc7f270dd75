"""Which packages the files of an image tell of. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Literal

from emulator.ecr.scanning.rpm_database import rpm_packages

Kind = Literal["dpkg", "apk", "rpm", "pypi", "npm"]
_DISTRIBUTIONS = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "alpine": "Alpine",
    "rhel": "Red Hat",
    "rocky": "Rocky Linux",
    "almalinux": "AlmaLinux",
    "fedora": "Fedora",
    "amzn": "Amazon Linux",
    "opensuse-leap": "openSUSE",
    "sles": "SUSE",
    "wolfi": "Wolfi",
    "chainguard": "Chainguard",
}
"""`ID` of os-release → the ecosystem as OSV names it."""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package."""

    kind: Kind
    ecosystem: str
    """As OSV names it, with the release where it has one: `Debian:12`, `Alpine:v3.20`, `PyPI`, `npm`."""
    name: str
    version: str
    path: str
    """The file that tells of it."""
    source: str = ""
    """The source package that it was made from; databases of distributions name these."""
    source_version: str = ""
    architecture: str = ""


def packages_of(files: Mapping[str, bytes]) -> list[Package]:
    """All packages, in the order of paths."""
    system = _system(files)
    found: list[Package] = []
    for path in sorted(files):
        content = files[path]
        if "dpkg/status" in path:
            found.extend(_dpkg(path, content, system))
        elif path.endswith("apk/db/installed"):
            found.extend(_apk(path, content, system))
        elif path.endswith("rpm/rpmdb.sqlite"):
            found.extend(
                Package("rpm", system, item.name, item.version, path, item.source, architecture=item.architecture)
                for item in rpm_packages(content)
            )
        elif path.endswith(("/METADATA", "/PKG-INFO")):
            found.extend(_python(path, content))
        elif path.endswith("/package.json"):
            found.extend(_node(path, content))
    return found


def unreadable_databases(files: Mapping[str, bytes]) -> list[str]:
    """Package databases in formats that are not read here (Berkeley DB and ndb of older rpm)."""
    return [path for path in sorted(files) if path.endswith(("rpm/Packages", "rpm/Packages.db"))]


def _system(files: Mapping[str, bytes]) -> str:
    text = (files.get("etc/os-release") or files.get("usr/lib/os-release") or b"").decode(errors="replace")
    fields = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    name, release = fields.get("ID", "").strip("\"'"), fields.get("VERSION_ID", "").strip("\"'")
    ecosystem = _DISTRIBUTIONS.get(name, name)
    if name == "alpine":
        release = "v" + ".".join(release.split(".")[:2])
    return f"{ecosystem}:{release}" if release and ecosystem else ecosystem


def _dpkg(path: str, content: bytes, system: str) -> Iterator[Package]:
    for fields in _paragraphs(content):
        installed = fields.get("Status", "install ok installed").endswith(" installed")
        if not installed or "Package" not in fields or "Version" not in fields:
            continue
        source, _, version = fields.get("Source", fields["Package"]).partition(" ")
        yield Package(
            "dpkg",
            system,
            fields["Package"],
            fields["Version"],
            path,
            source,
            version.strip("()") or fields["Version"],
            fields.get("Architecture", ""),
        )


def _apk(path: str, content: bytes, system: str) -> Iterator[Package]:
    for paragraph in content.decode(errors="replace").split("\n\n"):
        fields = {line[:1]: line[2:] for line in paragraph.splitlines() if line[1:2] == ":" and line[:1] in "PVoA"}
        if "P" in fields and "V" in fields:
            origin = fields.get("o", fields["P"])
            yield Package("apk", system, fields["P"], fields["V"], path, origin, fields["V"], fields.get("A", ""))


def _python(path: str, content: bytes) -> Iterator[Package]:
    headers = HeaderParser().parsestr(content.decode(errors="replace"))
    if headers["Name"] and headers["Version"]:
        yield Package("pypi", "PyPI", headers["Name"], headers["Version"], path)


def _node(path: str, content: bytes) -> Iterator[Package]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return  # a test fixture of some package: npm itself would refuse it
    if isinstance(document, dict):
        name, version = document.get("name"), document.get("version")
        if isinstance(name, str) and isinstance(version, str):
            yield Package("npm", "npm", name, version, path)


def _paragraphs(content: bytes) -> Iterator[dict[str, str]]:
    for paragraph in content.decode(errors="replace").split("\n\n"):
        lines = (line for line in paragraph.splitlines() if line[:1] not in {" ", "\t"} and ":" in line)
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if fields:
            yield fields

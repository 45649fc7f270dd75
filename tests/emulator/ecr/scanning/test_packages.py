"""Which packages are found."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.ecr.scanning.packages import packages_of, unreadable_databases
from tests.emulator.ecr.scanning.images import FILES, rpm_database


def test_dpkg() -> None:
    found = packages_of(FILES)
    assert [(item.name, item.version, item.source, item.source_version, item.ecosystem) for item in found] == [
        ("libssl3", "3.0.11-1~deb12u2+b1", "openssl", "3.0.11-1~deb12u2", "Debian:12"),
        ("bash", "5.2.15-2+b2", "bash", "5.2.15-2+b2", "Debian:12"),
    ]


def test_distroless_has_one_file_a_package() -> None:
    files = {
        "etc/os-release": FILES["etc/os-release"],
        "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 1\n",
    }
    assert [item.name for item in packages_of(files)] == ["tzdata"]


def test_apk() -> None:
    database = b"C:Q1\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\n\nP:musl\nV:1.2.4-r2\n"
    files = {"etc/os-release": b"ID=alpine\nVERSION_ID=3.18.6\n", "lib/apk/db/installed": database}
    assert [(item.name, item.version, item.source, item.ecosystem) for item in packages_of(files)] == [
        ("libcrypto3", "3.1.4-r5", "openssl", "Alpine:v3.18"),
        ("musl", "1.2.4-r2", "musl", "Alpine:v3.18"),
    ]


def test_rpm(tmp_path: Path) -> None:
    database = rpm_database(tmp_path, ("openssl-libs", "3.0.7", "24.el9", 1), ("bash", "5.1.8", "6.el9", None))
    files = {"etc/os-release": b'ID="rocky"\nVERSION_ID="9.3"\n', "var/lib/rpm/rpmdb.sqlite": database}
    assert [(item.name, item.version, item.ecosystem) for item in packages_of(files)] == [
        ("openssl-libs", "1:3.0.7-24.el9", "Rocky Linux:9.3"),
        ("bash", "5.1.8-6.el9", "Rocky Linux:9.3"),
    ]


def test_a_damaged_rpm_database_is_told() -> None:
    with pytest.raises(ValueError, match="damaged"):
        packages_of({"var/lib/rpm/rpmdb.sqlite": b"x" * 5000})


def test_older_rpm_databases_are_known_not_to_be_read() -> None:
    assert unreadable_databases({"var/lib/rpm/Packages": b"", "etc/os-release": b""}) == ["var/lib/rpm/Packages"]


def test_python_and_node() -> None:
    files = {
        "usr/lib/python3/site-packages/Jinja2-3.1.2.dist-info/METADATA": b"Name: Jinja2\nVersion: 3.1.2\n\nText",
        "app/node_modules/@x/y/package.json": json.dumps({"name": "@x/y", "version": "1.0.0"}).encode(),
        "app/node_modules/broken/package.json": b"{",
        "app/node_modules/nameless/package.json": b'{"version": "1"}',
    }
    assert [(item.kind, item.name, item.version) for item in packages_of(files)] == [
        ("npm", "@x/y", "1.0.0"),
        ("pypi", "Jinja2", "3.1.2"),
    ]


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this machine has no dpkg")
def test_this_machines_own_database() -> None:
    files = {"etc/os-release": Path("/etc/os-release").read_bytes()}
    files["var/lib/dpkg/status"] = Path("/var/lib/dpkg/status").read_bytes()
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${source:Package} ${source:Version}\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    expected = sorted(line.removeprefix("installed ") for line in told.splitlines() if line.startswith("installed "))
    found = [f"{item.name} {item.version} {item.source} {item.source_version}" for item in packages_of(files)]
    assert sorted(found) == expected

"""What is read of layers, and what is refused."""

import gzip
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.ecr.scanning import layer_files, tar_stream
from emulator.ecr.scanning.layer_files import telling_files
from emulator.ecr.scanning.tar_stream import UnreadableLayerError, entries_of
from tests.emulator.ecr.scanning.images import tar

NAMES = st.text("abc/é.", min_size=1, max_size=200).filter(
    lambda name: name.strip("/.") == name and "//" not in name and "./" not in name
)


def layer(folder: Path, content: bytes, name: str = "layer") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(files=st.dictionaries(NAMES, st.binary(max_size=1500), max_size=4), compressed=st.booleans())
def test_it_reads_what_tarfile_writes(tmp_path: Path, kind: int, files: dict[str, bytes], *, compressed: bool) -> None:
    path = layer(tmp_path, tar(files, compressed=compressed, format=kind))
    assert {entry.path: entry.read() for entry in entries_of(path)} == files


def test_what_is_not_read_is_passed_by(tmp_path: Path) -> None:
    path = layer(tmp_path, tar({"a": b"x" * 3000, "b/": b"", "c": b"y"}))
    assert [(entry.path, entry.is_file) for entry in entries_of(path)] == [("a", True), ("b", False), ("c", True)]


@pytest.mark.parametrize(
    "content",
    [
        b"no tar at all" * 100,
        tar({"a": b"x" * 3000})[:1000],
        gzip.compress(tar({"a": b"x" * 3000}))[:40],
        b"\x28\xb5\x2f\xfd" + b"zstd",
    ],
    ids=["no tar", "torn tar", "torn gzip", "zstd"],
)
def test_damage_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableLayerError):
        list(entries_of(layer(tmp_path, content)))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_stream, "_MOST_BYTES", 1 << 20)
    path = layer(tmp_path, tar({"zeros": bytes(8 << 20)}, compressed=True))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(UnreadableLayerError, match="more than"):
        list(entries_of(path))


def test_an_endless_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLayerError, match="endless header"):
        list(entries_of(layer(tmp_path, tar({"a" * (2 << 20): b""}))))


def test_a_database_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_files, "_MOST_FILE", 1000)
    with pytest.raises(UnreadableLayerError, match="too large"):
        telling_files([layer(tmp_path, tar({"var/lib/dpkg/status": b"x" * 1001}))])


def test_upper_layers_hide_and_replace(tmp_path: Path) -> None:
    lower = {
        "var/lib/dpkg/status": b"old",
        "var/lib/dpkg/status.d/a": b"a",
        "app/node_modules/x/package.json": b"{}",
        "etc/passwd": b"not told",
        "lib/apk/db/installed": b"apk",
    }
    upper = {
        "./var/lib/dpkg/status": b"new",
        "var/lib/dpkg/status.d/.wh.a": b"",
        "app/.wh..wh..opq": b"",
        "app/node_modules/y/package.json": b"[]",
        "lib/.wh.apk": b"",
    }
    paths = [layer(tmp_path, tar(files), str(number)) for number, files in enumerate((lower, upper))]
    assert telling_files(paths) == {"var/lib/dpkg/status": b"new", "app/node_modules/y/package.json": b"[]"}

"""Archives of every kind become a folder or a named refusal, and no file is ever outside."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.beanstalk.bundles.errors import (
    BrokenArchiveError,
    BundleRefusedError,
    CollidingEntriesError,
    EncryptedArchiveError,
    TooLargeError,
    UnsafeEntryError,
)
from emulator.beanstalk.bundles.unpacking import Limits, unpack

Member = tuple[str, int, bytes]
"""Name, Unix mode, content."""


def zipped(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name  # unlike the constructor, nothing is cleaned
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
            archive.writestr(info, content)
    return stream.getvalue()


def file(name: str, content: bytes = b"content", mode: int = 0o644) -> Member:
    return name, stat.S_IFREG | mode, content


def link(name: str, target: str) -> Member:
    return name, stat.S_IFLNK | 0o777, target.encode()


class Place:
    """Where bundles are unpacked, with something beside it that must stay as it is."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "place" / "bundle"
        self.folder.parent.mkdir(parents=True)
        (root / "outside").write_text("untouched")

    def unpack(self, content: bytes, name: str = "app.zip", limits: Limits | None = None) -> Path:
        archive = self.root / "archive"
        archive.write_bytes(content)
        unpack(archive, name, self.folder, limits or Limits())
        return self.folder

    def refused(self, content: bytes, name: str = "app.zip", limits: Limits | None = None) -> BundleRefusedError:
        with pytest.raises(BundleRefusedError) as caught:
            self.unpack(content, name, limits)
        assert list(self.folder.parent.iterdir()) == []
        self.check()
        return caught.value

    def check(self) -> None:
        assert sorted(path.name for path in self.root.iterdir()) == ["archive", "outside", "place"]
        assert (self.root / "outside").read_text() == "untouched"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_files_folders_links_and_modes(place: Place) -> None:
    folder = place.unpack(
        zipped(
            file("Dockerfile", b"FROM x"),
            file("bin/run", b"#!/bin/sh", 0o4755),
            ("empty/", stat.S_IFDIR | 0o700, b""),
            link("bin/start", "run"),
            link("docs", "./bin/../bin"),
        )
    )
    assert (folder / "Dockerfile").read_bytes() == b"FROM x"
    assert stat.S_IMODE((folder / "bin/run").stat().st_mode) & 0o7111 == 0o111
    assert not os.access(folder / "Dockerfile", os.X_OK)
    assert (folder / "empty").is_dir()
    assert (folder / "docs" / "start").read_bytes() == b"#!/bin/sh"
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_bundle_is_unpacked_once(place: Place) -> None:
    folder = place.unpack(zipped(file("a")))
    assert place.unpack(b"nothing that is looked at") == folder
    assert (folder / "a").read_bytes() == b"content"


def test_more_files_than_are_put_on_the_disk_one_by_one(place: Place) -> None:
    folder = place.unpack(zipped(*(file(f"package-{number}/index.js") for number in range(300))))
    assert len(list(folder.iterdir())) == 300


def test_what_a_crash_left_is_removed(place: Place) -> None:
    half = place.folder.with_name(".bundle.half")
    half.mkdir()
    (half / "old").write_text("half")
    folder = place.unpack(zipped(file("new")))
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert not half.exists()


@pytest.mark.parametrize(
    ("name", "content", "single"),
    [
        ("app/2021-Dockerfile", b"FROM x\nEXPOSE 80\n", "Dockerfile"),
        ("app/Dockerrun.aws.json", b'{"AWSEBDockerrunVersion": "1"}', "Dockerrun.aws.json"),
        ("app/docker-compose.yml", b"services: {}", "docker-compose.yml"),
        ("app/v1", b' {"AWSEBDockerrunVersion": "1"}', "Dockerrun.aws.json"),
        ("app/web.jar", zipped(file("META-INF/MANIFEST.MF")), "application.jar"),
    ],
)
def test_single_files(place: Place, name: str, content: bytes, single: str) -> None:
    folder = place.unpack(content, name)
    assert [path.name for path in folder.iterdir()] == [single]
    assert (folder / single).read_bytes() == content


def test_a_war_is_unpacked(place: Place) -> None:
    assert (place.unpack(zipped(file("WEB-INF/web.xml")), "app.war") / "WEB-INF" / "web.xml").exists()


@pytest.mark.parametrize(
    "member",
    [
        file("../outside"),
        file("a/../../outside"),
        file("/etc/passwd"),
        file("C:/windows"),
        file("C:evil"),
        file("a\\b"),
        file("..\\outside"),
        file("a" * 300),
        file("/".join(["abcdefgh"] * 500)),
        link("link", "../../outside"),
        link("link", "/etc/passwd"),
        link("link", ""),
        link("link", "x" * 5000),
        ("device", stat.S_IFCHR | 0o666, b""),
        ("block", stat.S_IFBLK | 0o666, b""),
        ("pipe", stat.S_IFIFO | 0o666, b""),
        ("socket", stat.S_IFSOCK | 0o666, b""),
    ],
    ids=lambda member: member[0][:20],
)
def test_what_leaves_the_folder_is_refused(place: Place, member: Member) -> None:
    assert isinstance(place.refused(zipped(file("good"), member)), UnsafeEntryError)


def test_links_through_links_are_followed_to_their_end(place: Place) -> None:
    members = [file("p/q/r/file"), link("p/q/r/top", "../../.."), link("way", "p/q/r/top/../../outside")]
    assert isinstance(place.refused(zipped(*members)), UnsafeEntryError)


def test_nothing_is_written_through_a_link(place: Place) -> None:
    for members in ([link("a", "b"), file("a/x")], [file("a/x"), link("a", "b")]):
        assert isinstance(place.refused(zipped(*members)), CollidingEntriesError)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "members",
    [
        [file("a"), file("a")],
        [file("a"), file("./a")],
        [file("a"), file("a/b")],
        [file("a"), ("a/", stat.S_IFDIR | 0o755, b"")],
        [file("caf\u00e9"), file("cafe\u0301")],
    ],
)
def test_names_that_collide(place: Place, members: list[Member]) -> None:
    assert isinstance(place.refused(zipped(*members)), CollidingEntriesError)


def test_a_bomb_is_stopped_while_it_comes_out(place: Place) -> None:
    limits = Limits(free=1024 * 1024)
    bomb = zipped(file("zeros", bytes(40 * 1024 * 1024)))
    assert isinstance(place.refused(bomb, limits=limits), TooLargeError)
    assert isinstance(place.refused(bomb, limits=Limits(unpacked=1024)), TooLargeError)


def test_a_bomb_that_lies_about_its_size(place: Place) -> None:
    bomb = bytearray(zipped(file("zeros", bytes(4 * 1024 * 1024))))
    central = bomb.rindex(b"PK\x01\x02")
    bomb[central + 24 : central + 28] = struct.pack("<I", 10)
    assert isinstance(place.refused(bytes(bomb), limits=Limits(free=1024)), BrokenArchiveError)


def test_entries_that_share_their_bytes(place: Place) -> None:
    whole = zipped(file("a", os.urandom(500)), file("b", os.urandom(500)))
    forged = bytearray(whole)
    second = forged.rindex(b"PK\x01\x02")
    forged[second + 42 : second + 46] = struct.pack("<I", 0)
    assert isinstance(place.refused(bytes(forged)), CollidingEntriesError)


def test_limits(place: Place) -> None:
    assert isinstance(place.refused(zipped(file("a"), file("b")), limits=Limits(files=1)), TooLargeError)
    assert isinstance(place.refused(zipped(file("a/b/c/d")), limits=Limits(files=3)), TooLargeError)
    assert isinstance(place.refused(zipped(file("a")), limits=Limits(archive=10)), TooLargeError)


def test_a_bundle_of_a_gibibyte_is_refused_at_once(place: Place) -> None:
    huge = place.root / "archive"
    with huge.open("wb") as stream:
        stream.truncate(1024**3)
    with pytest.raises(
        TooLargeError, match=r"extract the source bundle: it is larger than 512 MB\. The deployment failed\.$"
    ):
        unpack(huge, "app.zip", place.folder)
    assert list(place.folder.parent.iterdir()) == []


def test_encrypted_and_unknown_methods(place: Place) -> None:
    encrypted = bytearray(zipped(file("secret")))
    central = encrypted.rindex(b"PK\x01\x02")
    for at in (6, central + 8):
        encrypted[at] |= 1
    assert isinstance(place.refused(bytes(encrypted)), EncryptedArchiveError)
    assert isinstance(place.refused(zipped(file("a"), method=zipfile.ZIP_LZMA)), BrokenArchiveError)


def test_every_truncation_is_refused_or_whole(place: Place) -> None:
    whole = zipped(file("a/b", b"some content"), link("l", "a/b"))
    for size in range(len(whole)):
        assert isinstance(place.refused(whole[:size]), BundleRefusedError)


def test_memory_does_not_grow_with_the_bundle(place: Place) -> None:
    content = zipped(file("big", os.urandom(32 * 1024 * 1024)), method=zipfile.ZIP_STORED)
    archive = place.root / "archive"
    archive.write_bytes(content)
    del content
    tracemalloc.start()
    unpack(archive, "app.zip", place.folder)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * 1024 * 1024


_names = st.one_of(
    st.lists(
        st.sampled_from(["a", "b", "..", ".", "", "c:", "x\\y", "\u00e9", "e\u0301", "A"]), min_size=1, max_size=5
    ).map("/".join),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)
_modes = st.sampled_from([
    stat.S_IFREG | 0o644, stat.S_IFREG | 0o6755, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755, stat.S_IFCHR | 0o666, 0,
])  # fmt: skip
_targets = st.lists(st.sampled_from(["a", "b", "..", ".", "", "A"]), max_size=6).map("/".join)
_members = st.lists(
    st.tuples(_names, _modes, _targets.map(str.encode)).filter(lambda member: "\x00" not in member[0]), max_size=8
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=_members)
def test_no_file_is_ever_written_outside(tmp_path_factory: pytest.TempPathFactory, members: list[Member]) -> None:
    place = Place(tmp_path_factory.mktemp("any"))
    try:
        folder = place.unpack(zipped(*members))
    except BundleRefusedError:
        assert list(place.folder.parent.iterdir()) == []
    else:
        for root, folders, files in os.walk(folder):
            for name in folders + files:
                ends = Path(os.path.realpath(Path(root, name)))  # unlike resolve, it takes links in a circle
                assert ends == folder.resolve() or folder.resolve() in ends.parents
                assert not Path(root, name).lstat().st_mode & 0o7000
    place.check()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_archives_give_a_folder_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(zipped(file("a/b", b"some content" * 20), link("l", "a/b"), file("c", b"x")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    place = Place(tmp_path_factory.mktemp("any"))
    try:
        place.unpack(bytes(whole))
    except BundleRefusedError:
        assert list(place.folder.parent.iterdir()) == []
    place.check()

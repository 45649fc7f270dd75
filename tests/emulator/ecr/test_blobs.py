"""Files of layers."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ecr.blobs import Blobs, UploadBusyError, digest_of, is_digest


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    store = Blobs(tmp_path)
    store.begin("upload")
    return store


def test_the_digest_runs_along(blobs: Blobs) -> None:
    blobs.append("upload", [b"one", b"", b"two"])
    blobs.append("upload", [b"three"])
    assert blobs.digest("upload") == digest_of(b"onetwothree")


def test_after_a_restart_it_is_worked_out_anew(blobs: Blobs, tmp_path: Path) -> None:
    blobs.append("upload", [b"one"])
    again = Blobs(tmp_path)
    again.append("upload", [b"two"])
    assert again.digest("upload") == digest_of(b"onetwo")


def test_publishing_names_the_file_by_its_content(blobs: Blobs, tmp_path: Path) -> None:
    blobs.append("upload", [b"one"])
    blobs.seal("upload")
    digest = blobs.digest("upload")
    blobs.publish("upload", digest)
    name = hashlib.sha256(b"one").hexdigest()
    assert (tmp_path / "blobs" / "sha256" / name[:2] / name).read_bytes() == b"one"
    assert (list(blobs.stored()), list(blobs.uploading())) == ([digest], ["upload"])
    blobs.discard("upload")
    assert (list(blobs.stored()), list(blobs.uploading())) == ([digest], [])


def test_a_digest_of_another_algorithm_is_worked_out(blobs: Blobs, tmp_path: Path) -> None:
    blobs.append("upload", [b"one"])
    digest = blobs.digest("upload", "sha512")
    assert digest == f"sha512:{hashlib.sha512(b'one').hexdigest()}"
    blobs.publish("upload", digest)
    assert list(blobs.stored()) == [digest]
    assert blobs.path(digest).is_relative_to(tmp_path / "blobs" / "sha512")


def test_an_upload_whose_commit_failed_does_not_change_the_blob(blobs: Blobs) -> None:
    blobs.append("upload", [b"one"])
    digest = blobs.digest("upload")
    blobs.publish("upload", digest)
    blobs.append("upload", [b"more"])
    assert blobs.path(digest).read_bytes() == b"one"
    assert blobs.digest("upload") == digest_of(b"onemore")


def test_a_blob_cut_short_is_replaced(blobs: Blobs) -> None:
    blobs.append("upload", [b"whole"])
    digest = blobs.digest("upload")
    blobs.publish("upload", digest)
    blobs.path(digest).unlink()
    blobs.path(digest).write_bytes(b"wh")
    blobs.publish("upload", digest)
    assert blobs.path(digest).read_bytes() == b"whole"


def test_what_is_cut_is_not_hashed(blobs: Blobs) -> None:
    blobs.append("upload", [b"one", b"two"])
    blobs.cut("upload", 3)
    assert blobs.digest("upload") == digest_of(b"one")


def test_a_refused_write_leaves_the_upload_as_it_was(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs.append("upload", [b"one"])
    write = os.writev

    def refuse(descriptor: int, pieces: list[memoryview]) -> int:
        if pieces[0].tobytes() == b"three":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, pieces[:1])  # a write by parts, too

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", refuse)
        with pytest.raises(OSError, match="No space"):
            blobs.append("upload", [b"two", b"three"])
    assert blobs.size("upload") == 3
    blobs.append("upload", [b"two"])
    assert blobs.digest("upload") == digest_of(b"onetwo")


def test_one_writer_at_a_time(blobs: Blobs) -> None:
    with blobs.claim("upload"), pytest.raises(UploadBusyError), blobs.claim("upload"):
        pass
    with blobs.claim("upload"):
        pass


@given(st.text() | st.from_regex(r"sha(256|512):[0-9a-fA-F./]{60,130}"))
def test_only_a_digest_becomes_a_path(text: str) -> None:
    blobs = Blobs(Path("/nowhere"))
    if is_digest(text):
        assert blobs.path(text).parent.parent.parent == Path("/nowhere/blobs")
    else:
        with pytest.raises(ValueError, match="not a digest"):
            blobs.path(text)

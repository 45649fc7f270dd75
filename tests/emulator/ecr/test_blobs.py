"""Files of layers."""

import hashlib
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
    assert (list(blobs.stored()), list(blobs.uploading())) == ([digest], [])


def test_one_writer_at_a_time(blobs: Blobs) -> None:
    with blobs.claim("upload"), pytest.raises(UploadBusyError), blobs.claim("upload"):
        pass
    with blobs.claim("upload"):
        pass


@given(st.text() | st.from_regex(r"sha256:[0-9a-fA-F./]{60,66}"))
def test_only_a_digest_becomes_a_path(text: str) -> None:
    blobs = Blobs(Path("/nowhere"))
    if is_digest(text):
        assert blobs.path(text).parent.parent == Path("/nowhere/blobs/sha256")
    else:
        with pytest.raises(ValueError, match="not a digest"):
            blobs.path(text)

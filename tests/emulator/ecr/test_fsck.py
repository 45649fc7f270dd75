"""The check of the whole registry finds what is wrong, and nothing else."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.fsck import Fault, Problem, Progress, StoredImage, check, check_image
from emulator.ecr.images import put_image
from emulator.ecr.manifests import OCI_MANIFEST
from emulator.ecr.repositories import create_repository, find_repository
from emulator.ecr.uploads import find_layer
from emulator.emulator import Emulator
from emulator.state.ecr import ImageReferenceRow, ImageRow, ImageTagRow, LayerRow
from tests.emulator.ecr.emulators import (
    ACCOUNT,
    CONFIG,
    REGION,
    add_image,
    add_layer,
    image_manifest,
    index_manifest,
    text,
)

LAYER = digest_of(b"layer")


@pytest.fixture
def filled(emulator: Emulator) -> Emulator:
    """A server with an image and an index of it."""
    with emulator.transaction(ACCOUNT, REGION) as context:
        create_repository(context, {"repositoryName": "app"})
        manifest = add_image(context, "app")
        for document, tag in ((manifest, "v1"), (text(index_manifest([manifest])), "all")):
            put_image(context, {"repositoryName": "app", "imageManifest": document, "imageTag": tag})
    return emulator


def problems(emulator: Emulator, *, repair: bool = False) -> list[Problem]:
    async def run() -> list[Problem]:
        return [step async for step in check(emulator, repair=repair) if isinstance(step, Problem)]

    return asyncio.run(run())


def faults(emulator: Emulator) -> list[tuple[Fault, str]]:
    return [(problem.fault, problem.subject) for problem in problems(emulator)]


def test_a_whole_registry(filled: Emulator) -> None:
    async def run() -> list[Problem | Progress]:
        return [step async for step in check(filled)]

    assert asyncio.run(run())[-1] == Progress(2, 2, len(CONFIG) + len(b"layer"))
    assert problems(filled) == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"lay", Fault.FILE_TORN), (b"LAYER", Fault.FILE_CORRUPT), (None, Fault.FILE_MISSING)],
)
def test_files(filled: Emulator, content: bytes | None, fault: Fault) -> None:
    path = blobs_of(filled).path(LAYER)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert faults(filled) == [(fault, LAYER)]


def test_repair_lets_the_next_push_bring_the_layer_anew(filled: Emulator) -> None:
    blobs_of(filled).path(LAYER).write_bytes(b"LAYER")
    assert len(problems(filled, repair=True)) == 1
    with filled.transaction(ACCOUNT, REGION) as context:
        assert find_layer(context, find_repository(context, "app"), LAYER) is None
        add_layer(context, "app", b"layer")
    assert problems(filled) == []


def test_rows(filled: Emulator) -> None:
    with filled.store.begin() as session:
        session.execute(delete(LayerRow).where(LayerRow.digest == LAYER))
        session.execute(update(ImageTagRow).where(ImageTagRow.tag == "all").values(digest="sha256:gone"))
        session.execute(delete(ImageReferenceRow).where(ImageReferenceRow.kind == "manifest"))
    found = faults(filled)
    assert {fault for fault, _ in found} == {Fault.LAYER_UNLINKED, Fault.TAG_DANGLING, Fault.REFERENCES_WRONG}


def test_an_index_that_lacks_an_image(filled: Emulator) -> None:
    with filled.store.begin() as session:
        session.execute(delete(ImageRow).where(ImageRow.digest == digest_of(text(image_manifest([b"layer"])).encode())))
    assert {fault for fault, _ in faults(filled)} == {Fault.IMAGE_MISSING, Fault.TAG_DANGLING}


@pytest.mark.parametrize("content", [b"{}", b"changed"])
def test_manifests(content: bytes) -> None:
    digest = digest_of(b"{}")
    (problem,) = check_image(StoredImage("app", digest, content, OCI_MANIFEST, {}), (), ())
    assert (problem.fault, problem.subject) == (Fault.MANIFEST_CORRUPT, digest)


def test_what_is_on_the_way_is_no_fault(filled: Emulator, tmp_path: Path) -> None:
    (tmp_path / "ecr" / "uploads").mkdir(exist_ok=True)
    (tmp_path / "ecr" / "uploads" / "stray").write_bytes(b"half")
    assert problems(filled) == []

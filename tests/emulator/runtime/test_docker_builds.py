"""The context of a build, and what only an engine shows of one."""

import asyncio
import io
import os
import tarfile
import tracemalloc
from pathlib import Path
from uuid import uuid4

import pytest

from emulator.runtime.builds import BuildSpec, context_stream
from emulator.runtime.docker_builds import context_paths
from tests.docker.engine_stage import docker
from tests.emulator.runtime.stages import docker_stage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in {
        "Dockerfile": "FROM x", ".dockerignore": "# c\n*.log\n!keep.log\nsecret/\n**/cache\n", "a.log": "", "keep.log": "",
        "secret/key": "", "src/cache/x": "", "src/run": "#!/bin/sh", "own/Dockerfile": "FROM y",
    }.items():  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "src/run").chmod(0o755)
    (tmp_path / "link").symlink_to("nowhere")
    return tmp_path


def members(build: BuildSpec) -> dict[str, tarfile.TarInfo]:
    content = b"".join(context_stream(build, context_paths(build)))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_dockerignore_holds(folder: Path) -> None:
    found = members(BuildSpec("a", folder, "Dockerfile", {}))
    assert sorted(found) == [
        ".dockerignore", "Dockerfile", "keep.log", "link", "own", "own/Dockerfile", "src", "src/run",
    ]  # fmt: skip
    assert (found["src/run"].mode, found["link"].linkname, found["src"].isdir()) == (0o755, "nowhere", True)


def test_further_files_stand_in_place_of_those_of_the_folder(folder: Path) -> None:
    build = BuildSpec(
        "a", folder, "Dockerfile", {}, files={"Dockerfile": (b"FROM z", 0o600), "new": (b"n", 0o755)}, ignore=False
    )
    content = b"".join(context_stream(build, context_paths(build)))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        dockerfile = archive.extractfile("Dockerfile")
        assert dockerfile is not None
        assert dockerfile.read() == b"FROM z"
        names = archive.getnames()
        assert names.count("Dockerfile") == 1
        assert {"a.log", "secret/key", "src/cache/x", "new"} <= set(names)


def test_a_context_is_never_whole_in_memory(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1024) * 1024 * 64)
    tracemalloc.start()
    size = sum(len(piece) for piece in context_stream(BuildSpec("a", tmp_path, "Dockerfile", {}), ["big"]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 64 * 1024 * 1024
    assert most < 2 * 1024 * 1024


@pytest.mark.docker
def test_arguments_target_and_what_is_in_the_image(busybox: str, folder: Path) -> None:
    async def play() -> str:
        async with docker_stage(busybox) as stage:
            text = f"FROM {busybox} AS one\nARG LEVEL\nCOPY . /app\nRUN echo $LEVEL > /level\nFROM {busybox}\nCOPY none /\n"
            files = {"made/Dockerfile": (text.encode(), 0o644)}
            build = BuildSpec(
                f"ashore-test/app-{uuid4().hex}:1",
                folder,
                "made/Dockerfile",
                {},
                files,
                {"LEVEL": "high"},
                target="one",
            )
            await stage.runtime.build(build, {}, lambda _line: None)
            return docker(
                "run", "--rm", build.tag, "sh", "-c", "cat /level; ls -A /app; test -x /app/src/run && echo runs"
            )

    found = asyncio.run(play()).split()
    assert (found[0], found[-1]) == ("high", "runs")
    assert sorted(found[1:-1]) == [".dockerignore", "Dockerfile", "keep.log", "link", "made", "own", "src"]


@pytest.mark.docker
def test_a_build_that_is_cancelled_ends_on_the_engine(busybox: str, tmp_path: Path) -> None:
    mark = f"x{uuid4().hex}"

    async def play() -> None:
        async with docker_stage(busybox) as stage:
            text = f"FROM {busybox}\nRUN echo {mark} && sleep 300\n".encode()
            build = BuildSpec(f"ashore-test/{mark}:1", tmp_path, "made", {}, files={"made": (text, 0o644)})
            running = asyncio.Event()
            building = asyncio.create_task(
                stage.runtime.build(build, {}, lambda line: running.set() if line == mark else None)
            )
            async with asyncio.timeout(30):
                await running.wait()
            building.cancel()
            with pytest.raises(asyncio.CancelledError):
                await building
            async with asyncio.timeout(30):
                while mark in docker("ps", "--no-trunc", "--format", "{{.Command}}"):  # noqa: ASYNC110 - the engine tells nobody
                    await asyncio.sleep(0.1)

    asyncio.run(play())
    assert mark not in docker("ps", "-a", "--no-trunc", "--format", "{{.Command}}")

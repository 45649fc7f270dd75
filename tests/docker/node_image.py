"""An image with this machine's own Node.js in it, where it has one."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from tests.docker.python_image import libraries_of
from tests.emulator.runtime import images

NODE = shutil.which("node")


def make(name: str) -> None:
    """`node` with the libraries that it needs, and busybox."""
    assert NODE is not None
    program = Path(NODE).resolve()
    stream = io.BytesIO(images.archive())
    with tarfile.open(fileobj=stream, mode="a") as tar:
        tar.add(program, "usr/bin/node")
        for needed in sorted(libraries_of([program])):
            tar.add(needed.resolve(), str(needed).lstrip("/"))
    subprocess.run(
        ["docker", "import", "--change", "ENV PATH=/usr/bin:/bin", "-", name],
        input=stream.getvalue(), capture_output=True, check=True,
    )  # fmt: skip

"""The image that containers of tests are made from: a static busybox and nothing else."""

import io
import subprocess
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")


def archive() -> bytes:
    """A tar with busybox under all of its names."""
    stream = io.BytesIO()
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    content = BUSYBOX.read_bytes()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        program = tarfile.TarInfo("bin/busybox")
        program.size, program.mode = len(content), 0o755
        tar.addfile(program, io.BytesIO(content))
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return stream.getvalue()


def make(name: str) -> None:
    """Have the engine know the image under this name."""
    subprocess.run(["docker", "import", "-", name], input=archive(), capture_output=True, check=True)


def remove(name: str) -> None:
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=True)

"""An image with this machine's own Python in it, for tests of platforms whose images cannot be pulled: it takes a second."""

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from tests.emulator.runtime import images

_LEFT_OUT = re.compile(
    r"(^|/)(test|tests|__pycache__|site-packages|idlelib|tkinter|ensurepip|lib2to3|config-[^/]*)(/|$)"
)

_ACCOUNTS = {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "etc/group": b"root:x:0:\n"}


def make(name: str) -> None:
    """Python as `python3`, its libraries at their own paths, and busybox."""
    program = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    stream = io.BytesIO(images.archive())
    with tarfile.open(fileobj=stream, mode="a") as tar:
        tar.add(program, str(program).lstrip("/"))
        link = tarfile.TarInfo("usr/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(program)
        tar.addfile(link)
        for path, content in _ACCOUNTS.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.add(library, str(library).lstrip("/"), filter=_kept)
        for needed in sorted(libraries_of([program, *library.glob("lib-dynload/*.so")])):
            tar.add(needed.resolve(), str(needed).lstrip("/"))
    subprocess.run(
        ["docker", "import", "--change", "ENV PATH=/usr/bin:/bin", "-", name],
        input=stream.getvalue(), capture_output=True, check=True,
    )  # fmt: skip


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _LEFT_OUT.search(member.name) else member


def libraries_of(programs: list[Path]) -> set[Path]:
    """Shared libraries and the loader, as `ldd` finds them."""
    found = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=True).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(0x", found, re.MULTILINE)}

"""The pause image: holds a task's network namespace and does nothing else.

It is made here, byte by byte, because no image can be pulled offline: a static ELF program of a few instructions that
calls `pause(2)` for ever, in a tar built in memory. It ignores SIGTERM and is stopped with SIGKILL.
"""

import io
import struct
import tarfile

IMAGE = "ashore/pause:1"

_BASE = 0x400000
_PROGRAMS = {
    "amd64": (62, bytes.fromhex("b8220000000f05ebf7")),
    # mov x8, #73 (ppoll) with no descriptors and no timeout: arm64 has no pause(2)
    "arm64": (183, bytes.fromhex("280980d2000080d2010080d2020080d2030080d2010000d4faffff17")),
}
"""Architecture → (ELF machine number, instructions)."""


def program(architecture: str) -> bytes:
    """A static ELF executable for `amd64` or `arm64`."""
    machine, code = _PROGRAMS[architecture]
    size = 64 + 56 + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9), 2, machine, 1, _BASE + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def archive(architecture: str) -> bytes:
    """A tar with the program as `/pause`."""
    content = program(architecture)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()

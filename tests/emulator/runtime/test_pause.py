"""The pause program: well-formed for each architecture; that it runs, the awsvpc tests show."""

import io
import struct
import tarfile

import pytest

from emulator.runtime.pause import archive, program


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", 62), ("arm64", 183)])
def test_an_elf_program(architecture: str, machine: int) -> None:
    content = program(architecture)
    assert content[:7] == b"\x7fELF\x02\x01\x01"
    kind, found, _, entry, header = struct.unpack_from("<HHIQQ", content, 16)
    assert (kind, found, header) == (2, machine, 64)
    _, flags, _, address, _, size, in_memory = struct.unpack_from("<IIQQQQQ", content, header)
    assert flags == 5
    assert size == in_memory == len(content)
    assert entry - address == 120
    with tarfile.open(fileobj=io.BytesIO(archive(architecture))) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.mode) == ("pause", 0o755)


def test_the_arm_program_loops_over_ppoll() -> None:
    words = struct.unpack("<7I", program("arm64")[120:])
    move = 0xD2800000
    assert words[:5] == tuple(
        move | value << 5 | register for register, value in [(8, 73), (0, 0), (1, 0), (2, 0), (3, 0)]
    )
    assert words[5] == 0xD4000001  # svc #0
    # b: back to the system call's number, which the call leaves alone, or to any instruction before the call
    offset = words[6] & 0x3FFFFFF
    assert words[6] >> 26 == 5
    assert 0 <= 6 + offset - (1 << 26) <= 5

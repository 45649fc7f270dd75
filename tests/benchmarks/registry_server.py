"""A registry in a process of its own, so that its memory can be measured: `python -m tests.benchmarks.registry_server DIR`.

Prints one line, `PORT PASSWORD`, and serves until its standard input ends.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulator.clock import Clock
from tests.api.routes.registry_servers import running_registry

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class RegistryProcess:
    """A running registry."""

    pid: int
    port: int
    password: str | None = field(repr=False)

    @property
    def address(self) -> str:
        """Host and port, as docker writes them."""
        return f"localhost:{self.port}"

    def memory(self) -> int:
        """Resident bytes at this moment."""
        return _status_bytes(self.pid, "VmRSS")

    def peak_memory(self) -> int:
        """The most resident bytes since `forget_peak`."""
        return _status_bytes(self.pid, "VmHWM")

    def forget_peak(self) -> None:
        """Count the peak from here."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


@contextmanager
def registry_process(folder: Path, repositories: Sequence[str]) -> Iterator[RegistryProcess]:
    """Start one with some repositories and stop it at the end."""
    command = [sys.executable, "-m", "tests.benchmarks.registry_server", str(folder), *repositories]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            port, password = process.stdout.readline().split()
            yield RegistryProcess(process.pid, int(port), password)
        finally:
            process.stdin.close()
            process.wait()


def main(folder: str, *repositories: str) -> None:
    """Serve."""
    with running_registry(Path(folder), Clock()) as registry:
        for name in repositories:
            registry.create(name)
        sys.stdout.write(f"{registry.emulator.port} {registry.password}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])

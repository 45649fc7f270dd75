"""The proxy processes of a server, found by who started them."""

from pathlib import Path

from tests.running import RunningServer


def proxies(running: RunningServer) -> list[int]:
    """The Caddy processes of a server that runs."""
    assert running.process is not None
    shells = [pid for pid in _processes() if _parent(pid) == running.process.pid]
    return [pid for pid in _processes() if _parent(pid) in shells and "caddy" in _command(pid)]


def alive(pid: int) -> bool:
    """Whether a process is there."""
    return Path(f"/proc/{pid}").exists()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""

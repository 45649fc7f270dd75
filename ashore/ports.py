"""Who holds a port: told from Linux's `/proc`; elsewhere nobody knows."""

from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"


def holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """`pid 812 (name)` of the process that listens on the TCP port; None where that cannot be seen."""
    wanted = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _inodes(proc / "net" / table, port)}
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if any(str(link.readlink()) in wanted for link in (folder / "fd").iterdir()):
                return f"pid {folder.name} ({(folder / 'comm').read_text(encoding='utf-8').strip()})"
    return None


def _inodes(table: Path, port: int) -> list[str]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [f[9] for f in fields if f[3] == _LISTENING and int(f[1].rpartition(":")[2], 16) == port]

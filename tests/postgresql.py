"""Private PostgreSQL clusters: made from the system's binaries in a temporary folder, on a free loopback port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import free_port, wait_until

_SYSTEM = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """Where `initdb` and `postgres` are; None where there are none."""
    found = sorted(_SYSTEM.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return None if on_path is None else Path(on_path).resolve().parent


@contextmanager
def cluster(tools: Path) -> Iterator[str]:
    """A running cluster; the value is the URL of an empty database. It runs as `nobody` where we are root, as it must."""
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    folder = Path(tempfile.mkdtemp(prefix="ashore-postgresql-"))  # pytest's own folders are closed to other users
    port = free_port()
    try:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        data = folder / "data"
        made = [tools / "initdb", "-D", data, "-U", "ashore", "-A", "trust", "--locale=C.UTF-8", "-N"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)  # type: ignore[call-overload]
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # type: ignore[call-overload]
                [tools / "postgres", "-D", data, "-p", str(port), *options],
                stderr=log,
                stdout=log,
                cwd=folder,
                **as_user,
            )
        asked: list[str | Path] = [tools / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        try:
            wait_until(lambda: subprocess.run(asked, check=False).returncode == 0)
            yield f"postgresql+psycopg://ashore@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing in it is needed again
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

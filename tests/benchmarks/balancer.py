"""Requests a second through a load balancer of ours and through a bare Caddy with a configuration written by hand, in one run.

The backend is a third Caddy, which answers at once, so that the proxies are what is measured. Keep-alive connections, as load
generators use them; a machine of two cores measures all four parties together.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from emulator.balancer.process import find_caddy
from tests.contract.test_balancer import balancer, healthy, target_group, to
from tests.emulator.balancer.backends import Backend
from tests.running import RunningServer, free_port, wait_until

_SECONDS, _CONNECTIONS, _ROUNDS = 4.0, 16, 3


async def _client(port: int, host: str, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    done = 0
    while time.monotonic() < until:
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        done += 1
    writer.close()
    return done


async def _rate(port: int, host: str) -> float:
    until = time.monotonic() + _SECONDS
    return sum(await asyncio.gather(*(_client(port, host, until) for _ in range(_CONNECTIONS)))) / _SECONDS


def _caddy(folder: Path, name: str, port: int, handle: dict[str, Any]) -> subprocess.Popen[bytes]:
    server = {"listen": [f"127.0.0.1:{port}"], "automatic_https": {"disable": True}, "routes": [{"handle": [handle]}]}
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"admin": {"disabled": True}, "apps": {"http": {"servers": {name: server}}}}))
    command = [str(find_caddy()), "run", "--config", str(file)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)})


def _measure(server: RunningServer, folder: Path) -> None:
    back, bare = free_port(), free_port()
    answer = {"handler": "static_response", "status_code": 200, "body": "hello"}
    upstreams = [{"dial": f"127.0.0.1:{back}"}]
    processes = [
        _caddy(folder, "back", back, answer),
        _caddy(folder, "bare", bare, {"handler": "reverse_proxy", "upstreams": upstreams}),
    ]
    try:
        group = target_group(server, "bench", Backend("back", "127.0.0.1", back))
        web = balancer(server, to((group, 1)))
        wait_until(lambda: healthy(server, group, 1))
        wait_until(lambda: web.get()[0] == 200)
        rates: dict[str, list[float]] = {"bare Caddy": [], "Ashore": []}
        for _ in range(_ROUNDS):
            rates["bare Caddy"].append(asyncio.run(_rate(bare, "x")))
            rates["Ashore"].append(asyncio.run(_rate(web.port, web.dns_name)))
        best = {name: max(found) for name, found in rates.items()}
        for name, rate in best.items():
            sys.stdout.write(f"{name:12} {rate:8.0f} requests/s (best of {_ROUNDS})\n")
        sys.stdout.write(
            f"ratio {best['Ashore'] / best['bare Caddy']:.2f} (Ashore has a door and a router: two proxies)\n"
        )
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        server = RunningServer(Path(folder) / "state", alone=True, runtime="simulated")
        try:
            _measure(server, Path(folder))
        finally:
            server.stop()


if __name__ == "__main__":
    main()

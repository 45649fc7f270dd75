"""One health check of a real target, as ELB's checker makes it. Its timeout is real time: a process answers in its own."""

import asyncio
import ssl

from emulator.balancer.health import Mismatch, Outcome, Passed, Refused, TimedOut, accepts
from emulator.balancer.model import HealthCheck

_AGENT = "ELB-HealthChecker/2.0"
_STATUS_LINE = 4096
"""More than any status line has."""


async def check_target(address: str, check: HealthCheck) -> Outcome:
    """Ask `address` (`HOST:PORT`) once."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(check.timeout):
            tls = _unverified() if check.protocol in {"HTTPS", "TLS"} else None
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=tls, limit=_STATUS_LINE)
            try:
                if check.protocol not in {"HTTP", "HTTPS"}:
                    return Passed()
                head = (
                    f"GET {check.path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {_AGENT}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode("latin-1", "replace"))
                return _judge(await reader.readline(), check.codes)
            finally:
                writer.close()
    except TimeoutError:
        return TimedOut()
    except (OSError, ValueError):
        return Refused()


def _judge(status_line: bytes, codes: str) -> Outcome:
    version, _, rest = status_line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        return Refused()
    code = int(rest[:3])
    return Passed() if accepts(codes, code) else Mismatch(code)


def _unverified() -> ssl.SSLContext:
    """ELB does not verify its targets' certificates."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

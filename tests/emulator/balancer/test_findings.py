"""Who reads that a target is healthy gets an answer of it: it is served before its row says so."""

import http.client
import tempfile
from pathlib import Path

import pytest

from emulator.balancer.ports import TargetKey
from emulator.balancer.process import find_caddy
from emulator.context import Context
from tests.emulator.balancer.scenes import PREFIX
from tests.emulator.balancer.test_balancers import KEYS, playing, run

LISTENER = f"{PREFIX}listener/app/web/1/2"


@pytest.mark.skipif(find_caddy() is None, reason="no Caddy for this platform")
def test_a_target_is_served_when_it_becomes_healthy() -> None:
    answers: list[tuple[str, int]] = []

    async def play(folder: Path) -> None:
        async with playing(folder, protocol="HTTP") as server:
            proxy = server.balancers.proxy

            def ask(context: Context, arn: str, key: TargetKey) -> None:
                state = server.balancers.target_health(context, arn)[key].state
                port = proxy.port_of(LISTENER)
                assert port is not None
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("GET", "/", headers={"Host": "web-1.eu-west-1.elb.localhost"})
                answers.append((state, connection.getresponse().status))
                connection.close()

            server.balancers.watch_health(ask)
            await server.register(KEYS[0])

    with tempfile.TemporaryDirectory(prefix="ash") as folder:
        run(play(Path(folder)))
    assert answers == [("initial", 503), ("healthy", 200)]

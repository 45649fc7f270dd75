"""A router that is loaded anew again and again, as in a deployment that shifts traffic: no request is lost."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulator.balancer.caddy import Site
from emulator.balancer.door import Entry
from emulator.balancer.model import Forward, Share
from emulator.balancer.plane import CaddyPlane, Opening, Sockets
from emulator.balancer.pools import Backend, Pool
from emulator.balancer.process import find_caddy
from tests.emulator.balancer.scenes import balancer, group, listener, rule
from tests.generator import Requests

LOADS = 60


@pytest.mark.skipif(find_caddy() is None, reason="no Caddy for this platform")
def test_no_request_is_lost_while_weights_move() -> None:
    blue, green = group("blue"), group("green")
    pools = {
        one.arn: Pool(one, (Backend("10.0.0.1:80", revision=one.name, simulated=True),), ()) for one in (blue, green)
    }

    def site(folder: Path, share: int) -> Site:
        shares = (Share(blue.arn, 100 - share), Share(green.arn, share))
        return Site([balancer(listener(rule(None, Forward(shares))))], pools, str(folder), {})

    async def play(folder: Path) -> Sequence[str]:
        binary = find_caddy()
        assert binary is not None
        sockets = Sockets("127.0.0.1")
        port = sockets.claim(0)
        plane = CaddyPlane(binary, folder, sockets, lambda _served: None, lambda: None)
        openings = [Opening(port, (Entry(listener().arn, "web", ()),))]
        try:
            await plane.apply(site(folder, 10), openings)
            with Requests(port, "web", threads=8, pause=0) as requests:
                for number in range(LOADS):
                    await plane.apply(site(folder, 11 + number), openings)
            return [answer.said for answer in requests.answers]
        finally:
            await plane.stop()
            sockets.keep_only(())

    with tempfile.TemporaryDirectory(prefix="ash") as folder:
        said = asyncio.run(play(Path(folder)))
    assert len(said) > LOADS
    assert {text.partition(".")[0] for text in said} == {"simulated: no container answered this"}

"""The plane without Caddy: the same rules and shares, from the emulator's own process."""

import asyncio
import http.client
from collections import Counter
from collections.abc import Sequence

from emulator.balancer.caddy import Site
from emulator.balancer.door import Entry
from emulator.balancer.model import Condition, Field, FixedResponse, Forward, Redirect, Share
from emulator.balancer.plain import PlainPlane
from emulator.balancer.plane import Opening, Sockets
from emulator.balancer.pools import Backend, Pool
from emulator.balancer.traffic import Served
from tests.emulator.balancer.backends import backend
from tests.emulator.balancer.scenes import balancer, group, listener, rule


def _get(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Location") or ""
    finally:
        connection.close()


def test_rules_and_shares_without_caddy() -> None:
    served = list[Served]()
    counted = asyncio.Event()

    def told(more: Sequence[Served]) -> None:
        served.extend(more)
        if sum(one.answered for one in served) == 41:
            counted.set()

    async def play() -> None:
        with backend("blue") as blue, backend("green") as green:
            old, new, none = group("blue"), group("green"), group("none")
            pools = {
                old.arn: Pool(old, (Backend(f"{blue.address}:{blue.port}"),)),
                new.arn: Pool(new, (Backend(f"{green.address}:{green.port}"),)),
            }
            found = listener(
                rule(1, FixedResponse(404, body="no"), Condition(Field.PATH, ("/fixed",))),
                rule(2, Redirect(301, port="8443"), Condition(Field.PATH, ("/old",))),
                rule(3, Forward((Share(none.arn),)), Condition(Field.PATH, ("/none",))),
                rule(None, Forward((Share(old.arn, 3), Share(new.arn, 1)))),
            )
            sockets = Sockets("127.0.0.1")
            port = sockets.claim(0)
            plane = PlainPlane(sockets, told)
            entry = Entry(found.arn, "web-1.eu-west-1.elb.localhost", ())
            await plane.apply(Site([balancer(found)], pools, "", {found.arn: port}), [Opening(port, (entry,))])
            try:

                async def get(path: str, *more: object) -> tuple[int, str, str]:
                    return await asyncio.to_thread(_get, port, path, *more)  # type: ignore[arg-type]

                assert (await get("/fixed"))[:2] == (404, "no")
                assert (await get("/old?x"))[2] == "http://127.0.0.1:8443/old?x"
                assert (await get("/none"))[0] == 503
                shares = Counter([(await get("/"))[1].split(" ")[0] for _ in range(40)])
                assert shares == {"blue": 30, "green": 10}
                assert (await get("/", "POST", b"x" * 100_000))[0] == 200
                await asyncio.wait_for(counted.wait(), 20)  # it is told after the client has its answer
            finally:
                await plane.stop()
                sockets.keep_only(())

    asyncio.run(play())
    answered = [one for one in served if one.answered]
    assert len(answered) == 41
    assert {one.status for one in answered} == {200}

"""A generator of requests: asks again and again while a server works, or dies, and keeps what came of each."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request."""

    began: float
    ended: float
    """Both on `time.monotonic`'s scale."""
    said: str
    """The body, `status N`, or the name of what cut the connection."""
    cut: bool = False
    """There was no answer: no connection, or one that broke."""


@dataclass(frozen=True, slots=True)
class Death:
    """When a server was killed, when it and its proxies were gone, and when it had been started again."""

    killed: float
    gone: float
    started: float


class Requests:
    """Asks from its own threads, each request on a connection of its own, from entering to leaving it.

    Args:
        port: of a listener.
        host: the load balancer's name.
        threads: how many ask at the same time.
        pause: seconds between two requests of a thread.

    """

    def __init__(self, port: int, host: str, threads: int = 1, pause: float = 0.02) -> None:
        self.answers: list[Answer] = []
        self._port, self._host, self._pause, self._over = port, host, pause, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def seen(self) -> Counter[str]:
        """How often each was said."""
        return Counter(answer.said for answer in self.answers)

    def _ask(self) -> None:
        while not self._over.wait(self._pause):
            self.answers.append(ask(self._port, self._host))


def ask(port: int, host: str) -> Answer:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    began, cut = time.monotonic(), False
    try:
        connection.request("GET", "/", headers={"Host": host, "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read().decode().strip()
        said = body if answer.status == http.HTTPStatus.OK else f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        said, cut = type(error).__name__, True
    finally:
        connection.close()
    return Answer(began, time.monotonic(), said, cut)


def failures(answers: Sequence[Answer], deaths: Sequence[Death], bodies: Sequence[str]) -> list[Answer]:
    """The requests that failed and would not have, had the server not been killed.

    A load balancer is a process of the server's and dies with it. So a connection may be refused or cut from the kill until
    the first answer after the next start. Nothing else may fail: an answer, whenever it comes, is a task's, and says one of
    `bodies` (or holds it).
    """
    windows = [(death.killed, _back(answers, death)) for death in deaths]
    return [
        answer
        for answer in answers
        if not any(body in answer.said for body in bodies)
        and not (answer.cut and any(answer.ended >= killed and answer.began <= back for killed, back in windows))
    ]


def outages(answers: Sequence[Answer], deaths: Sequence[Death]) -> list[float]:
    """Seconds from each start until the first answer."""
    return [_back(answers, death) - death.started for death in deaths]


def _back(answers: Sequence[Answer], death: Death) -> float:
    return min(
        (answer.ended for answer in answers if answer.began > death.gone and not answer.cut), default=float("inf")
    )

"""The engine's events, followed by one thread that outlives the engine: after a gap it asks what happened in it."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, cast

import docker
import structlog
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from emulator.runtime.docker_calls import cut
from emulator.runtime.docker_documents import ContainerDocument, ListedContainer, health_of, observed
from emulator.runtime.docker_options import CONTAINER, PAUSE, SERVER, TASK
from emulator.runtime.ports import ContainerExited, HealthChanged, Reconnected, RuntimeEvent

if TYPE_CHECKING:
    from docker.types.daemon import CancellableStream

_LOG = structlog.get_logger()
_PAUSE_BETWEEN = 1.0
"""Seconds between two tries to reach an engine that went away."""

_BROKEN = (DockerException, RequestException, OSError, AttributeError, ValueError)
"""What reading a stream that was cut raises; the last two come from the SDK's use of a closed response."""


class _Actor(TypedDict):
    ID: str
    Attributes: dict[str, str]


class _Event(TypedDict):
    Action: str
    Actor: _Actor
    timeNano: int


class EventFollower:
    """Tells exits and health of this server's containers; `report` is called in the follower's thread."""

    def __init__(
        self,
        api: docker.APIClient,
        server_id: str,
        ours: Callable[[datetime], datetime],
        report: Callable[[RuntimeEvent], None],
    ) -> None:
        self._api, self._server_id, self._ours, self._report = api, server_id, ours, report
        self._closing = threading.Event()
        self._ended: set[str] = set()
        """Containers whose end has been told: a replayed event tells it no second time."""
        self._since = ""
        self._stream: CancellableStream[dict[str, object]] | None = None
        self._thread = threading.Thread(target=self._follow, name="docker-events", daemon=True)

    def open(self) -> None:
        """Listen from this instant of the engine's own time on."""
        self._since = _stamp(self._api.info()["SystemTime"])
        self._stream = self._listen()
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._stream is not None:
            cut(self._stream)
            self._thread.join(5)

    def removed(self, runtime_id: str, *, never_ran: bool) -> None:
        """The container was removed by us; the `die` of one that could not be started may still be on its way."""
        if never_ran:
            self._ended.add(runtime_id)
        else:
            self._ended.discard(runtime_id)

    def _listen(self) -> "CancellableStream[dict[str, object]]":
        # the engine begins to answer a moment before it listens, hence `since` even the first time
        filters = {"type": ["container"], "label": [f"{SERVER}={self._server_id}"], "event": ["die", "health_status"]}
        since = cast("int", self._since)  # the SDK hands a text on as it is: seconds and nanoseconds
        return self._api.events(since=since, filters=filters, decode=True)

    def _follow(self) -> None:
        while True:
            for event in self._events():
                self._since = f"{event['timeNano'] // 10**9}.{event['timeNano'] % 10**9:09d}"
                self._tell(event)
            if self._closing.is_set():
                return
            _LOG.warning("the engine's events ended; listening again")
            if self._stream is not None:
                cut(self._stream)
            self._reconnect()

    def _events(self) -> Iterator[_Event]:
        """Until the stream is cut."""
        try:
            if self._stream is not None:
                yield from cast("Iterator[_Event]", self._stream)
        except _BROKEN as error:
            if not self._closing.is_set():
                _LOG.warning("the engine's events were cut", error=str(error))

    def _reconnect(self) -> None:
        while not self._closing.wait(_PAUSE_BETWEEN):
            try:
                self._stream = self._listen()
                self._catch_up()
            except _BROKEN:
                continue
            self._report(Reconnected())
            return

    def _catch_up(self) -> None:
        """An engine that was started anew knows no old events, and keeps few in any case."""
        found = self._api.containers(all=True, filters={"label": f"{SERVER}={self._server_id}"})
        for listed in cast("list[ListedContainer]", found):
            document = self._inspected(listed["Id"])
            if document is None or listed["Labels"].get(CONTAINER) == PAUSE:
                continue
            container = observed(document, self._ours)
            if not container.running:
                self._exited(document)
            elif container.health != "UNKNOWN":
                self._report(HealthChanged(container.task_arn, container.container_name, container.health))

    def _tell(self, event: _Event) -> None:
        attributes = event["Actor"]["Attributes"]
        task_arn, name = attributes.get(TASK), attributes.get(CONTAINER)
        if task_arn is None or name is None or name == PAUSE:
            return
        if event["Action"] != "die":
            self._report(HealthChanged(task_arn, name, health_of(event["Action"].partition(": ")[2])))
            return
        document = self._inspected(event["Actor"]["ID"])
        if document is not None:
            self._exited(document)
            return
        # somebody removed it by force: the event is all there is
        if event["Actor"]["ID"] in self._ended:
            return
        at = self._ours(datetime.fromtimestamp(event["timeNano"] / 1e9, UTC))
        code = int(attributes.get("exitCode", "137"))
        self._report(ContainerExited(task_arn, name, event["Actor"]["ID"], code, False, at))

    def _exited(self, document: ContainerDocument) -> None:
        """A container that could not be started `dies` too: that is told by the command that should have started it."""
        container = observed(document, self._ours)
        if container.exit_code is None or container.finished_at is None or container.runtime_id in self._ended:
            return
        self._ended.add(container.runtime_id)
        self._report(
            ContainerExited(
                container.task_arn,
                container.container_name,
                container.runtime_id,
                container.exit_code,
                container.out_of_memory,
                container.finished_at,
            )
        )

    def _inspected(self, runtime_id: str) -> ContainerDocument | None:
        try:
            return cast("ContainerDocument", self._api.inspect_container(runtime_id))
        except NotFound:
            return None


def _stamp(text: str) -> str:
    """An instant of the engine (RFC 3339, nanoseconds) as the seconds that its filters take."""
    found = re.fullmatch(r"([^.Z+]+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        raise ValueError(f"not an instant: {text!r}")
    whole, fraction, zone = found.groups()
    return f"{int(datetime.fromisoformat(whole + zone).timestamp())}.{(fraction or '').ljust(9, '0')}"

"""Which port of this machine each listener has: its own where that can be had, and kept in rows over restarts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select

from emulator.balancer.model import Listener
from emulator.balancer.plane import Sockets
from emulator.balancer.reports import Reports
from emulator.emulator import Emulator
from emulator.state.balancer import ListenerPortRow


class ListenerPorts:
    """Gives them out.

    Args:
        emulator: the server.
        sockets: the listening sockets; one is open for each port given.
        reports: are told of listeners that get another port than their own.

    """

    def __init__(self, emulator: Emulator, sockets: Sockets, reports: Reports) -> None:
        self._emulator, self._sockets, self._reports = emulator, sockets, reports
        self.known: dict[str, int] = {}
        """A listener's ARN → the port that it has."""

    def claim(self, listeners: Sequence[Listener]) -> dict[str, datetime]:
        """Give every listener a port; since when each has its own."""
        spoken: dict[int, str] = {}
        with self._emulator.store.begin() as session:
            rows = {row.listener_arn: row for row in session.scalars(select(ListenerPortRow))}
            wanted = {listener.arn: listener for listener in listeners}
            session.execute(delete(ListenerPortRow).where(ListenerPortRow.listener_arn.not_in(wanted)))
            since = {}
            self.known = {arn: port for arn, port in self.known.items() if arn in wanted}
            for arn, listener in sorted(wanted.items(), key=lambda item: (item[0] not in rows, item[0])):
                row = rows.get(arn)
                port = self._port(listener, row.port if row is not None else None, spoken)
                if row is None or row.port != port:
                    if row is None:
                        row = ListenerPortRow(listener_arn=arn, port=port, since=self._emulator.clock.now())
                        session.add(row)
                    row.port = port
                    self._reports.tell_port(listener, port)
                since[arn], spoken[port], self.known[arn] = row.since, _speech(listener), port
        return since

    def _port(self, listener: Listener, kept: int | None, spoken: Mapping[int, str]) -> int:
        """Its own port where one can be had; listeners of the same protocol share one."""
        for port in (listener.port, kept):
            if port is not None and spoken.get(port) == _speech(listener) != "TCP":
                return port
        if self.known.get(listener.arn) is not None and kept is not None and kept not in spoken:
            return kept
        for port in (listener.port, kept):
            if port is not None and port not in spoken:
                try:
                    self._sockets.get(port)
                except OSError:
                    continue
                return port
        return self._sockets.claim(listener.port)


def _speech(listener: Listener) -> str:
    """What is spoken at its port: a port speaks one of HTTP, HTTPS and TCP."""
    return listener.protocol

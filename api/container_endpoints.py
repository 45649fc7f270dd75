"""Where containers of tasks reach the server, where the engine runs on this machine."""

from starlette.types import ASGIApp

from api.task_endpoint import PORT, TaskEndpoint
from emulator.emulator import Emulator
from emulator.state.journal import ServerStateRow

_PORT_ROW = "task-port"
"""Name of the row that keeps where containers were told to ask."""


class ContainerEndpoints:
    """Two addresses with one application: the ECS agent's, and that of EC2's instance metadata."""

    def __init__(self, emulator: Emulator, application: ASGIApp) -> None:
        self._emulator = emulator
        self._agents, self._instances = TaskEndpoint(application), TaskEndpoint(application)

    async def start(self) -> None:
        """Listen where that is possible, and remember where, for containers that outlive the server."""
        emulator = self._emulator
        address = await emulator.runtime.task_address()
        if address is None:
            return
        await self._own_instance_address()
        with emulator.store.begin() as session:
            kept = session.get(ServerStateRow, _PORT_ROW)
        port = self._agents.open_any(address, kept.value["port"] if kept is not None else None, emulator.port)
        if port is not None:
            emulator.task_endpoint = TaskEndpoint.url(address, port)
            with emulator.store.begin() as session:
                session.merge(ServerStateRow(name=_PORT_ROW, value={"port": port}))

    async def _own_instance_address(self) -> None:
        """EC2's own address, for programs that know no other; of several servers on an engine the first one has it."""
        address = await self._emulator.runtime.instance_address()
        if address is not None:
            self._instances.open(address, PORT)

    async def close(self) -> None:
        """End the listeners."""
        await self._agents.close()
        await self._instances.close()

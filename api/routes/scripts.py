"""`/_ashore/runtime/scripts`: what images do on the simulated runtime; on a real engine nothing is scripted."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from fastapi.params import Depends
from pydantic import BaseModel, ConfigDict, Field

from api.server import Server
from emulator.journal import Kind
from emulator.runtime.scripts import Script
from emulator.runtime.simulated import SimulatedRuntime

Seconds = Annotated[float, Field(ge=0, le=10_000_000)]
Percent = Annotated[float, Field(ge=0, le=100_000)]
ExitCode = Annotated[int, Field(ge=0, le=255)]

_AT_ONCE = 1.0
"""Seconds that a container runs which only an exit code is given for: its task is seen RUNNING before."""

_KILLED = 137


class NewScript(BaseModel):
    """Body of `POST /_ashore/runtime/scripts`; durations in seconds of the clock."""

    model_config = ConfigDict(extra="forbid")

    pattern: Annotated[str, Field(min_length=1, max_length=512)]
    """Of image names, as task definitions write them: `*` any text, `?` a character, `[ab]` one of these."""
    pull: Seconds = 0
    start: Seconds = 0
    stop: Seconds = 0
    stop_exit_code: ExitCode = 143
    pull_error: str | None = None
    start_error: str | None = None
    build: Seconds = 0
    build_error: str | None = None
    exposes: Annotated[int, Field(ge=1, le=65535)] | None = None
    runs_for: Seconds | None = None
    exit_code: ExitCode | None = None
    out_of_memory: bool = False
    health: Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"] = "HEALTHY"
    health_after: Seconds = 0
    answers: Annotated[int, Field(ge=100, le=599)] = 200
    """With which HTTP status an application of Elastic Beanstalk's worker tier answers the messages of its queue."""
    answers_after: Seconds = 0
    cpu: Percent = 0
    memory: Percent = 0
    """What its containers use of what their task reserves: CloudWatch shows it, scaling policies act on it."""

    def script(self) -> Script:
        """An exit code, or an end for want of memory, implies that the container ends by itself."""
        ends = self.exit_code is not None or self.out_of_memory
        members = self.model_dump(exclude={"pattern"})
        members["runs_for"] = _AT_ONCE if ends and self.runs_for is None else self.runs_for
        members["exit_code"] = (_KILLED if self.out_of_memory else 0) if self.exit_code is None else self.exit_code
        return Script(**members)


def add_script_routes(routes: APIRouter, server: Server, guard: list[Depends]) -> None:
    """Add, list and remove scripts; they are kept with the state and go with a reset."""

    @routes.get("/runtime/scripts")
    async def get_scripts() -> dict[str, Any]:
        return _listed(_simulated(server))

    @routes.post("/runtime/scripts", dependencies=guard)
    async def post_script(body: NewScript) -> dict[str, Any]:
        runtime, script = _simulated(server), body.script()
        runtime.scripts.set(body.pattern, script)
        _kept(server, runtime, body.pattern, {"script": body.model_dump(exclude_defaults=True)})
        return _listed(runtime)

    @routes.delete("/runtime/scripts", dependencies=guard)
    async def delete_scripts(pattern: str | None = None) -> dict[str, Any]:
        """The script of `pattern`, or all where none is named."""
        runtime = _simulated(server)
        if pattern is None:
            runtime.scripts.clear()
        elif not runtime.scripts.remove(pattern):
            raise HTTPException(404, f"no script for {pattern}; there are: {', '.join(runtime.scripts.newest_first())}")
        _kept(server, runtime, pattern or "*", {"script": None})
        return _listed(runtime)


def _simulated(server: Server) -> SimulatedRuntime:
    runtime = server.emulator.runtime
    if not isinstance(runtime, SimulatedRuntime):
        detail = {
            "id": "ASH-R002",
            "what": f"the runtime is {runtime.kind}: containers really run, what they do cannot be scripted",
            "fix": "ashore stop, then ashore start --runtime simulated",
        }
        raise HTTPException(409, detail)
    return runtime


def _kept(server: Server, runtime: SimulatedRuntime, pattern: str, detail: dict[str, Any]) -> None:
    with server.transaction(None, None) as context:
        runtime.scripts.save(context.session)
        context.record(Kind.EVENT, f"runtime:script/{pattern}", detail)


def _listed(runtime: SimulatedRuntime) -> dict[str, Any]:
    """Newest first: the order in which they are tried."""
    found = runtime.scripts.newest_first().items()
    return {
        "scripts": [
            {"pattern": pattern, **{name: getattr(script, name) for name in Script.__dataclass_fields__}}
            for pattern, script in found
        ]
    }

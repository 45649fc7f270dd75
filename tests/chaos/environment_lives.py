"""Lives of a server that carries environments out: each is a process of its own and dies by `kill -9` at a moment that is told.

A life ends where something has just become durable: after a call to a neighbour whose effect was saved though no row tells of it
yet, and after a commit of which the neighbours have saved nothing but what the loop asked them to keep. Between two such moments
nothing is written, so these are all that there are. A mark names one by where the operation stands; each mark is died at once,
and the next life goes on to the next.
"""

import asyncio
import gc
import io
import json
import os
import shutil
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos.environment_deaths import prepare
from tests.chaos.environment_pictures import picture
from tests.chaos.environment_plans import Life
from tests.server_process import fork

if TYPE_CHECKING:
    from api.server import Server

ACCOUNT, REGION = "000000000000", "us-east-1"
STACK = "64bit Amazon Linux 2023 v4.6.0 running Docker"
PROFILE = "aws-elasticbeanstalk-ec2-role"
_STEP, _REST, _LOOKS = 15, 60, 400
"""Seconds between two looks; seconds that pass after the end, in which Auto Scaling may still have something to do."""


@dataclass(slots=True)
class Chain:
    """The lives that it took, by the marks at which they ended."""

    marks: list[str] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)
    """The picture at the end."""


def live(life: Life) -> dict[str, Any]:
    """Have a process live; what it told last: `{"mark": …}` where it died, else a picture of all that is there."""
    ours, theirs = fork(_live, life)
    try:
        told: dict[str, Any] = json.loads(ours.recv_bytes())
    except EOFError:
        told = {"problem": "it ended without a word"}
    theirs.wait(30)
    assert "problem" not in told, told["problem"]
    return told


def lives(life: Life) -> Chain:
    """Live, die at each mark once, and go on until the end."""
    chain = Chain()
    requests = life.requests
    if requests:
        live(Life(life.folder, requests, runs=False))
    while True:
        told = live(Life(life.folder, died_at=frozenset(chain.marks), at=life.at, every=life.every))
        if "mark" not in told:
            chain.end = told
            return chain
        chain.marks.append(told["mark"])
        assert len(chain.marks) < _LOOKS, chain.marks[-20:]


def copied(folder: Path, to: Path) -> Path:
    """Another state folder like one that nobody uses."""
    shutil.copytree(folder, to)
    return to


def _live(life: Life, tell: Connection) -> None:
    gc.freeze()  # as the server does
    gc.disable()
    try:
        told = asyncio.run(_whole_life(life, tell))
    except BaseException as error:  # noqa: BLE001 - the process's outermost frame: whoever started it is told
        import traceback  # noqa: PLC0415 - only here

        told = {"problem": "".join(traceback.format_exception(error))[-6000:]}
    tell.send_bytes(json.dumps(told).encode())
    tell.close()
    os._exit(0)  # what is not durable now was not to be


async def _whole_life(life: Life, tell: Connection) -> dict[str, Any]:
    from moto.moto_api._internal import mock_random  # noqa: PLC0415 - as in `server_process`

    import emulator.balancer.proxy  # noqa: PLC0415 - as above
    from api.server import build  # noqa: PLC0415 - the test process does not need it
    from emulator.neighbours.world import IMPORT_SETTINGS  # noqa: PLC0415 - as above
    from emulator.settings import RuntimeKind, Settings  # noqa: PLC0415 - as above

    mock_random.seed()  # or all lives would draw the same identifiers
    IMPORT_SETTINGS["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"  # nobody asks for them, and every life would read them
    proxy: Any = emulator.balancer.proxy
    proxy.find_caddy = lambda: None  # nobody asks for anything
    server = build(Settings(state_dir=life.folder, runtime=RuntimeKind.SIMULATED, clock="paused"), 4566)
    for operation, request in life.requests:
        ask(server, operation, request)
    if life.runs:
        prepare(server, life, tell)
        await server.start()
        await _pass_time(server, life)
    server.remember_clock()
    server.world.save()
    assert not (faults := _faults(server)), faults
    return picture(server)


def ask(server: "Server", operation: str, request: dict[str, Any]) -> Any:
    """Call an operation in a transaction of its own."""
    from emulator.beanstalk.operations import OPERATIONS  # noqa: PLC0415 - as above

    if operation == "Begin":
        return _begin(server)
    with server.emulator.transaction(ACCOUNT, REGION) as context:
        return OPERATIONS[operation](context, request)


def _begin(server: "Server") -> None:
    """What environments need: a profile, and versions v1, v2 and bad, which does not start."""
    from emulator.runtime.simulated import Script, SimulatedRuntime  # noqa: PLC0415 - as above

    emulator, world = server.emulator, server.world
    objects, runtime = emulator.objects, emulator.runtime
    assert objects is not None
    assert isinstance(runtime, SimulatedRuntime)
    iam = world.backend("iam", ACCOUNT, "aws")
    iam.create_role(PROFILE, "{}", "/", None, "", {}, 3600)
    iam.create_instance_profile(PROFILE, "/", [])
    iam.add_role_to_instance_profile(PROFILE, PROFILE)
    objects.ensure_bucket(ACCOUNT, REGION, "bundles")
    ask(server, "CreateApplication", {"ApplicationName": "shop"})
    for label, image in (("v1", "web:1"), ("v2", "web:2"), ("bad", "bad:1")):
        objects.put(ACCOUNT, "bundles", f"{label}.zip", _bundle(image))
        source = {"S3Bucket": "bundles", "S3Key": f"{label}.zip"}
        request = {"ApplicationName": "shop", "VersionLabel": label, "SourceBundle": source}
        ask(server, "CreateApplicationVersion", request)
    with emulator.transaction(ACCOUNT, REGION) as context:
        runtime.scripts.set("bad:*", Script(runs_for=0.1, exit_code=3))
        runtime.scripts.save(context.session)


def _bundle(image: str) -> bytes:
    out = io.BytesIO()
    dockerrun = {"AWSEBDockerrunVersion": "1", "Image": {"Name": image}, "Ports": [{"ContainerPort": 80}]}
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Dockerrun.aws.json", json.dumps(dockerrun))
    return out.getvalue()


async def _pass_time(server: "Server", life: Life) -> None:
    """Until no environment is busy, or one waits for what `until` says."""
    emulator = server.emulator
    for _ in range(_LOOKS):
        await emulator.clock.advance(timedelta(0), emulator.loops.settle)
        waits = [(row.operation or {}).get("waits_for") for row in _rows(server)]
        if life.until and any(life.until in (wait or "") for wait in waits):
            return
        if all(row.operation is None for row in _rows(server)):
            await emulator.clock.advance(timedelta(seconds=_REST), emulator.loops.settle)
            return
        await emulator.clock.advance(timedelta(seconds=_STEP), emulator.loops.settle)
        emulator.journal.flush()
        assert not (faults := _faults(server)), faults
    raise AssertionError([(row.name, row.status, row.operation) for row in _rows(server)])


def _rows(server: "Server") -> list[Any]:
    from sqlalchemy import select  # noqa: PLC0415 - as above

    from emulator.state.beanstalk import EnvironmentRow  # noqa: PLC0415 - as above

    with server.emulator.store.begin() as session:
        return list(session.scalars(select(EnvironmentRow).order_by(EnvironmentRow.name)))


def _faults(server: "Server") -> list[Any]:
    from sqlalchemy import select  # noqa: PLC0415 - as above

    from emulator.state.journal import JournalRow  # noqa: PLC0415 - as above

    server.emulator.journal.flush()
    with server.emulator.store.begin() as session:
        return list(session.scalars(select(JournalRow.detail).where(JournalRow.kind == "fault")))

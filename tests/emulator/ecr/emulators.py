"""Builds servers of which only ECR is asked, and the images that tests push."""

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.clock import Clock
from emulator.context import Context
from emulator.ecr.background import Background
from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.manifests import OCI_INDEX, OCI_MANIFEST
from emulator.ecr.repositories import find_repository
from emulator.ecr.uploads import begin_upload, complete_upload
from emulator.emulator import Emulator
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.loops import Loops
from emulator.neighbours.ports import BusEvent, Neighbours
from emulator.settings import Settings
from emulator.state.store import Store

ACCOUNT, REGION = "111122223333", "eu-west-1"
START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
Manifest = dict[str, Any]


class UnusedPart:
    """Stands where ECR never looks: the runtime, the fleet."""


@dataclass(slots=True)
class Told:
    """The neighbours, of whom ECR asks little: it tells EventBridge what happens."""

    events: list[BusEvent] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, account: str, region: str, secret_id: str, stage: str, version: str) -> str | None:
        del account, region, stage, version
        return self.secrets.get(secret_id)

    def queues_changed(self) -> None:
        """Nobody watches the queues that events may fill."""

    def put_events(self, events: Sequence[BusEvent]) -> None:
        self.events.extend(events)


def ecr_emulator(
    folder: Path, port: int = 4566, clock: Clock | None = None, neighbours: Neighbours | None = None
) -> Emulator:
    """A server whose state is in `folder`, at a clock that stands still."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(f"sqlite:///{folder / 'state.db'}")
    clock = clock or Clock(0, START)
    unused = cast("Any", UnusedPart())
    made = Emulator(
        settings=Settings(state_dir=folder),
        clock=clock,
        ids=Ids(7),
        store=store,
        journal=Journal(store),
        loops=Loops(clock, lambda _name, _keys, _error: None),
        fleets=unused,
        runtime=unused,
        neighbours=neighbours or cast("Any", Told()),
        port=port,
    )
    Background(made)
    return made


def add_layer(context: Context, name: str, content: bytes) -> str:
    """Give the repository a layer, as a push does."""
    blobs, digest = blobs_of(context.emulator), digest_of(content)
    upload = begin_upload(context, find_repository(context, name)).id
    blobs.append(upload, [content])
    context.session.flush()
    complete_upload(context, find_repository(context, name), upload, digest)
    return digest


def add_image(context: Context, name: str, layer: bytes = b"layer") -> str:
    """Give the repository what an image needs, and return its manifest."""
    add_layer(context, name, CONFIG)
    add_layer(context, name, layer)
    return text(image_manifest([layer]))


def image_manifest(layers: Sequence[bytes], config: bytes = CONFIG, **members: object) -> Manifest:
    """An OCI image manifest."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in layers],
        **members,
    }


def index_manifest(manifests: Sequence[str]) -> Manifest:
    """An OCI index."""
    entries = [descriptor(manifest.encode(), OCI_MANIFEST) for manifest in manifests]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}


def descriptor(content: bytes, media_type: str) -> Manifest:
    """What a manifest says of `content`."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def text(manifest: Mapping[str, Any]) -> str:
    """A manifest as it is pushed."""
    return json.dumps(manifest)


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A layer with `files`, all executable."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, BytesIO(content))
    return stream.getvalue()

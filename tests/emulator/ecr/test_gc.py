"""Garbage collection: the pure decision, and any play of pushes, deletions, restarts and time on real files."""

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from emulator.clock import Clock
from emulator.ecr.blobs import blobs_of, digest_of
from emulator.ecr.gc import Kind, Layer, Snapshot, Upload, collect, decide
from emulator.ecr.image_deletion import batch_delete_image
from emulator.ecr.images import put_image
from emulator.ecr.repositories import create_repository, delete_repository, find_repository
from emulator.ecr.uploads import KEPT, begin_upload, complete_upload, find_layer, find_upload, promise_layer
from tests.emulator.ecr.emulators import ACCOUNT, REGION, START, ecr_emulator, image_manifest, text

DIGESTS = [digest_of(bytes([number])) for number in range(4)]
REPOSITORIES = ["a", "b"]
instants = st.integers(0, 4).map(lambda days: START + timedelta(days=days) / 2)
layers = st.builds(Layer, st.sampled_from(REPOSITORIES), st.sampled_from(DIGESTS), instants)
uploads = st.builds(Upload, st.sampled_from(["u", "v", "w"]), instants, st.booleans())
snapshots = st.builds(
    Snapshot,
    layers=st.frozensets(layers).map(
        lambda found: frozenset({(item.repository, item.digest): item for item in found}.values())
    ),
    needed=st.frozensets(st.tuples(st.sampled_from(REPOSITORIES), st.sampled_from(DIGESTS))),
    uploads=st.frozensets(uploads).map(lambda found: frozenset({item.id: item for item in found}.values())),
    files=st.dictionaries(st.sampled_from(DIGESTS), st.integers(0, 9)),
    upload_files=st.frozensets(st.sampled_from(["u", "v", "w", "u.link", "x.copy"])),
)


@given(snapshots, instants)
def test_what_an_image_needs_or_a_push_counts_on_stays(snapshot: Snapshot, now: datetime) -> None:
    removals = decide(snapshot, now)
    gone = {(removal.repository, removal.subject) for removal in removals if removal.kind is Kind.LAYER}
    files = {removal.subject for removal in removals if removal.kind is Kind.FILE}
    for layer in snapshot.layers:
        key = (layer.repository, layer.digest)
        if key in snapshot.needed or now - layer.wanted_at < KEPT:
            assert key not in gone
            assert layer.digest not in files
    ended = {removal.subject for removal in removals if removal.kind in {Kind.UPLOAD, Kind.UPLOAD_FILE}}
    for upload in snapshot.uploads:
        if upload.id in snapshot.upload_files and (upload.busy or now - upload.active_at < KEPT):
            assert upload.id not in ended


@given(snapshots, instants)
def test_afterwards_nothing_is_left_to_remove(snapshot: Snapshot, now: datetime) -> None:
    removals = decide(snapshot, now)
    assert all(removal.reason for removal in removals)
    layers = {(item.repository, item.subject) for item in removals if item.kind is Kind.LAYER}
    uploads = {item.subject for item in removals if item.kind is Kind.UPLOAD}
    files = {item.subject for item in removals if item.kind is Kind.FILE}
    names = {item.subject for item in removals if item.kind is Kind.UPLOAD_FILE}
    left = Snapshot(
        layers=frozenset(item for item in snapshot.layers if (item.repository, item.digest) not in layers),
        needed=snapshot.needed,
        uploads=frozenset(item for item in snapshot.uploads if item.id not in uploads),
        files={digest: size for digest, size in (snapshot.files or {}).items() if digest not in files},
        upload_files=snapshot.upload_files - names,
    )
    assert decide(left, now) == []


class Pushes(RuleBasedStateMachine):
    """Clients push by HEAD, upload and PUT, at their own pace but within `KEPT`; everything else may happen in between."""

    pushes = Bundle("pushes")

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ashore-gc-"))
        self.clock = Clock(0, START)
        self.emulator = ecr_emulator(self.folder, clock=self.clock)
        self.idle_until = START
        self.images: dict[tuple[str, str], bytes] = {}
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            for name in ("aa", "bb"):
                create_repository(context, {"repositoryName": name})

    def teardown(self) -> None:
        self.emulator.store.close()
        shutil.rmtree(self.folder)

    @rule(target=pushes, name=st.sampled_from(["aa", "bb"]), number=st.integers(0, 3))
    def begin(self, name: str, number: int) -> tuple[str, bytes, str | None, datetime]:
        """The client asks for the layer, and begins an upload where it is not there."""
        content = bytes([number])
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            repository = find_repository(context, name)
            layer = find_layer(context, repository, digest_of(content))
            if layer is not None:
                promise_layer(context, layer)
                return name, content, None, self.clock.now()
            return name, content, begin_upload(context, repository).id, self.clock.now()

    @rule(push=pushes)
    def finish(self, push: tuple[str, bytes, str | None, datetime]) -> None:
        """The client completes the upload and puts its manifest, if it was not slower than the registry's patience."""
        name, content, upload, began = push
        if self.clock.now() - began >= KEPT - timedelta(hours=1):
            return
        blobs = blobs_of(self.emulator)
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            if upload is not None and blobs.exists(upload):
                find_upload(context, find_repository(context, name), upload)
                blobs.append(upload, [content[blobs.size(upload) :]])
                complete_upload(context, find_repository(context, name), upload, digest_of(content))
                context.session.flush()
        manifest = text(image_manifest([content], content))
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            if (name, manifest) not in self.images:
                put_image(context, {"repositoryName": name, "imageManifest": manifest})
        self.images[name, manifest] = content

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """An image goes."""
        if not self.images:
            return
        name, manifest = data.draw(st.sampled_from(sorted(self.images)))
        with self.emulator.transaction(ACCOUNT, REGION) as context:
            batch_delete_image(
                context, {"repositoryName": name, "imageIds": [{"imageDigest": digest_of(manifest.encode())}]}
            )
        del self.images[name, manifest]

    @rule(hours=st.sampled_from([1, 5, 13, 25, 60]))
    def time_passes(self, hours: int) -> None:
        """Time passes."""
        self.clock.rewind_to(self.clock.now() + timedelta(hours=hours))

    @rule()
    def garbage_is_collected(self) -> None:
        """Collect."""
        foreseen = collect(self.emulator, dry_run=True)
        assert collect(self.emulator) == foreseen
        assert collect(self.emulator) == []

    @rule()
    def restart(self) -> None:
        """The process ends and starts again."""
        self.emulator.store.close()
        self.emulator = ecr_emulator(self.folder, clock=self.clock)

    @invariant()
    def every_image_has_its_layers(self) -> None:
        """Whatever happened."""
        blobs = blobs_of(self.emulator)
        for content in self.images.values():
            assert blobs.path(digest_of(content)).read_bytes() == content


Pushes.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestPushes = Pushes.TestCase


def test_a_deleted_repository_leaves_what_others_have(tmp_path: Path) -> None:
    emulator = ecr_emulator(tmp_path)
    content = b"shared"
    for name in ("aa", "bb"):
        with emulator.transaction(ACCOUNT, REGION) as context:
            create_repository(context, {"repositoryName": name})
            upload = begin_upload(context, find_repository(context, name)).id
            blobs_of(emulator).append(upload, [content])
            complete_upload(context, find_repository(context, name), upload, digest_of(content))
    with emulator.transaction(ACCOUNT, REGION) as context:
        delete_repository(context, {"repositoryName": "aa"})
    collect(emulator)
    assert list(blobs_of(emulator).stored()) == [digest_of(content)]
    emulator.store.close()

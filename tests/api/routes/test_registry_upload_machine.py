"""Any order of chunks, right and wrong, resumed over restarts of the server, makes exactly the bytes that were accepted."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulator.ecr.blobs import digest_of
from tests.api.routes.registry_servers import Registry, running_registry

chunks = st.binary(max_size=40) | st.integers(0, 255).map(lambda number: bytes([number]) * 70_000)


class Uploads(RuleBasedStateMachine):
    """One upload at a time against a plain string of bytes."""

    registry: Registry

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ashore-uploads-"))
        self.stack = ExitStack()
        self.layers: dict[str, bytes] = {}
        self._serve()
        self.registry.create("app")
        self._begin()

    def _serve(self) -> None:
        self.registry = self.stack.enter_context(running_registry(self.folder))

    def _begin(self) -> None:
        self.location = self.registry.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
        self.content = b""

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()
            shutil.rmtree(self.folder)

    @rule(chunk=chunks)
    def append(self, chunk: bytes) -> None:
        """Docker's way: no range."""
        assert self.registry.ask("PATCH", self.location, chunk).status == 202
        self.content += chunk

    @rule(chunk=chunks.filter(bool), shift=st.sampled_from([0, 0, 0, -1, 1, 100]))
    def append_numbered(self, chunk: bytes, shift: int) -> None:
        """The specification's way; a chunk that does not follow changes nothing."""
        start = len(self.content) + shift
        answer = self.registry.ask(
            "PATCH", self.location, chunk, {"Content-Range": f"{start}-{start + len(chunk) - 1}"}
        )
        if shift:
            assert (answer.status, answer.headers["Range"]) == (416, self._range())
        else:
            assert answer.status == 202
            self.content += chunk

    @rule(chunk=chunks.filter(bool), lie=st.sampled_from([-1, 1]))
    def lie_about_the_length(self, chunk: bytes, lie: int) -> None:
        """A chunk without a length that is longer or shorter than its range is taken back."""
        start, stop = len(self.content), len(self.content) + len(chunk) + lie
        answer = self.registry.ask("PATCH", self.location, iter([chunk]), {"Content-Range": f"{start}-{stop - 1}"})
        assert answer.status in {400, 416}

    @rule(algorithm=st.sampled_from(["sha256", "sha512"]), rest=chunks)
    def complete(self, algorithm: str, rest: bytes) -> None:
        """The upload becomes a layer, and the next begins."""
        content = self.content + rest
        digest = digest_of(content, algorithm)
        assert self.registry.ask("PUT", f"{self.location}?digest={digest}", rest).status == 201
        self.layers[digest] = content
        assert self.registry.ask("GET", self.location).status == 404
        self._begin()

    @rule(rest=chunks)
    def complete_wrongly(self, rest: bytes) -> None:
        """A wrong digest makes no layer; the bytes stay."""
        digest = digest_of(self.content + rest + b"!")
        assert self.registry.ask("PUT", f"{self.location}?digest={digest}", rest).status == 400
        self.content += rest

    @rule()
    def cancel(self) -> None:
        """Another upload begins."""
        assert self.registry.ask("DELETE", self.location).status == 204
        self._begin()

    @precondition(lambda self: self.content)
    @rule()
    def restart(self) -> None:
        """The server ends and starts again on the same folder."""
        self.stack.close()
        self._serve()

    @invariant()
    def the_upload_is_as_long_as_what_was_accepted(self) -> None:
        """Its status says so."""
        answer = self.registry.ask("GET", self.location)
        assert (answer.status, answer.headers["Range"]) == (204, self._range())

    @invariant()
    def layers_are_what_was_sent(self) -> None:
        """The newest is looked at; blobs never change."""
        for digest, content in list(self.layers.items())[-1:]:
            assert self.registry.ask("GET", f"/v2/app/blobs/{digest}").body == content

    def _range(self) -> str:
        return f"0-{max(len(self.content) - 1, 0)}"


Uploads.TestCase.settings = settings(max_examples=15, stateful_step_count=25)
TestUploads = Uploads.TestCase

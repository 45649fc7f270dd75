"""Bodies that the kernel sends: exact bytes, connections that go on, clients that go away or dawdle."""

import hashlib
import inspect
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import api.__main__
from emulator.ecr.blobs import digest_of
from tests.api.routes.registry_servers import Registry, running_registry
from tests.running import wait_until

CONTENT = random.Random(3).randbytes(9_000_001)
DIGEST = digest_of(CONTENT)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("sendfile")) as running:
        running.create("app")
        assert running.ask("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}", CONTENT).status == 201
        yield running


def request(registry: Registry, *lines: str) -> bytes:
    head = [f"GET /v2/app/blobs/{DIGEST} HTTP/1.1", "Host: x", f"Authorization: {registry.basic}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def receive(connection: socket.socket, piece: int = 1 << 20) -> tuple[bytes, bytes]:
    """One response's head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    parts = [body]
    while length > sum(map(len, parts)):
        parts.append(connection.recv(min(piece, length - sum(map(len, parts)))))
        assert parts[-1]
    return head, b"".join(parts)


def connect(registry: Registry) -> socket.socket:
    return socket.create_connection(("127.0.0.1", registry.emulator.port), timeout=30)


def test_the_server_speaks_it() -> None:
    """Without it layers would still move, only slowly."""
    assert "http=BulkProtocol" in inspect.getsource(api.__main__)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("0-", CONTENT),
        ("1-8999999", CONTENT[1:9_000_000]),
        ("-70000", CONTENT[-70_000:]),
        ("5000000-5000001", CONTENT[5_000_000:5_000_002]),
    ],
)
def test_ranges(registry: Registry, span: str, expected: bytes) -> None:
    answer = registry.ask("GET", f"/v2/app/blobs/{DIGEST}", headers={"Range": f"bytes={span}"})
    assert (answer.status, hashlib.sha256(answer.body).digest()) == (206, hashlib.sha256(expected).digest())


def test_a_connection_serves_one_after_the_other(registry: Registry) -> None:
    with connect(registry) as connection:
        for _ in range(3):
            connection.sendall(request(registry))
            head, body = receive(connection)
            assert head.startswith(b"HTTP/1.1 200")
            assert digest_of(body) == DIGEST


def test_requests_sent_ahead_wait_their_turn(registry: Registry) -> None:
    with connect(registry) as connection:
        connection.sendall(request(registry) + request(registry, "Range: bytes=0-99999") + request(registry))
        bodies = [receive(connection)[1] for _ in range(3)]
    assert [digest_of(body) for body in bodies] == [DIGEST, digest_of(CONTENT[:100_000]), DIGEST]


def test_a_client_that_reads_little_by_little(registry: Registry) -> None:
    with connect(registry) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.sendall(request(registry, "Range: bytes=0-7999999"))
        assert receive(connection, 3000)[1] == CONTENT[:8_000_000]


def test_clients_that_go_away_leave_nothing_open(registry: Registry) -> None:
    def blobs_open() -> int:
        return sum("/blobs/" in str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())

    for _ in range(5):
        with connect(registry) as connection:
            connection.sendall(request(registry))
            connection.recv(1000)
    wait_until(lambda: blobs_open() == 0)
    assert digest_of(registry.ask("GET", f"/v2/app/blobs/{DIGEST}").body) == DIGEST


def test_bodies_in_many_small_chunks(registry: Registry) -> None:
    """As docker sends them."""
    content = CONTENT[:3_000_000]
    location = registry.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    pieces = (content[at : at + 32_768] for at in range(0, len(content), 32_768))
    assert registry.ask("PATCH", location, pieces).headers["Range"] == "0-2999999"
    assert registry.ask("PUT", f"{location}?digest={digest_of(content)}").status == 201


def test_a_client_may_ask_first_whether_to_send(registry: Registry) -> None:
    location = registry.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    head = f"PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: {registry.basic}\r\nContent-Length: 100000\r\n"
    with connect(registry) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(CONTENT[:100_000])
        assert connection.recv(1000).startswith(b"HTTP/1.1 202")


def test_a_push_and_a_pull_sent_ahead(registry: Registry) -> None:
    location = registry.ask("POST", "/v2/app/blobs/uploads/").headers["Location"]
    head = f"PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: {registry.basic}\r\nContent-Length: 100000\r\n\r\n"
    with connect(registry) as connection:
        connection.sendall(request(registry) + head.encode() + CONTENT[:100_000] + request(registry))
        assert digest_of(receive(connection)[1]) == DIGEST
        assert b"range: 0-99999" in receive(connection)[0].lower()
        assert digest_of(receive(connection)[1]) == DIGEST

"""The engine's instants as its own filters take them."""

import pytest

from emulator.runtime.docker_documents import instant
from emulator.runtime.docker_events import _stamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01.123456789Z", "1.123456789"),
        ("1970-01-01T00:00:01.5Z", "1.500000000"),
        ("1970-01-01T00:00:01Z", "1.000000000"),
        ("1970-01-01T02:00:01.25+02:00", "1.250000000"),
        ("1970-01-01T02:00:01+02:00", "1.000000000"),
    ],
)
def test_instants_as_seconds(text: str, expected: str) -> None:
    assert _stamp(text) == expected


def test_instants() -> None:
    assert instant("0001-01-01T00:00:00Z") is None
    found = instant("2026-01-02T03:04:05.12Z")
    assert found is not None
    assert found.isoformat() == "2026-01-02T03:04:05.120000+00:00"

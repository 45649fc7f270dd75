"""Where the values of secrets come from, and how a missing one is told."""

import pytest

from emulator.ecs.secrets import read_secrets
from emulator.runtime.faults import ResourceInitializationError
from tests.emulator.playing import FixedNeighbours

SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf"
KNOWN = {
    "/app/name": "blue",
    "plain": "green",
    SECRET: '{"user": "me", "port": 5432}',
    f"{SECRET}:AWSPREVIOUS": "old",
}


def read(source: str) -> str:
    return read_secrets(FixedNeighbours(secrets=KNOWN), "111122223333", "us-east-1", {"A": source})["A"]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("/app/name", "blue"),
        ("plain", "green"),
        ("arn:aws:ssm:us-east-1:111122223333:parameter/app/name", "blue"),
        (SECRET, '{"user": "me", "port": 5432}'),
        (f"{SECRET}:user::", "me"),
        (f"{SECRET}:port", "5432"),
        (f"{SECRET}::AWSPREVIOUS:", "old"),
    ],
)
def test_a_secret_that_is_there(source: str, value: str) -> None:
    assert read(source) == value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("/none", "unable to retrieve secrets from ssm: .*invalid parameters: /none"),
        (f"{SECRET}x", "unable to retrieve secret from asm: .*ResourceNotFoundException"),
        (f"{SECRET}:password", "did not contain json key password"),
        (f"{SECRET}:x:AWSPREVIOUS", "did not contain json key x"),
    ],
)
def test_a_secret_that_is_not_there(source: str, text: str) -> None:
    with pytest.raises(ResourceInitializationError, match=text) as caught:
        read(source)
    assert caught.value.reason.startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")

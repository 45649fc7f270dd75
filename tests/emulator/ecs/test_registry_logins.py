"""The login of a private registry: what its secret must hold, and how a missing one is told."""

import pytest

from emulator.ecs.registry_logins import read_login
from emulator.runtime.faults import ResourceInitializationError
from emulator.runtime.specs import RegistryCredentials
from tests.emulator.playing import FixedNeighbours

SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub-AbCdEf"


def read(text: str, secret: str = SECRET) -> RegistryCredentials:
    return read_login(FixedNeighbours(secrets={SECRET: text, "hub": text}), "111122223333", "us-east-1", secret)


@pytest.mark.parametrize("secret", [SECRET, "hub"])
def test_a_login(secret: str) -> None:
    assert read('{"username": "ann", "password": "p:w"}', secret) == RegistryCredentials("ann", "p:w")


@pytest.mark.parametrize(
    ("text", "secret", "told"),
    [
        ("{}", f"{SECRET}x", f"asm fetching secret from the service for {SECRET}x: ResourceNotFoundException"),
        ("secret", SECRET, "unable to unmarshal secret value, invalid schema"),
        ("[]", SECRET, "unable to unmarshal secret value, invalid schema"),
        ('{"username": "ann", "password": 5}', SECRET, "unable to unmarshal secret value, invalid schema"),
        ('{"password": "x"}', SECRET, "asm fetching username: AuthorizationData is malformed, empty field"),
        ('{"username": "ann", "password": ""}', SECRET, "asm fetching password: AuthorizationData is malformed"),
    ],
)
def test_what_is_no_login(text: str, secret: str, told: str) -> None:
    with pytest.raises(ResourceInitializationError) as caught:
        read(text, secret)
    assert told in caught.value.reason
    assert "unable to get registry auth from asm" in caught.value.reason

"""Registry passwords."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.ecr.authorization import credentials_for, get_authorization_token
from emulator.ecr.tenants import place_of, tenant_of_host
from emulator.ecr.tokens import LIFETIME, ExpiredTokenError, InvalidTokenError, mint, verify
from emulator.emulator import Emulator
from tests.emulator.ecr.emulators import ACCOUNT, REGION, START, ecr_emulator

PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:user/ann"


def test_a_password_says_whose_it_is(emulator: Emulator) -> None:
    password = mint(emulator, ACCOUNT, REGION, PRINCIPAL)
    claims = verify(emulator, password)
    assert (claims.account, claims.region, claims.principal) == (ACCOUNT, REGION, PRINCIPAL)
    assert claims.expires_at == START + LIFETIME
    assert ":" not in password


def test_it_ends_after_twelve_hours(emulator: Emulator) -> None:
    password = mint(emulator, ACCOUNT, REGION, PRINCIPAL)
    emulator.clock.rewind_to(START + timedelta(hours=12))
    with pytest.raises(ExpiredTokenError):
        verify(emulator, password)


def test_it_outlives_a_restart_and_no_reset(tmp_path: Path) -> None:
    first = ecr_emulator(tmp_path)
    password = mint(first, ACCOUNT, REGION, PRINCIPAL)
    first.store.close()
    second = ecr_emulator(tmp_path)
    assert verify(second, password).account == ACCOUNT
    second.store.clear()
    with pytest.raises(InvalidTokenError):
        verify(second, password)
    second.store.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(), st.integers(min_value=0, max_value=200))
def test_no_other_text_is_a_password(emulator: Emulator, text: str, place: int) -> None:
    password = mint(emulator, ACCOUNT, REGION, PRINCIPAL)
    forged = password[:place] + text + password[place + 1 :]
    otherwise = {password.replace("-", "+").replace("_", "/"), password + "="}  # the same bytes, spelt in other ways
    for candidate in {text, forged, *otherwise} - {password}:
        with pytest.raises(InvalidTokenError):
            verify(emulator, candidate)


def test_authorization_data(emulator: Emulator) -> None:
    with emulator.transaction(ACCOUNT, REGION) as context:
        (data,) = get_authorization_token(context, {})["authorizationData"]
    assert data["proxyEndpoint"] == "http://localhost:4566"
    assert data["expiresAt"] == START + LIFETIME


@pytest.mark.parametrize(
    ("image", "ours"),
    [
        ("localhost:4566/team/app:v1", True),
        ("127.0.0.3:4566/app", True),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.localhost:4566/app@sha256:00", True),
        ("localhost:5000/app", False),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app", False),
        ("busybox", False),
        ("example.com:4566/app", False),
    ],
)
def test_only_our_own_images_get_credentials(emulator: Emulator, image: str, ours: bool) -> None:
    credentials = credentials_for(emulator, ACCOUNT, REGION, image)
    assert (credentials is not None) == ours
    if credentials is not None:
        assert (credentials.username, verify(emulator, credentials.password).account) == ("AWS", ACCOUNT)


def test_a_host_name_in_aws_style_names_the_registry() -> None:
    assert tenant_of_host("012345678901.dkr.ecr.us-east-2.localhost:4566") == ("012345678901", "us-east-2")
    assert tenant_of_host("012345678901.dkr-ecr.us-east-2.on.aws") == ("012345678901", "us-east-2")
    assert tenant_of_host("localhost:4566") is None


@pytest.mark.parametrize(
    ("path", "tenant", "name"),
    [
        ("team/app", None, "team/app"),
        ("012345678901.dkr.ecr.us-east-2.amazonaws.com/team/app", ("012345678901", "us-east-2"), "team/app"),
        ("012345678901.dkr.ecr.us-east-2.amazonaws.com", None, "012345678901.dkr.ecr.us-east-2.amazonaws.com"),
        ("012345678901/us-east-2/app", None, "012345678901/us-east-2/app"),
    ],
)
def test_a_path_may_name_the_registry(path: str, tenant: tuple[str, str] | None, name: str) -> None:
    assert place_of(path) == (tenant, name)

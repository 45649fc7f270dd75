"""Mistakes in `DATABASE_URL`."""

import pytest

from emulator.state.urls import DatabaseUrlError, parsed


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql+pg8000://me:secret@localhost/x", "pg8000 is not installed"),
        ("nonsense://me:secret@localhost/x", "Can't load plugin: sqlalchemy.dialects:nonsense"),
        ("localhost:secret", "it is no URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str, what: str) -> None:
    with pytest.raises(DatabaseUrlError) as told:
        parsed(url)
    assert str(told.value).startswith(f"DATABASE_URL cannot be used: {what}\nfix: pip install 'ashore[postgresql]' ")
    assert "secret" not in str(told.value)


def test_urls_of_what_is_installed() -> None:
    assert parsed("sqlite://").get_backend_name() == "sqlite"
    assert parsed("postgresql+psycopg://me@localhost/x").database == "x"

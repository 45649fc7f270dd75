"""A new database is made from the tables as they are; it must be what the migrations come to."""

import re
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from emulator.state.schema import create, current, head, migrate, upgrade


def schema(engine: Engine) -> dict[str, list[str]]:
    """Table or index → its definition in parts that do not depend on the order of columns and constraints."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    found = {}
    for name, sql in rows:
        plain = re.sub(r"\s+", " ", sql).replace('"', "")
        body = plain[plain.index("(") + 1 : plain.rindex(")")] if plain.startswith("CREATE TABLE") else plain
        found[name] = sorted(part.strip() for part in re.split(r",(?![^(]*\))", body))
    return found


def engine_in(folder: Path, name: str) -> Engine:
    return create_engine(f"sqlite:///{folder / name}")


def test_the_tables_as_they_are_are_what_the_migrations_come_to(tmp_path: Path) -> None:
    made, migrated = engine_in(tmp_path, "made"), engine_in(tmp_path, "migrated")
    create(made)
    migrate(migrated)
    assert current(made) == current(migrated) == head()
    assert schema(made) == schema(migrated)


def test_a_database_of_an_earlier_revision_is_migrated(tmp_path: Path) -> None:
    engine = engine_in(tmp_path, "old")
    migrate(engine, "0001")
    assert current(engine) == "0001"
    upgrade(engine)
    assert current(engine) == head()

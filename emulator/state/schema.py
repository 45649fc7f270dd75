"""Brings a database to the present schema by Alembic's migrations, without paying for Alembic where there is nothing to do."""

from functools import cache
from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, PrimaryKeyConstraint, String, Table, create_mock_engine, inspect, text
from sqlalchemy.schema import ExecutableDDLElement

import emulator.state.tables  # noqa: F401 - declares every table
from emulator.state.base import Base

MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as it makes it itself."""


def head() -> str:
    """The newest revision: the migrations are numbered, `0001_…` and so on, and the number is the revision."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(engine: Engine) -> None:
    """Apply the migrations that the database has not seen; an empty one gets the tables as they are now, which is the same."""
    seen = current(engine)
    if seen == head():
        return
    if seen is None:
        create(engine)
        return
    migrate(engine)


def create(engine: Engine) -> None:
    """Make all tables in an empty database, at the newest revision."""
    with engine.begin() as connection:
        for statement in statements(engine.dialect.name):
            connection.exec_driver_sql(statement)
        connection.execute(_VERSION.insert(), {"version_num": head()})


@cache
def statements(dialect: str) -> tuple[str, ...]:
    """What makes all tables, in the words of a database; put together once in a process, which takes longer than the making."""
    if dialect == "postgresql":
        _limit_indexes()
    found: list[str] = []

    def add(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        found.append(str(element.compile(dialect=mock.dialect)))

    mock = create_mock_engine(f"{dialect}://", add)
    for metadata in (Base.metadata, _VERSION.metadata):
        metadata.create_all(mock, checkfirst=False)
    return tuple(found)


def _limit_indexes() -> None:
    """PostgreSQL's indexes hold the rows that SQLite's do."""
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


def migrate(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations that the database has not seen, one by one, up to `revision`."""
    from alembic import command  # noqa: PLC0415 - costs more than the whole start of a server that is up to date
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def current(engine: Engine) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

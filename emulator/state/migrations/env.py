"""Alembic's entry point: runs on the connection that `emulator.state.schema` hands over."""

from alembic import context

from emulator.state import tables
from emulator.state.base import Base

assert tables  # imported for its tables  # noqa: S101

with context.begin_transaction():
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
    )
    context.run_migrations()

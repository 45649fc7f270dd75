"""Alembic's entry point: runs on the connection that `emulator.state.schema` hands over."""

from alembic import context

import emulator.state.tables  # noqa: F401 - imported for its tables
from emulator.state.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Writes the next migration by comparing the tables with what the migrations make: `make migration MESSAGE="…"`."""

import sys

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from emulator.state.schema import MIGRATIONS, head, migrate


def main(message: str) -> None:
    """Write `versions/NNNN_message.py`."""
    engine = create_engine("sqlite://")
    if any((MIGRATIONS / "versions").glob("[0-9]*.py")):
        migrate(engine)  # `upgrade` would make the tables as they are now, and nothing would differ
        number = int(head()) + 1
    else:
        number = 1
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    main(sys.argv[1])

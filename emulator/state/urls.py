"""What `DATABASE_URL` may say, checked before anything is opened: a mistake in it is told with its fix."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

_FIX = "pip install 'ashore[postgresql]' and write postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"


class DatabaseUrlError(Exception):
    """`DATABASE_URL` is no address that can be used here. What it says is not repeated: it may hold a password."""

    def __init__(self, what: str) -> None:
        super().__init__(f"DATABASE_URL cannot be used: {what}\nfix: {_FIX}")


def parsed(text: str) -> URL:
    """The URL in `text`, whose driver is installed.

    Raises:
        DatabaseUrlError: it is no URL, or its driver is missing.

    """
    try:
        url = make_url(text)
        url.get_dialect().import_dbapi()
    except ArgumentError as error:  # NoSuchModuleError is one
        what = str(error) if isinstance(error, NoSuchModuleError) else "it is no URL"
        raise DatabaseUrlError(what) from error
    except ImportError as error:
        raise DatabaseUrlError(f"{error.name} is not installed") from error
    return url

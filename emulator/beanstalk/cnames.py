"""CNAMEs of environments: names below `elasticbeanstalk.localhost`, which browsers and curl take for this machine."""

import re

from sqlalchemy import select

from emulator.beanstalk.environment_states import Status
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]")


def is_prefix(text: str) -> bool:
    """Whether a CNAME may begin so: 4 to 63 letters, digits and hyphens, none of these at an end."""
    return _PREFIX.fullmatch(text) is not None


def cname_of(prefix: str, region: str) -> str:
    """The name that belongs to a prefix."""
    return f"{prefix}.{region}.elasticbeanstalk.localhost"


def is_taken(context: Context, cname: str) -> bool:
    """Whether an environment that is not terminated has it, whosever it is. Case does not matter."""
    query = select(EnvironmentRow.cname).where(
        EnvironmentRow.cname.is_not(None),
        EnvironmentRow.status != Status.TERMINATED,
        EnvironmentRow.region == context.region,
    )
    return any(found is not None and found.lower() == cname.lower() for found in context.session.scalars(query))


def made_up(context: Context, name: str) -> str:
    """For an environment that asked for none: its name and eight letters and digits."""
    number, letters = context.emulator.ids.seed(), ""
    for _ in range(8):
        number, index = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[index]
    return cname_of(f"{name.lower()}.eba-{letters}", context.region)


def release(context: Context, row: EnvironmentRow) -> None:
    """The name of a terminated environment is free. It is still shown, as AWS shows it."""
    del context, row

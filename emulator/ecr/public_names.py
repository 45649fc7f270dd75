"""Repositories of ECR Public as the registry names them: `public.ecr.aws/ALIAS/NAME`, on our port as a prefix of the path.

Everybody with a password may pull; only the owner's account may push. A row of a public repository has no region of its
own: its ARN is `arn:aws:ecr-public::ACCOUNT:repository/NAME` and its region the word `public`.
"""

import hashlib

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecr.access import AccessDeniedException
from emulator.ecr.errors import RepositoryNotFoundException
from emulator.state.ecr import RepositoryRow

PUBLIC_HOST = "public.ecr.aws"
PUBLIC_REGION = "public"
_PREFIX = f"{PUBLIC_HOST}/"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def is_public(name: str) -> bool:
    """Whether the registry's path means a repository of ECR Public."""
    return name.startswith(_PREFIX)


def alias_of(account: str) -> str:
    """The account's default alias: a letter, then letters and digits, as AWS draws them; here always the same."""
    number = int.from_bytes(hashlib.sha256(account.encode()).digest()[:8], "big")
    letters = [_LETTERS[number % 26]]
    number //= 26
    for _ in range(7):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)


def public_arn(account: str, name: str) -> str:
    """The ARN of a public repository."""
    return f"arn:aws:ecr-public::{account}:repository/{name}"


def public_uri(port: int, account: str, name: str) -> str:
    """How docker reaches a public repository here."""
    return f"localhost:{port}/{_PREFIX}{alias_of(account)}/{name}"


def find_public_repository(context: Context, path: str, *, pushing: bool) -> RepositoryRow:
    """The repository at `public.ecr.aws/ALIAS/NAME`.

    Raises:
        RepositoryNotFoundException: there is none.
        AccessDeniedException: only the owner pushes.

    """
    alias, _, name = path.removeprefix(_PREFIX).partition("/")
    owners = context.session.scalars(
        select(RepositoryRow.account).where(RepositoryRow.region == PUBLIC_REGION, RepositoryRow.name == name)
    )
    account = next((owner for owner in owners if alias_of(owner) == alias), None)
    if account is None:
        raise RepositoryNotFoundException(name, alias)
    row = context.session.get_one(RepositoryRow, public_arn(account, name))
    caller = parse_arn(context.principal)
    if pushing and (caller is None or caller.account != account):
        raise AccessDeniedException(
            f"User: {context.principal} is not authorized to perform: ecr-public:InitiateLayerUpload "
            f"on resource: {row.arn}"  # (unconfirmed wording)
        )
    return row

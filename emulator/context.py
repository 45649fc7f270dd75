"""What an operation is given beside its request: its caller, its transaction and the server's parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from emulator.arns import make_arn
from emulator.journal import Entry, Kind
from emulator.state.store import after_commit

if TYPE_CHECKING:
    from emulator.emulator import Emulator
    from emulator.iam.callers import Caller


@dataclass(slots=True)
class Context:
    """One request (or one step of a loop)."""

    session: Session
    account: str
    region: str
    principal: str
    """The ARN of the caller."""
    request_id: str
    emulator: "Emulator"
    caller: "Caller | None" = None
    """The caller's permissions; None where nobody asks (IAM off, and the server's own doings)."""

    @property
    def now(self) -> datetime:
        """The present instant of the server's clock."""
        return self.emulator.clock.now()

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in the caller's account and region."""
        return make_arn(service, self.region, self.account, resource)

    def record(self, kind: Kind, subject: str, detail: Mapping[str, Any], scope: str | None = None) -> None:
        """Write a journal entry in this transaction."""
        entry = Entry(self.now, kind, self.account, self.region, subject, detail, scope)
        self.emulator.journal.write(self.session, entry)

    def after_commit(self, function: Callable[[], object]) -> None:
        """Run `function` once this transaction is safe; never where it is rolled back."""
        after_commit(self.session, function)

    def wake(self, loop: str, *keys: str) -> None:
        """Have a loop look at `keys` once this transaction is safe."""
        after_commit(self.session, lambda: self.emulator.loops.wake(loop, *keys))

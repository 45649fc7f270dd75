"""What calls the functions of lifecycle hooks, as the loop sees it."""

from collections.abc import Mapping
from typing import Any, Protocol


class HookTargetError(Exception):
    """A hook's function could not be called, or its answer could not be read; the text ends the deployment's reason.

    Args:
        message: in ECS's words.
        because: what keeps it from being called, alone; the message where None.

    """

    def __init__(self, message: str, because: str | None = None) -> None:
        super().__init__(message)
        self.because = because or message


class HookTargets(Protocol):
    """Calls Lambda functions."""

    async def call(self, account: str, region: str, arn: str, payload: Mapping[str, Any]) -> object:
        """Call a function and return what it answered, parsed.

        Raises:
            HookTargetError: it could not be called.

        """


class NoTargets:
    """Nothing runs Lambda functions here, so that every hook that calls one fails and says so."""

    async def call(self, account: str, region: str, arn: str, payload: Mapping[str, Any]) -> object:
        """See `HookTargets`."""
        del account, region, payload
        because = "Lambda functions are not emulated"
        raise HookTargetError(f"ECS was unable to invoke hook target {arn} due to {because}", because)

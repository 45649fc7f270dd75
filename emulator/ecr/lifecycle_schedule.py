"""When lifecycle policies are looked at; `lifecycle_loop` says why so."""

from datetime import timedelta

from emulator.context import Context
from emulator.state.ecr_registry import LifecyclePolicyRow

LOOP = "ecr-lifecycle"
PREVIEW = "preview:"
"""Before an ARN: the loop's key for a preview."""
SETTLING = timedelta(minutes=5)


def evaluate_soon(context: Context, repository_arn: str) -> None:
    """Have the repository's policy, if it has one, evaluated once the pushes under way have settled."""
    row = context.session.get(LifecyclePolicyRow, repository_arn)
    if row is not None and row.evaluate_at > context.now + SETTLING:
        row.evaluate_at = context.now + SETTLING
        context.wake(LOOP, repository_arn)

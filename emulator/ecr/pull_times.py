"""When images were pulled: written down once a day at most, and not for principals whose pulls do not count."""

from datetime import timedelta

from emulator.arns import make_arn, parse_arn
from emulator.context import Context
from emulator.state.ecr import ImageRow
from emulator.state.ecr_registry import PullTimeExclusionRow

_RECORDED_EVERY = timedelta(hours=24)


def record_pull(context: Context, image: ImageRow) -> None:
    """Remember that the image was pulled."""
    if image.pulled_at is not None and context.now - image.pulled_at < _RECORDED_EVERY:
        return
    if not _is_excluded(context, image.repository_arn):
        image.pulled_at = context.now


def _is_excluded(context: Context, repository_arn: str) -> bool:
    """Whether the owner of the repository excludes the caller, or the role that the caller has assumed."""
    owner, caller = parse_arn(repository_arn), parse_arn(context.principal)
    if owner is None or caller is None:
        return False
    names = {context.principal}
    if caller.kind == "assumed-role":
        names.add(make_arn("iam", "", caller.account, f"role/{caller.resource.split('/')[1]}"))
    return any(
        context.session.get(PullTimeExclusionRow, (owner.account, owner.region, name)) is not None for name in names
    )

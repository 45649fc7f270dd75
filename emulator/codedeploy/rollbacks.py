"""When a deployment ends before its way does: the deployment that takes the service back to what it ran before."""

from sqlalchemy import func, select

from emulator.codedeploy import progress
from emulator.context import Context
from emulator.state.codedeploy import CodeDeploymentRow
from scheduler.reconcile.code_deploy import Ending


def go_back(context: Context, row: CodeDeploymentRow, ending: Ending) -> None:
    """Make the deployment that goes back, where one is wanted; one that goes back is not gone back from."""
    if row.progress.get("back") or row.progress.get("blue") is None or not _wanted(row, ending):
        return
    back = new_row(context, row, {**row.body, "creator": "codeDeployRollback", "rollbackOf": row.id})
    back.progress = {"back": True, "green": row.progress["blue"], "blue": row.progress.get("green")}
    context.session.add(back)
    progress.note(row, rollback=back.id)
    context.wake("codedeploy", row.service_arn)


def _wanted(row: CodeDeploymentRow, ending: Ending) -> bool:
    asked = (row.progress.get("stop") or {}).get("back")
    if ending.code == "MANUAL_STOP" and asked is not None:
        return bool(asked)
    automatic = row.body["autoRollbackConfiguration"]
    return automatic["enabled"] and ending.event in automatic["events"]


def new_row(context: Context, like: CodeDeploymentRow, body: dict[str, object]) -> CodeDeploymentRow:
    """A deployment of the same group to the same service, not begun yet."""
    return CodeDeploymentRow(
        id=new_id(context),
        account=like.account,
        region=like.region,
        application=like.application,
        group_name=like.group_name,
        sequence=next_sequence(context),
        service_arn=like.service_arn,
        status="Created",
        body=body,
        progress={},
        error=None,
        created_at=context.now,
        started_at=None,
        completed_at=None,
    )


def new_id(context: Context) -> str:
    """Such as `d-A1B2C3D4E`."""
    return f"d-{context.emulator.ids.capitals(9)}"


def next_sequence(context: Context) -> int:
    """The number of a new deployment in its account and region."""
    newest = select(func.max(CodeDeploymentRow.sequence)).where(
        CodeDeploymentRow.account == context.account, CodeDeploymentRow.region == context.region
    )
    return (context.session.scalar(newest) or 0) + 1

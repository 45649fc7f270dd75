"""Lifecycle hooks of a service deployment: pauses that wait for ContinueServiceDeployment, and Lambda functions.

The hooks of the stage that a deployment is in are kept in its row (`progress["hooks"]`). What calls the functions is the
loop in `hook_calls.py`; a call that was under way when the process died is made again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from emulator.context import Context
from emulator.state.ecs import ServiceDeploymentRow
from scheduler.reconcile.traffic_shift import Stage

_DEFAULT_MINUTES = 1440
OPEN = {"AWAITING_ACTION", "IN_PROGRESS"}


def hooks_for(context: Context, row: ServiceDeploymentRow, stage: Stage) -> list[dict[str, Any]]:
    """The hooks of a stage, as they begin. A rollback asks functions only."""
    asked: Sequence[Mapping[str, Any]] = row.configuration.get("lifecycleHooks", [])
    found = [hook for hook in asked if stage.value in hook["lifecycleStages"]]
    return [_begin(context, hook) for hook in found]


def _begin(context: Context, hook: Mapping[str, Any]) -> dict[str, Any]:
    pause = hook.get("targetType", "AWS_LAMBDA") == "PAUSE"
    timeout = hook.get("timeoutConfiguration", {})
    expires = context.now + timedelta(minutes=timeout.get("timeoutInMinutes", _DEFAULT_MINUTES))
    return {
        "hookId": f"ecs-pause-{context.emulator.ids.hex32()}" if pause else context.emulator.ids.uuid(),
        "targetType": "PAUSE" if pause else "AWS_LAMBDA",
        "targetArn": hook.get("hookTargetArn"),
        "status": "AWAITING_ACTION" if pause else "IN_PROGRESS",
        "expiresAt": expires.isoformat(),
        "timeoutAction": timeout.get("action", "ROLLBACK"),
        "hookDetails": hook.get("hookDetails"),
        "callAt": None if pause else context.now.isoformat(),
        "reason": None,
    }


def hooks_of(row: ServiceDeploymentRow) -> list[dict[str, Any]]:
    """The hooks of the stage that the deployment is in."""
    return list(row.progress.get("hooks", []))


def change_hook(row: ServiceDeploymentRow, hook_id: str, change: Mapping[str, Any]) -> None:
    """Write what became of a hook."""
    hooks = [{**hook, **change} if hook["hookId"] == hook_id else hook for hook in hooks_of(row)]
    row.progress = {**row.progress, "hooks": hooks}


def expire(context: Context, row: ServiceDeploymentRow) -> datetime | None:
    """End the hooks whose time is up; when the next one's will be."""
    waiting = [hook for hook in hooks_of(row) if hook["status"] in OPEN]
    for hook in waiting:
        if datetime.fromisoformat(hook["expiresAt"]) <= context.now:
            change_hook(row, hook["hookId"], {"status": "TIMED_OUT"})
    later = [datetime.fromisoformat(hook["expiresAt"]) for hook in hooks_of(row) if hook["status"] in OPEN]
    return min(later, default=None)


def passed(row: ServiceDeploymentRow) -> bool:
    """Every hook of the stage is through."""
    return all(
        hook["status"] == "SUCCEEDED" or (hook["status"] == "TIMED_OUT" and hook["timeoutAction"] == "CONTINUE")
        for hook in hooks_of(row)
    )


def failure(row: ServiceDeploymentRow) -> str | None:
    """Why the deployment must be given up because of a hook; None where it need not."""
    for hook in hooks_of(row):
        if hook["status"] == "FAILED":
            return f"{row.stage} lifecycle hook(s) failed. {hook['reason']}"
        if hook["status"] == "TIMED_OUT" and hook["timeoutAction"] == "ROLLBACK":
            target = hook["targetArn"] or hook["hookId"]
            return f"{row.stage} lifecycle hook(s) failed. {target} timed out."  # (unconfirmed) text
    return None


def describe_hooks(row: ServiceDeploymentRow) -> list[dict[str, Any]]:
    """`lifecycleHookDetails` as DescribeServiceDeployments shows them."""
    return [
        {
            "hookId": hook["hookId"],
            "targetType": hook["targetType"],
            **({"targetArn": hook["targetArn"]} if hook["targetArn"] else {}),
            "status": hook["status"],
            "expiresAt": datetime.fromisoformat(hook["expiresAt"]),
            "timeoutAction": hook["timeoutAction"],
        }
        for hook in hooks_of(row)
    ]

"""Where a deployment is, as its row keeps it.

`progress`: `stage` and `step` (its place), `entered` (since when it is there), `shifted` (since when the listeners are as
wanted there), `events` (lifecycle events that began, in order), `hook` (the function of the event that is under way),
`green` and `blue` (task sets: what is deployed, and what served when it began), `production` (percent of green), `ready`
(since when it waits to be continued), `approved`, `skips` (the wait for termination was ended), `stop` (somebody wants it
stopped: the message, and whether to go back), `back` (it goes back from another deployment), `rollback` (the deployment
that goes back from this one), `waits` (what for, in words).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from emulator.context import Context
from emulator.state.codedeploy import CodeDeploymentRow
from scheduler.reconcile.code_deploy import EVENTS, HOOKS, Routing, plan_of
from scheduler.reconcile.traffic_shift import WAY_BACK, Place, Plan, Shift, Stage

ACTIVE = ("Created", "InProgress", "Ready")
"""Statuses of deployments that are under way."""
HOOK_TIME = timedelta(hours=1)
"""How long a function may take to report (a CodeDeploy default)."""


def plan(row: CodeDeploymentRow) -> Plan:
    """What the deployment goes through."""
    if row.progress.get("back"):
        return WAY_BACK
    ended = row.body["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"]
    minutes = ended["terminationWaitTimeInMinutes"] if ended["action"] == "TERMINATE" else None
    return plan_of(Routing(**row.body["routing"]), minutes)


def place(row: CodeDeploymentRow) -> Place:
    """Where it is."""
    return Place(Stage(row.progress["stage"]), row.progress["step"])


def note(row: CodeDeploymentRow, **members: object) -> None:
    """Write down what became known."""
    row.progress = {**row.progress, **members}


def enter(context: Context, row: CodeDeploymentRow, following: Place) -> None:
    """Come to a place; its lifecycle event begins, the one before has succeeded."""
    now = context.now.isoformat()
    event = EVENTS.get(following.stage)
    events = list(row.progress.get("events", []))
    again = bool(events) and events[-1]["name"] == event
    if events and not again:
        events[-1] = _ended(events[-1], "Succeeded", now)
    if event is not None and not again:
        events.append({"name": event, "status": "InProgress", "start": now, "end": None, "message": None})
    note(
        row,
        stage=following.stage.value,
        step=following.step,
        entered=now,
        shifted=None,
        events=events,
        hook=_hook(context, row, following.stage),
        waits=None,
    )


def _ended(event: Mapping[str, Any], status: str, now: str, message: str | None = None) -> dict[str, Any]:
    if event["status"] != "InProgress":
        return dict(event)
    return {**event, "status": status, "end": now, "message": message}


def end_events(context: Context, row: CodeDeploymentRow, status: str, message: str | None) -> None:
    """The deployment ends: so does the event that is under way."""
    events = list(row.progress.get("events", []))
    if events:
        events[-1] = _ended(events[-1], status, context.now.isoformat(), message)
    note(row, events=events, hook=None, waits=None)


def _hook(context: Context, row: CodeDeploymentRow, stage: Stage) -> dict[str, Any] | None:
    function = None if row.progress.get("back") else row.body["appspec"]["hooks"].get(EVENTS.get(stage, ""))
    if stage not in HOOKS or function is None:
        return None
    return {
        "id": context.emulator.ids.uuid(),
        "function": function if function.startswith("arn:") else context.arn("lambda", f"function:{function}"),
        "status": "Pending",
        "called": False,
        "expires": (context.now + HOOK_TIME).isoformat(),
        "message": None,
    }


def change_hook(row: CodeDeploymentRow, hook_id: str, **change: object) -> bool:
    """Write what became of the hook; False where the deployment has gone on without it."""
    hook = row.progress.get("hook")
    if hook is None or hook["id"] != hook_id:
        return False
    note(row, hook={**hook, **change})
    return True


def shift_of(context: Context, row: CodeDeploymentRow, *, ready: bool, alone: bool) -> Shift:
    """The deployment as the scheduler sees it."""
    hook, shifted = row.progress.get("hook"), row.progress.get("shifted")
    return Shift(
        plan=plan(row),
        place=place(row),
        elapsed=since(context, row.progress["entered"]),
        shifted_for=None if shifted is None else since(context, shifted),
        ready=ready,
        alone=alone,
        hooks_passed=hook is None or hook["status"] == "Succeeded",
    )


def since(context: Context, instant: str) -> float:
    """Seconds since an instant that a row keeps."""
    return (context.now - datetime.fromisoformat(instant)).total_seconds()

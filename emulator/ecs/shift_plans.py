"""Where a traffic-shifting deployment is, as its row keeps it: `progress` holds the step, and since when it is there.

`progress`: `step`, `entered` (when it came to its place), `shifted` (since when the listener rules are as wanted), `back`
(it is on its way back), `production` and `test` (percent of traffic that `receiver` has, where `giver` has the rest),
`waits` (what for, in words), `hooks` (see `lifecycle_hooks`).
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from emulator.context import Context
from emulator.ecs.lifecycle_hooks import hooks_for
from emulator.state.ecs import ServiceDeploymentRow
from scheduler.reconcile.traffic_shift import (
    WAY_BACK,
    Place,
    Plan,
    Shift,
    Stage,
    Weights,
    blue_green,
    canary,
    first_place,
    linear,
)

_MINUTE = 60.0
_TRAFFIC = ("production", "test", "receiver", "giver")


def shifts_traffic(row: ServiceDeploymentRow | None) -> bool:
    """Whether the deployment goes by stages, not by replacing task after task."""
    return row is not None and row.configuration["strategy"] != "ROLLING"


def plan_of(row: ServiceDeploymentRow) -> Plan:
    """What the deployment goes through. Where nothing served before, there is nothing to share or to wait for."""
    if row.progress.get("back"):
        return WAY_BACK
    if not row.source_ids:
        return blue_green(0.0)  # that a first deployment neither steps nor bakes is (unconfirmed)
    configuration = row.configuration
    bake = configuration.get("bakeTimeInMinutes", 0) * _MINUTE
    match configuration["strategy"]:
        case "LINEAR":
            asked = configuration["linearConfiguration"]
            return linear(asked["stepPercent"], asked["stepBakeTimeInMinutes"] * _MINUTE, bake)
        case "CANARY":
            asked = configuration["canaryConfiguration"]
            return canary(asked["canaryPercent"], asked["canaryBakeTimeInMinutes"] * _MINUTE, bake)
        case _:
            return blue_green(bake)


def place_of(row: ServiceDeploymentRow) -> Place:
    """Where it is; at its beginning where it has not come anywhere."""
    if row.stage is None:
        return first_place(plan_of(row), len(row.source_ids))
    return Place(Stage(row.stage), row.progress.get("step", 0))


def enter(context: Context, row: ServiceDeploymentRow, place: Place) -> None:
    """Come to a place."""
    row.stage, row.updated_at = place.stage.value, context.now
    row.progress = {
        "back": row.progress.get("back", False),
        **{name: value for name, value in row.progress.items() if name in _TRAFFIC},
        "step": place.step,
        "entered": context.now.isoformat(),
        "shifted": None,
        "hooks": hooks_for(context, row, place.stage),
    }
    context.wake("hooks", row.arn)


def turn_back(context: Context, row: ServiceDeploymentRow) -> None:
    """Begin the way back."""
    told = row.progress
    shares: dict[str, Any] = {name: round(100.0 - told[name], 1) for name in ("production", "test") if name in told}
    row.progress = {"back": True, **shares, "receiver": told.get("giver"), "giver": told.get("receiver")}
    enter(context, row, first_place(WAY_BACK, 1))


def note_shifted(
    context: Context, row: ServiceDeploymentRow, wanted: Weights, receiver: str, giver: str | None
) -> None:
    """The listener rules are as wanted: so much goes to `receiver`, the rest to `giver`."""
    if row.progress.get("shifted") is None:
        told = {name: value for name, value in asdict(wanted).items() if value is not None}
        between = {"receiver": receiver, "giver": giver}
        row.progress = {**row.progress, **told, **between, "shifted": context.now.isoformat()}


def share_of(row: ServiceDeploymentRow, deployment_id: str, traffic: str) -> float | None:
    """Percent of the `production` or `test` traffic that a revision has; None before anything is known of it."""
    percent = row.progress.get(traffic)
    if percent is None:
        return None
    if deployment_id == row.progress["receiver"]:
        return float(percent)
    return round(100.0 - percent, 1) if deployment_id == row.progress["giver"] else 0.0


def note_wait(row: ServiceDeploymentRow, why: str) -> None:
    """What keeps it in its place, for people."""
    if row.progress.get("waits") != why:
        row.progress = {**row.progress, "waits": why}


def shift_of(context: Context, row: ServiceDeploymentRow, *, ready: bool, alone: bool, hooks_passed: bool) -> Shift:
    """The deployment as the scheduler sees it."""
    progress: dict[str, Any] = row.progress
    shifted = progress.get("shifted")
    return Shift(
        plan=plan_of(row),
        place=place_of(row),
        elapsed=_since(context, progress["entered"]),
        shifted_for=None if shifted is None else _since(context, shifted),
        ready=ready,
        alone=alone,
        hooks_passed=hooks_passed,
    )


def _since(context: Context, instant: str) -> float:
    return (context.now - datetime.fromisoformat(instant)).total_seconds()

"""The loop `hooks`: calls the Lambda functions of lifecycle hooks and writes what they answered.

A call is awaited outside transactions. One that was under way when the process ended is made again after the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs import rollouts
from emulator.ecs.hook_targets import HookTargetError, HookTargets
from emulator.ecs.lifecycle_hooks import change_hook, hooks_of
from emulator.ecs.service_revisions import revision_arn
from emulator.ecs.shift_plans import place_of, plan_of
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.traffic_shift import Stage, weights

_DELAY = 30
"""Seconds after which a function that says IN_PROGRESS is called again."""


@dataclass(frozen=True, slots=True)
class _Call:
    account: str
    region: str
    deployment_arn: str
    hook_id: str
    target: str
    payload: Mapping[str, Any]


class HookCalls:
    """Calls functions."""

    def __init__(self, emulator: Emulator, targets: HookTargets) -> None:
        self._emulator, self._targets = emulator, targets
        emulator.loops.add("hooks", self.handle, batch=1)

    def start(self) -> None:
        """Wake every service deployment that is under way."""
        with self._emulator.store.begin() as session:
            arns = session.scalars(
                select(ServiceDeploymentRow.arn).where(ServiceDeploymentRow.status.in_(rollouts.RUNNING))
            ).all()
        self._emulator.loops.wake("hooks", *arns)

    async def handle(self, arns: list[str]) -> None:
        """Make the calls of these service deployments that are due."""
        for arn in arns:
            for call in self._due(arn):
                await self._make(call)

    def _due(self, arn: str) -> list[_Call]:
        now = self._emulator.clock.now()
        calls = []
        with self._emulator.store.begin() as session:
            row = session.get(ServiceDeploymentRow, arn)
            if row is None or row.status not in rollouts.RUNNING:
                return []
            service = session.get_one(ServiceRow, row.service_arn)
            primary = session.scalars(
                select(DeploymentRow.id).where(
                    DeploymentRow.service_arn == service.arn, DeploymentRow.status == "PRIMARY"
                )
            ).one()
            for hook in hooks_of(row):
                if hook["status"] != "IN_PROGRESS" or hook["callAt"] is None:
                    continue
                at = datetime.fromisoformat(hook["callAt"])
                if at > now:
                    self._emulator.loops.wake_at("hooks", arn, at)
                    continue
                payload = _payload(row, primary, hook)
                calls.append(_Call(service.account, service.region, arn, hook["hookId"], hook["targetArn"], payload))
        return calls

    async def _make(self, call: _Call) -> None:
        try:
            answer = await self._targets.call(call.account, call.region, call.target, call.payload)
            change = _read(call.target, answer)
        except HookTargetError as error:
            change = {"status": "FAILED", "reason": str(error)}
        delay = change.pop("delay", None)
        if delay is not None:
            change["callAt"] = (self._emulator.clock.now() + timedelta(seconds=delay)).isoformat()
        with self._emulator.transaction(call.account, call.region) as context:
            self._write(context, call, change)

    def _write(self, context: Context, call: _Call, change: Mapping[str, Any]) -> None:
        row = context.session.get(ServiceDeploymentRow, call.deployment_arn)
        if row is None or not any(hook["hookId"] == call.hook_id for hook in hooks_of(row)):
            return  # the deployment went on, or back, while the function was thinking
        change_hook(row, call.hook_id, change)
        detail = {"hook": call.hook_id, "target": call.target, "stage": row.stage, **change}
        context.record(Kind.STATE_CHANGE, row.service_arn, detail, row.cluster_arn)
        context.wake("services", row.service_arn)
        context.wake("hooks", row.arn)


def _payload(row: ServiceDeploymentRow, primary: str, hook: Mapping[str, Any]) -> dict[str, Any]:
    """What the function is told. Weights are told where traffic is shifted."""
    place = place_of(row)
    found = weights(plan_of(row), place)
    others = [other for other in (*row.source_ids, row.deployment_id) if other != primary]

    def shares(percent: float | None, *stages: Stage) -> dict[str, float]:
        if place.stage not in stages or percent is None:
            return {}
        rest = {revision_arn(row.service_arn, other): round(100.0 - percent, 1) for other in others[:1]}
        return {**rest, revision_arn(row.service_arn, primary): percent}

    payload = {
        "executionId": hook["hookId"],
        "lifecycleStage": place.stage.value,
        "resourceArn": row.arn,
        "executionDetails": {
            "serviceArn": row.service_arn,
            "targetServiceRevisionArn": revision_arn(row.service_arn, primary),
            "testTrafficWeights": shares(found.test, Stage.TEST_TRAFFIC_SHIFT),
            "productionTrafficWeights": shares(
                found.production, Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT
            ),
        },
    }
    return payload if hook["hookDetails"] is None else {**payload, "hookDetails": hook["hookDetails"]}


def _read(target: str, answer: object) -> dict[str, Any]:
    """What an answer means for the hook."""
    status = answer.get("hookStatus") if isinstance(answer, Mapping) else None
    match status:
        case "SUCCEEDED":
            return {"status": "SUCCEEDED", "callAt": None}
        case "FAILED":
            return {"status": "FAILED", "reason": f"Lifecycle hook target {target} returned FAILED status."}
        case "IN_PROGRESS":
            delay = answer.get("callBackDelay", _DELAY) if isinstance(answer, Mapping) else _DELAY
            return {"delay": delay if isinstance(delay, int | float) and delay > 0 else _DELAY}
        case None:
            why = "HookStatus must not be null"
        case _:
            why = f"HookStatus {status} is not known"  # (unconfirmed) text
    return {"status": "FAILED", "reason": f"ECS was unable to parse the response from {target} due to {why}"}

"""The loop `codedeploy`: takes the deployment of a service a step on, and calls the functions of its hooks.

Its key is the service's ARN. A call is awaited outside transactions; one that was under way when the process ended is made
again after the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.codedeploy import progress
from emulator.codedeploy.steps import advance
from emulator.context import Context
from emulator.ecs.hook_targets import HookTargetError, HookTargets
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.codedeploy import CodeDeploymentRow


@dataclass(frozen=True, slots=True)
class _Call:
    account: str
    region: str
    deployment_id: str
    hook_id: str
    function: str

    @property
    def payload(self) -> Mapping[str, str]:
        """What CodeDeploy tells a function."""
        return {"DeploymentId": self.deployment_id, "LifecycleEventHookExecutionId": self.hook_id}


class CodeDeployments:
    """Carries CodeDeploy's deployments out."""

    def __init__(self, emulator: Emulator, targets: HookTargets) -> None:
        self._emulator, self._targets = emulator, targets
        emulator.loops.add("codedeploy", self.handle, batch=1)

    def start(self) -> None:
        """Wake every service whose deployment is under way."""
        with self._emulator.store.begin() as session:
            arns = session.scalars(
                select(CodeDeploymentRow.service_arn).where(CodeDeploymentRow.status.in_(progress.ACTIVE))
            ).all()
        self._emulator.loops.wake("codedeploy", *arns)

    async def handle(self, arns: list[str]) -> None:
        """One step for the deployment of each service, and the call that it is due."""
        for arn in arns:
            call = self._step(arn)
            if call is not None:
                await self._make(call)

    def _step(self, arn: str) -> _Call | None:
        parsed = parse_arn(arn)
        assert parsed is not None  # noqa: S101 - the key is an ARN
        with self._emulator.transaction(parsed.account, parsed.region) as context:
            row = _current(context, arn)
            if row is None:
                return None
            advance(context, row)
            hook = row.progress.get("hook")
            if hook is None or hook["called"] or row.status not in progress.ACTIVE:
                return None
            return _Call(row.account, row.region, row.id, hook["id"], hook["function"])

    async def _make(self, call: _Call) -> None:
        try:
            await self._targets.call(call.account, call.region, call.function, call.payload)
            change: dict[str, object] = {"called": True}
        except HookTargetError as error:
            change = {"called": True, "status": "Failed", "message": f"It could not be called: {error.because}."}
        with self._emulator.transaction(call.account, call.region) as context:
            row = context.session.get_one(CodeDeploymentRow, call.deployment_id)
            hook = row.progress.get("hook")
            if hook is not None and hook["status"] != "Pending":
                change = {"called": True}  # it has reported while it ran
            if progress.change_hook(row, call.hook_id, **change):
                detail = {"codeDeployment": row.id, "function": call.function, **change}
                context.record(Kind.STATE_CHANGE, row.service_arn, detail)
                context.wake("codedeploy", row.service_arn)


def _current(context: Context, service_arn: str) -> CodeDeploymentRow | None:
    """The deployment of a service that is under way."""
    statement = select(CodeDeploymentRow).where(
        CodeDeploymentRow.service_arn == service_arn, CodeDeploymentRow.status.in_(progress.ACTIVE)
    )
    return context.session.scalars(statement.order_by(CodeDeploymentRow.sequence).limit(1)).first()

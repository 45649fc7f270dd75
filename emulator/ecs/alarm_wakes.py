"""Wakes the deployments that watch CloudWatch alarms whenever one may have changed: nobody asks again and again."""

from collections.abc import Iterator

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.codedeploy.progress import ACTIVE
from emulator.context import Context
from emulator.ecs import daemon_rollouts, rollouts
from emulator.state.codedeploy import CodeDeploymentRow
from emulator.state.daemons import DaemonDeploymentRow
from emulator.state.ecs import ServiceDeploymentRow


def wake_watchers(context: Context) -> None:
    """Have the services and daemons of the account and region looked at whose deployment under way watches alarms.

    CodeDeploy's deployments, too.
    """
    context.wake("services", *_services(context))
    context.wake("daemons", *_daemons(context))
    context.wake("codedeploy", *_code_deployed(context))


def _services(context: Context) -> Iterator[str]:
    under_way = select(ServiceDeploymentRow).where(ServiceDeploymentRow.status == rollouts.Status.IN_PROGRESS)
    for row in context.session.scalars(under_way):
        if row.configuration.get("alarms", {}).get("enable") and _is_here(context, row.arn):
            yield row.service_arn


def _daemons(context: Context) -> Iterator[str]:
    under_way = select(DaemonDeploymentRow).where(DaemonDeploymentRow.status == daemon_rollouts.Status.IN_PROGRESS)
    for row in context.session.scalars(under_way):
        if row.configuration["alarms"]["enable"] and _is_here(context, row.arn):
            yield row.daemon_arn


def _code_deployed(context: Context) -> Iterator[str]:
    under_way = select(CodeDeploymentRow).where(CodeDeploymentRow.status.in_(ACTIVE))
    for row in context.session.scalars(under_way):
        if row.body["alarmConfiguration"]["enabled"] and _is_here(context, row.service_arn):
            yield row.service_arn


def _is_here(context: Context, arn: str) -> bool:
    parsed = parse_arn(arn)
    return parsed is not None and (parsed.account, parsed.region) == (context.account, context.region)

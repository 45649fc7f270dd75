"""Which hosts a DAEMON service is to have a task on, and how it gets there: the host is given, placement only checks it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.demand import demand_of
from emulator.ecs.launch import LaunchRequest, LaunchResult, new_task, record_decision, subnets_of, with_zones
from emulator.ecs.placement_rules import constraints_of
from emulator.ecs.service_tasks import LiveTask
from emulator.state.ecs import DeploymentRow, ServiceRow, TaskDefinitionRow
from scheduler.constraints.attributes import RequiredAttributes
from scheduler.constraints.base import Constraint
from scheduler.constraints.candidates import Kind
from scheduler.constraints.distinct_instance import DistinctInstance
from scheduler.decisions import Decision
from scheduler.model import Node
from scheduler.placement import Placement, refusal
from scheduler.reconcile.daemon import DaemonView
from scheduler.reconcile.service_view import ServiceView


def daemon_view(
    context: Context, service: ServiceRow, primary: DeploymentRow, tasks: Sequence[LiveTask], view: ServiceView
) -> DaemonView:
    """The service as the scheduler sees it; its desired count becomes the number of hosts that fit."""
    nodes = list(context.emulator.fleets.of(context.session, service.cluster_arn).nodes())
    fitting = _fitting(context, service, primary, nodes) if service.status == "ACTIVE" else []
    if service.desired_count != len(fitting) or primary.desired_count != len(fitting):
        service.desired_count = primary.desired_count = len(fitting)
        primary.updated_at = context.now
    return DaemonView(
        service=replace(view, desired=len(fitting)),
        hosts=tuple(fitting),
        lingering=lingering(context, service.cluster_arn, nodes),
        emptying=frozenset(task.host or "" for task in tasks if not task.wanted),
    )


def _fitting(context: Context, service: ServiceRow, primary: DeploymentRow, nodes: Sequence[Node]) -> list[str]:
    """The ACTIVE hosts that meet attributes and constraints; whether there is room shows only when a task is to start."""
    definition = context.session.get_one(TaskDefinitionRow, primary.task_definition_arn).body
    demand = demand_of(definition, f"service:{service.name}", {})
    checks = _checks([*definition["placementConstraints"], *service.body["placementConstraints"]])
    return [
        node.id
        for node in nodes
        if node.status == "ACTIVE" and all(check.refusal(node, demand) is None for check in checks)
    ]


def _checks(documents: Sequence[Mapping[str, Any]]) -> list[Constraint]:
    """One a host is what a DAEMON is: distinctInstance adds nothing, and would refuse the hosts that have their task."""
    rules = [constraint for document in documents for constraint in constraints_of([document])]
    return [Kind(), RequiredAttributes(), *(rule for rule in rules if not isinstance(rule, DistinctInstance))]


def lingering(context: Context, cluster_arn: str, nodes: Sequence[Node]) -> frozenset[str]:
    """Draining hosts on which there is more than tasks of DAEMON services and of daemons."""
    services = _daemons(context, cluster_arn)
    draining = [node for node in nodes if node.status == "DRAINING"]
    return frozenset(
        node.id
        for node in draining
        if any(not (group in services or group.startswith("daemon:")) for group in node.groups)
    )


def _daemons(context: Context, cluster_arn: str) -> set[str]:
    """The groups of all DAEMON services of the cluster."""
    names = select(ServiceRow.name).where(
        ServiceRow.cluster_arn == cluster_arn, ServiceRow.scheduling_strategy == "DAEMON"
    )
    return {f"service:{name}" for name in context.session.scalars(names)}


def launch_on(context: Context, request: LaunchRequest, hosts: Sequence[str]) -> LaunchResult:
    """Start a task on each of the hosts that can take it; the others say why not."""
    subnets = subnets_of(context, request)
    demand = with_zones(demand_of(request.task_definition.body, request.group, request.overrides), subnets)
    fleet = context.emulator.fleets.of(context.session, request.cluster.arn)
    found = [node for node in map(fleet.node, hosts) if node is not None]
    reasons = {node.id: refusal(node, demand, request.constraints) for node in found}
    refused = {host: ("resources", reason) for host, reason in reasons.items() if reason is not None}
    tasks = []
    decisions = []
    for node in found:
        if node.id not in refused:
            decision = Decision.of(request.group, {}, ("daemon",), {node.id: (0,)}, chosen=node.id)
            task = new_task(context, request, demand, node.id, node.zone or "", subnets)
            record_decision(context, request, decision, task.arn)
            tasks.append(task)
            decisions.append(decision)
    if refused:
        decisions.append(Decision.of(request.group, refused, ("daemon",), {}))
        record_decision(context, request, decisions[-1], request.service_arn or "")
    told = {host: reason for host, (_, reason) in refused.items()}
    return LaunchResult(
        tasks, Placement(tuple(task.container_instance_arn or "" for task in tasks), told, tuple(decisions))
    )

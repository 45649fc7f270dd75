"""Under which names environments are served, and where the ports of their instances lead: for the balancer's data plane.

An environment with a load balancer has a further name of that; a single instance has a front of its own.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from emulator.balancer.fronts import Fronts, StaticFiles
from emulator.balancer.model import Forward, HealthCheck, Listener, LoadBalancer, Rule, Share, TargetGroup
from emulator.balancer.pools import Backend, Pool
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.option_values import values_of
from emulator.beanstalk.resources.processes import port_of, processes_of
from emulator.beanstalk.serving import groups_of, revision_of
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow
from scheduler.beanstalk.model import Fleet


def fronts_of(session: Session, *, simulated: bool) -> tuple[Fronts, list[str]]:
    """All of them, and the target groups of the environments."""
    balancers, pools, aliases, ports, groups = [], {}, {}, {}, list[str]()
    logged, static = set[str](), dict[str, tuple[StaticFiles, ...]]()
    for row in session.scalars(select(EnvironmentRow).where(EnvironmentRow.status != Status.TERMINATED)):
        items = list(_serving(session, row))
        served = _static_files(session, row.id, {item.deployment for item, _ in items})
        for item, host in items:
            if item.deployment in served:
                static[f"{host}:{item.port}"] = served[item.deployment]
            for source in _sources(row):
                ports[f"{host}:{source}"] = f"{host}:{item.port}"
        groups += (row.resources.get("target_groups") or {}).values()
        logged |= {own_group(row.id), *(arn for fleet in Fleet for arn in groups_of(row, fleet).values())}
        balancer = row.resources.get("balancer")
        if row.cname is None:
            continue
        if balancer:
            aliases[row.cname.lower()] = balancer["dns_name"].lower()
        elif row.resources.get("group"):
            backends = (
                Backend(f"{host}:{item.port}", revision=revision_of(item), simulated=simulated) for item, host in items
            )
            front, pool = _single(row, row.cname, tuple(backends))
            balancers.append(front)
            pools[pool.group.arn] = pool
    return Fronts(tuple(balancers), pools, aliases, ports, static, frozenset(logged)), groups


def _serving(session: Session, row: EnvironmentRow) -> Iterable[tuple[BeanstalkInstanceRow, str]]:
    """Instances whose application has a port, with the addresses of their hosts."""
    query = select(BeanstalkInstanceRow).where(
        BeanstalkInstanceRow.environment_id == row.id,
        BeanstalkInstanceRow.terminated_at.is_(None),
        BeanstalkInstanceRow.port.is_not(None),
    )
    for item in session.scalars(query.order_by(BeanstalkInstanceRow.launched_at)):
        host = session.get(ContainerInstanceRow, item.host_arn)
        if host is not None:
            yield item, host.address


def _static_files(
    session: Session, environment_id: str, deployments: Iterable[int]
) -> dict[int, tuple[StaticFiles, ...]]:
    """Deployment → the files that proxies serve with it; only of those that have any."""
    rows = (session.get(DeploymentRow, (environment_id, number)) for number in deployments)
    return {
        row.number: tuple(StaticFiles(*pair) for pair in row.outcome["static"])
        for row in rows
        if row is not None and row.outcome.get("static")
    }


def _sources(row: EnvironmentRow) -> Iterable[int]:
    """Ports of the instance at which its proxy answers for the application."""
    values = values_of(row.bundle_settings, row.settings)
    return {80, *(port_of(values, process) for process in processes_of(values) if process == "default")}


def own_group(environment_id: str) -> str:
    """What stands for the target group of an environment without a load balancer: requests are counted by it."""
    return f"ashore:environment/{environment_id}/instance"


def _single(row: EnvironmentRow, cname: str, backends: tuple[Backend, ...]) -> tuple[LoadBalancer, Pool]:
    arn = f"ashore:environment/{row.id}"
    group = TargetGroup(own_group(row.id), row.name, "HTTP", 80, "instance", HealthCheck(enabled=False))
    rule = Rule(arn, None, (), Forward((Share(group.arn),)))
    listener = Listener(f"{arn}/listener", 80, "HTTP", (rule,))
    name = cname.lower()
    return LoadBalancer(arn, row.name, name, "application", frozenset(), (listener,)), Pool(group, backends)

"""What is known of targets and rules beside their rows: which load balancers use them, where their hosts are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from emulator.balancer.health import Facts
from emulator.balancer.model import Scene, TargetGroup, groups_of
from emulator.balancer.ports import RuleUse
from emulator.context import Context
from emulator.neighbours.ports import Instance
from emulator.state.balancer import TargetRow
from emulator.state.ecs import ContainerInstanceRow


@dataclass(slots=True)
class Place:
    """What the control plane had in an account and region when it was last read."""

    scene: Scene = field(default_factory=Scene)
    instances: Mapping[str, Instance] = field(default_factory=dict)


def uses_of(scene: Scene, target_group_arn: str | None) -> Iterable[RuleUse]:
    """The rules that forward to a group; all rules where None."""
    for balancer in scene.balancers:
        for listener in balancer.listeners:
            for rule in listener.rules:
                if target_group_arn is None or target_group_arn in groups_of(rule.action):
                    yield RuleUse(balancer.arn, listener.arn, listener.port, rule)


def facts_of(place: Place, group: TargetGroup, row: TargetRow) -> Facts:
    """What decides whether a target is used."""
    users = place.scene.balancers_of(group.arn)
    instance = place.instances.get(row.target_id)
    zone = row.zone or (instance.zone if instance is not None else "")
    zones = frozenset[str]().union(*(balancer.zones for balancer in users))
    return Facts(
        in_use=bool(users),
        zone_enabled=not zone or zone == "all" or zone in zones,
        instance_state=instance.state if instance is not None else None,
        checks_enabled=group.health.enabled,
    )


def hosts_of(context: Context, rows: Sequence[TargetRow]) -> dict[str, str | None]:
    """Instance id → the address of this machine on which the host's ports are; None for an instance that is no host."""
    ids = {row.target_id for row in rows if row.target_id.startswith("i-")}
    found: dict[str, str | None] = dict.fromkeys(ids)
    if ids:
        columns = select(ContainerInstanceRow.ec2_instance_id, ContainerInstanceRow.address)
        living = columns.where(ContainerInstanceRow.ec2_instance_id.in_(ids), ContainerInstanceRow.status != "INACTIVE")
        found.update((instance_id, address) for instance_id, address in context.session.execute(living))
    return found


def address_of(row: TargetRow, hosts: Mapping[str, str | None]) -> str | None:
    """Where a target is reached; None where its host is none."""
    host = hosts.get(row.target_id, row.target_id)
    return None if host is None else f"[{host}]:{row.port}" if ":" in host else f"{host}:{row.port}"

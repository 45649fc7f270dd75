"""The elastic address of a single instance: it stays the environment's when another instance takes the place of one that died."""

from emulator.beanstalk.instances import Groups
from emulator.beanstalk.resources.facts import Facts
from emulator.neighbours.environment_ports import EnvironmentResources


def follow_instance(resources: EnvironmentResources, facts: Facts, groups: Groups) -> None:
    """Have the address be that of the instance which is there, the newest where one replaces another."""
    address, group = facts.resources.get("address"), groups.permanent
    if address and group is not None:
        staying = [one for one in group.instance_ids if one not in group.leaving]
        if staying:
            resources.associate_address(facts.place, address, staying[-1])

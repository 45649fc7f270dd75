"""The step by which changed tags of an environment reach what was made for it, the instances included.

The row's `resources["removed_tags"]` holds the keys that are to go; it survives until they are gone.
"""

from collections.abc import Mapping
from typing import Any

from emulator.beanstalk.resources import queues
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.step import Made, Step
from emulator.neighbours.environment_ports import EnvironmentResources, Tagged, TagsChange

REMOVED = "removed_tags"


def tagged(resources: Mapping[str, Any]) -> Tagged:
    """What was made for an environment and has tags."""
    temporary = resources.get("temporary") or {}
    groups = (resources.get("group"), temporary.get("group"))
    ids = (
        resources.get("security_group"),
        resources.get("balancer_security_group"),
        *(template["id"] for template in (resources.get("templates") or {}).values()),
    )
    arns = (
        (resources.get("balancer") or {}).get("arn"),
        temporary.get("target_group"),
        *(resources.get("target_groups") or {}).values(),
        *(resources.get("listeners") or {}).values(),
    )
    own_queues = [name for name in (resources.get("queues") or {}).values() if not queues.is_url(name)]
    address = resources.get("address")
    return Tagged(
        groups=tuple(name for name in groups if name),
        ids=tuple(one for one in ids if one),
        addresses=(address,) if address else (),
        arns=tuple(arn for arn in arns if arn),
        queues=tuple(own_queues),
    )


def _pass_on(resources: EnvironmentResources, facts: Facts) -> Made:
    """What a user has named so is never one of the service's own: those cannot be changed."""
    change = TagsChange(facts.own_tags, tuple(facts.resources.get(REMOVED) or ()))
    resources.change_tags(facts.place, tagged(facts.resources), change)
    return Made({REMOVED: None})


STEPS = (Step("tags", _pass_on),)

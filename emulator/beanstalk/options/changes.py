"""What a change of settings asks for (reference: beanstalk.md §7.1)."""

from collections.abc import Iterable
from enum import IntEnum

from emulator.beanstalk.options.catalogue import find_for
from emulator.beanstalk.options.model import Setting, Severity, Trait


class Change(IntEnum):
    """The kinds of updates, the farthest-reaching last."""

    NONE = 0
    IN_PLACE = 1
    """Balancer, group size, health, notifications: no instance notices."""
    ON_INSTANCES = 2
    """The running instances are configured anew, in batches."""
    REPLACE = 3
    """Instances are replaced."""


_REACH = {
    Severity.NONE: Change.IN_PLACE,
    Severity.RESTART: Change.ON_INSTANCES,
    Severity.REPLACE: Change.REPLACE,
}


def kind_of_change(traits: frozenset[Trait], before: Iterable[Setting], after: Iterable[Setting]) -> Change:
    """What the change from one list of effective settings to another asks for."""
    old = {setting.key: setting for setting in before}
    new = {setting.key: setting for setting in after}
    changed = [
        new.get(key) or old[key]
        for key in old.keys() | new.keys()
        if (old[key].value if key in old else None) != (new[key].value if key in new else None)
    ]
    return max((_reach(traits, setting) for setting in changed), default=Change.NONE)


def _reach(traits: frozenset[Trait], setting: Setting) -> Change:
    option = find_for(setting.namespace, setting.name, traits)
    return Change.IN_PLACE if option is None else _REACH[option.severity]

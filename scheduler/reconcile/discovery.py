"""Service discovery: what of a service's tasks is to be registered in Cloud Map, and what not any more."""

from collections.abc import Mapping
from dataclasses import dataclass

Key = tuple[str, str]
"""A registry, and the id of a task."""


@dataclass(frozen=True, slots=True)
class Instance:
    """How a task stands in a registry."""

    attributes: Mapping[str, str]
    healthy: bool | None = None
    """None: the registry takes no custom health."""


@dataclass(frozen=True, slots=True)
class Register:
    """Add an instance, or replace it."""

    key: Key
    instance: Instance
    reason: str


@dataclass(frozen=True, slots=True)
class Deregister:
    """Take an instance away."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class SetHealth:
    """Say how an instance is."""

    key: Key
    healthy: bool
    reason: str


Action = Register | Deregister | SetHealth


def step(wanted: Mapping[Key, Instance], known: Mapping[Key, Instance]) -> list[Action]:
    """What makes `known` as `wanted`; nothing where it is. New instances come before old ones go.

    Args:
        wanted: the tasks that run, as they are to be found.
        known: the service's own instances, as the registries have them.

    """
    actions: list[Action] = []
    for key in sorted(wanted):
        instance, there = wanted[key], known.get(key)
        if there is None:
            actions.append(Register(key, instance, "the task runs and is not registered"))
        elif dict(there.attributes) != dict(instance.attributes):
            actions.append(Register(key, instance, "the task is reached otherwise by now"))
        elif instance.healthy is not None and instance.healthy != there.healthy:
            told = "healthy" if instance.healthy else "unhealthy"
            actions.append(SetHealth(key, instance.healthy, f"the task's containers are {told}"))
    gone = sorted(set(known) - set(wanted))
    return [*actions, *(Deregister(key, "the task does not run any more") for key in gone)]

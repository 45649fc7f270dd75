"""What containers of a task wait for (dependsOn), for how long, and when they wait in vain.

As the ECS agent has it (its package dependencygraph): `startTimeout` belongs to the container that is waited for and counts
from its start; without one it is waited for without end. A container that has become UNHEALTHY may recover, so that alone is no
reason to give up.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.reconcile.lifecycle import ContainerView

NOT_STARTED = 143
"""The exit code that the agent gives a container which waited in vain, though it never ran."""

_TIMED = frozenset({"COMPLETE", "SUCCESS", "HEALTHY"})


def ready(container: "ContainerView", others: "Mapping[str, ContainerView]") -> bool:
    """Whether everything that `container` waits for has come about."""
    return all(_satisfied(others[name], condition) for name, condition in container.depends_on)


def _satisfied(other: "ContainerView", condition: str) -> bool:
    match condition:
        case "COMPLETE":
            return other.status == "STOPPED" and not other.never_started
        case "SUCCESS":
            return other.status == "STOPPED" and other.exit_code == 0
        case "HEALTHY":
            return other.status == "RUNNING" and other.health == "HEALTHY"
        case _:
            return other.status != "PENDING" and not other.never_started


def obstacle(container: "ContainerView", others: "Mapping[str, ContainerView]") -> str | None:
    """Why `container` never can be started, in the agent's words; None where it still may be."""
    for name, condition in container.depends_on:
        found = _in_vain(others[name], condition)
        if found is not None:
            start, end = found
            edge = f"container ordering dependency [{name}] for target [{container.name}]"
            return f"dependency graph: {start}{edge} {end}"
    return None


def _in_vain(other: "ContainerView", condition: str) -> tuple[str, str] | None:
    """What stands before and after the two names."""
    unresolved = "failed to resolve "
    if other.never_started:
        return unresolved, "because dependency will never start"
    if other.status == "STOPPED":  # what has ended does not time out
        if condition == "SUCCESS" and other.exit_code != 0:
            return unresolved, "as dependency did not exit successfully."
        if condition == "HEALTHY":  # (unconfirmed) text
            return unresolved, "as dependency will never be healthy."
        return None
    left = _left(other, condition)
    return ("", "has timed out.") if left is not None and left <= 0 else None


def patience(container: "ContainerView", others: "Mapping[str, ContainerView]") -> Iterator[float]:
    """The seconds for which `container` still waits for each dependency that may time out."""
    for name, condition in container.depends_on:
        left = _left(others[name], condition)
        if left is not None:
            yield left


def _left(other: "ContainerView", condition: str) -> float | None:
    """Seconds; None where nothing is counted. What has come about in time does not time out later (the API's words)."""
    if condition not in _TIMED or other.status != "RUNNING" or _satisfied(other, condition):
        return None
    if not other.start_timeout or other.running_for is None:
        return None
    return other.start_timeout - other.running_for

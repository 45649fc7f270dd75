"""What the engine has, compared with what the rows say, as observations: after a restart nothing else is known."""

from collections.abc import Iterable, Iterator, Mapping

from emulator.ecs.observations import Lost, Observation, Started
from emulator.runtime.ports import ContainerExited, HealthChanged, ObservedContainer, StartedContainer
from emulator.state.ecs import TaskRow


def by_task(observed: Iterable[ObservedContainer]) -> dict[str, dict[str, ObservedContainer]]:
    """Task ARN → container name → what was found."""
    found: dict[str, dict[str, ObservedContainer]] = {}
    for container in observed:
        found.setdefault(container.task_arn, {})[container.container_name] = container
    return found


def learned(row: TaskRow, found: Mapping[str, ObservedContainer]) -> Iterator[Observation]:
    """What finding these containers, and not finding others, says of a task."""
    for document in row.containers:
        container = found.get(document["name"])
        if container is not None:
            yield from _seen(container)
        elif document["lastStatus"] == "RUNNING":
            yield Lost(document["name"])


def _seen(container: ObservedContainer) -> Iterator[Observation]:
    if container.started_at is None:
        return
    started = StartedContainer(container.runtime_id, container.bindings, container.started_at)
    yield Started(container.container_name, started)
    yield HealthChanged(container.task_arn, container.container_name, container.health)
    if not container.running and container.exit_code is not None and container.finished_at is not None:
        yield ContainerExited(
            container.task_arn,
            container.container_name,
            container.runtime_id,
            container.exit_code,
            container.out_of_memory,
            container.finished_at,
        )

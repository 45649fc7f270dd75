"""Batch maths of rolling deployments."""

from collections.abc import Sequence

from scheduler.beanstalk.model import Settings


def batch_size(settings: Settings, instances: int) -> int:
    """How many instances make a batch; at least one.

    A percentage is rounded up: three instances at 30 percent make batches of one (unconfirmed: AWS does not say how it rounds).
    """
    wanted = settings.batch_size if settings.batch_fixed else -(-instances * settings.batch_size // 100)
    return max(1, min(wanted, instances))


def cut(ids: Sequence[str], size: int) -> tuple[tuple[str, ...], ...]:
    """Batches in order; the last one may be smaller."""
    return tuple(tuple(ids[first : first + size]) for first in range(0, len(ids), size))

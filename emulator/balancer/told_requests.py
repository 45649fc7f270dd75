"""What the data plane tells of requests: counted, and handed on to those who keep logs of them."""

from collections.abc import Callable, Iterable, Sequence

from emulator.balancer.pools import Pool
from emulator.balancer.traffic import Counter, Served

Watcher = Callable[[Sequence[tuple[str, Served]]], None]
"""Takes revisions and what was asked of them, see `ports.Balancer.watch_requests`."""


class ToldRequests:
    """Takes them from a plane.

    Args:
        revision_of: target group and upstream → whose it is.
        pools: all that there are now.

    """

    def __init__(self, revision_of: Callable[[str, str], str], pools: Callable[[], Iterable[Pool]]) -> None:
        self._revision_of, self._pools = revision_of, pools
        self.counter = Counter(revision_of)
        self.watchers: list[Watcher] = []

    def add(self, served: Sequence[Served]) -> None:
        """Count these, and tell the watchers of those that are told in full."""
        self.counter.add(served)
        asked = [(self._whose(one), one) for one in served if one.asked is not None]
        if asked:
            for watcher in self.watchers:
                watcher(asked)

    def _whose(self, one: Served) -> str:
        if not one.of_instance:
            return self._revision_of(one.group, one.target)
        backends = (backend for pool in self._pools() for backend in pool.backends)
        return next((backend.revision for backend in backends if backend.address == one.target), "")

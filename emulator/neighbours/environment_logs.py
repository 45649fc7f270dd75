"""Log groups of environments in CloudWatch Logs, as moto keeps them. Their streams are written like those of containers."""

from typing import Any

from emulator.neighbours.environment_ports import Place
from emulator.neighbours.world import MotoWorld


class EnvironmentLogs:
    """The log groups of `EnvironmentResources`."""

    def __init__(self, world: MotoWorld) -> None:
        self._logs_world = world

    def keep_logs(self, place: Place, prefix: str, days: int) -> None:
        """See `EnvironmentResources`."""
        changed = False
        with self._logs_world.lock:
            for group in self._below(place, prefix):
                if group.retention_in_days != days:
                    group.set_retention_policy(days)
                    changed = True
        if changed:
            self._logs_world.save_soon("logs")

    def delete_logs(self, place: Place, prefix: str) -> None:
        """See `EnvironmentResources`."""
        with self._logs_world.lock:
            for group in self._below(place, prefix):
                self._logs_world.backend("logs", place.account, place.region).delete_log_group(group.name)
        self._logs_world.save_soon("logs")

    def _below(self, place: Place, prefix: str) -> list[Any]:
        """Logs that nobody has used are not imported to learn that they are empty."""
        if (place.account, place.region) not in self._logs_world.places("logs"):
            return []
        groups = self._logs_world.backend("logs", place.account, place.region).groups
        return [group for name, group in groups.items() if name.startswith(prefix)]

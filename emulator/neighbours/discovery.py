"""`discovery_ports.Discovery` over moto's Cloud Map."""

from collections.abc import Mapping
from typing import Any

from emulator.neighbours.discovery_ports import Registry
from emulator.neighbours.world import MotoWorld
from scheduler.reconcile.discovery import Instance

_SERVICE = "servicediscovery"


class MotoDiscovery:
    """Reads and writes instances of registries."""

    def __init__(self, world: MotoWorld) -> None:
        self._world = world

    def registry(self, account: str, region: str, arn: str) -> Registry | None:
        """See `Discovery`."""
        with self._world.lock:
            found = self._found(account, region, arn)
            if found is None:
                return None
            records = (found.dns_config or {}).get("DnsRecords", [])
            types = frozenset(str(record["Type"]) for record in records)
            return Registry(found.arn, found.id, types, found.health_check_custom_config is not None)

    def instances(self, account: str, region: str, arn: str) -> Mapping[str, Instance]:
        """See `Discovery`."""
        with self._world.lock:
            found = self._found(account, region, arn)
            listed = [] if found is None else found.instances
            return {
                item.instance_id: Instance(dict(item.attributes), item.health_status == "HEALTHY") for item in listed
            }

    def register(self, account: str, region: str, arn: str, instance_id: str, instance: Instance) -> None:
        """See `Discovery`."""
        self.deregister(account, region, arn, instance_id)
        with self._world.lock:
            found = self._found(account, region, arn)
            if found is None:
                return
            backend = self._world.backend(_SERVICE, account, region)
            backend.register_instance(found.id, instance_id, None, dict(instance.attributes))
        if instance.healthy is not None:
            self.set_health(account, region, arn, instance_id, healthy=instance.healthy)
        self._world.save_soon(_SERVICE)

    def deregister(self, account: str, region: str, arn: str, instance_id: str) -> None:
        """See `Discovery`."""
        with self._world.lock:
            found = self._found(account, region, arn)
            if found is not None and any(item.instance_id == instance_id for item in found.instances):
                self._world.backend(_SERVICE, account, region).deregister_instance(found.id, instance_id)
        self._world.save_soon(_SERVICE)

    def set_health(self, account: str, region: str, arn: str, instance_id: str, *, healthy: bool) -> None:
        """See `Discovery`."""
        with self._world.lock:
            found = self._found(account, region, arn)
            for item in found.instances if found is not None else ():
                if item.instance_id == instance_id:
                    item.health_status = "HEALTHY" if healthy else "UNHEALTHY"
        self._world.save_soon(_SERVICE)

    def _found(self, account: str, region: str, arn: str) -> Any:
        """None also where nobody has used Cloud Map: it is not imported to learn that it is empty."""
        if (account, region) not in self._world.places(_SERVICE):
            return None
        services = self._world.backend(_SERVICE, account, region).services.values()
        return next((item for item in services if item.arn == arn), None)

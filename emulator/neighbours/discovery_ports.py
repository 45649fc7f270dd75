"""What service discovery needs of Cloud Map: values only; moto answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from scheduler.reconcile.discovery import Instance


@dataclass(frozen=True, slots=True)
class Registry:
    """A service of Cloud Map."""

    arn: str
    id: str
    record_types: frozenset[str]
    """A, AAAA, CNAME, SRV; empty where it has no DNS."""
    custom_health: bool
    """It takes the health that is told to it."""


class Discovery(Protocol):
    """Sync and in process; called on the event-loop thread, reading also inside transactions."""

    def registry(self, account: str, region: str, arn: str) -> Registry | None:
        """The service of Cloud Map with this ARN; None where there is none."""

    def instances(self, account: str, region: str, arn: str) -> Mapping[str, Instance]:
        """Id → instance of a registry; none where it does not exist."""

    def register(self, account: str, region: str, arn: str, instance_id: str, instance: Instance) -> None:
        """Add or replace an instance; a registry that is gone is no error."""

    def deregister(self, account: str, region: str, arn: str, instance_id: str) -> None:
        """Take an instance away; one that is not there is no error."""

    def set_health(self, account: str, region: str, arn: str, instance_id: str, *, healthy: bool) -> None:
        """Say how an instance is."""

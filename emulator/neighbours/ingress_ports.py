"""What managed ingress (Express services, ECS gateways) needs made in the other services: values only; moto answers.

Everything is found by its name, so that asking again for what is there already makes nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from emulator.neighbours.environment_ports import BalancerSpec, Place, Tags, TargetGroupSpec


@dataclass(frozen=True, slots=True)
class IngressSubnet:
    """A subnet, as load balancers see it."""

    id: str
    vpc_id: str
    zone: str
    public: bool
    """Its route table leads to an internet gateway, or it is a default subnet."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """A rule of a listener for one host name."""

    listener_arn: str
    host: str
    target_group: str
    alternate: str
    header: tuple[str, tuple[str, ...]] | None = None
    """Name and values that a request must bear, too; such rules come before those without."""


@dataclass(frozen=True, slots=True)
class ScalingSpec:
    """A scalable target with one policy that tracks a target."""

    resource: str
    """`service/CLUSTER/SERVICE`"""
    minimum: int
    maximum: int
    policy: str
    """Its name."""
    metric: str
    """A predefined metric of Application Auto Scaling."""
    target: float
    label: str | None = None
    """The resource label of ALBRequestCountPerTarget."""


class IngressResources(Protocol):
    """Sync and in process; called on the event-loop thread, outside transactions but for `subnets`, which only reads."""

    def subnets(self, place: Place, subnet_ids: Sequence[str]) -> list[IngressSubnet]:
        """The subnets called so; the default ones where none is named.

        Raises:
            SubnetNotFoundError: one does not exist.

        """

    def ensure_group(self, place: Place, name: str, description: str, vpc_id: str, tags: Tags) -> str:
        """The id of the security group called so; nothing may come in through a new one."""

    def admit(self, place: Place, group_id: str, port: int, source_group: str | None = None) -> None:
        """Let TCP in at a port: from everywhere, or from the members of another group."""

    def close(self, place: Place, group_id: str, source_group: str) -> None:
        """Let nothing in any more from the members of another group."""

    def delete_group(self, place: Place, group_id: str) -> None:
        """Remove it where nothing holds it; what others hold on to stays."""

    def ensure_certificate(self, place: Place, domain: str, tags: Tags) -> str:
        """The ARN of the certificate for this name."""

    def delete_certificate(self, place: Place, arn: str) -> None:
        """Remove it."""

    def target_group(self, place: Place, spec: TargetGroupSpec, tags: Tags) -> str:
        """The ARN of the target group called so, as `spec` has it."""

    def delete_target_group(self, place: Place, arn: str) -> None:
        """Remove it."""

    def balancer(self, place: Place, spec: BalancerSpec, tags: Tags) -> tuple[str, str]:
        """ARN and DNS name of the load balancer called so."""

    def set_balancer_attributes(self, place: Place, arn: str, attributes: Mapping[str, str]) -> None:
        """Have these attributes so; others stay."""

    def set_security_groups(self, place: Place, arn: str, group_ids: Sequence[str]) -> None:
        """Have the load balancer in these security groups."""

    def delete_balancer(self, place: Place, arn: str) -> None:
        """Remove it with its listeners."""

    def secure_listener(self, place: Place, balancer_arn: str, certificate: str, tags: Tags) -> str:
        """The ARN of the listener at port 443; it has this certificate, too, and answers 404 where no rule matches."""

    def release_certificate(self, place: Place, listener_arn: str, certificate: str) -> None:
        """The listener does without the certificate."""

    def host_rule(self, place: Place, rule: HostRule, tags: Tags) -> str:
        """The ARN of the rule for the host (and header); a new one gives everything to the first group."""

    def delete_rule(self, place: Place, rule_arn: str) -> None:
        """Remove it."""

    def ensure_scaling(self, place: Place, spec: ScalingSpec) -> None:
        """Have the service scaled so, by this policy."""

    def delete_scaling(self, place: Place, resource: str, policies: Sequence[str]) -> None:
        """Remove policies and, with them, the scalable target."""

    def ensure_alarm(self, place: Place, name: str, balancer_arn: str, target_groups: Sequence[str]) -> None:
        """The alarm on the share of errors among the requests to target groups, as ECS makes it for Express services."""

    def delete_alarm(self, place: Place, name: str) -> None:
        """Remove it."""

    def keep(self) -> None:
        """What was made is on disk when this returns: rows that speak of it may be written."""

    def drop_policy(self, place: Place, resource: str, policy: str) -> None:
        """Remove one policy."""

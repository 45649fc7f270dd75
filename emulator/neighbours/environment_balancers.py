"""Load balancers of environments, as moto plays them."""

from typing import Any

from emulator.neighbours.elbv2 import MotoLoadBalancers
from emulator.neighbours.elbv2_corrections import correct
from emulator.neighbours.environment_ports import BalancerSpec, ListenerSpec, Place, RuleSpec, Tags, TargetGroupSpec
from emulator.neighbours.world import MotoWorld


class EnvironmentBalancers:
    """See `environment_ports.EnvironmentResources`."""

    def __init__(self, world: MotoWorld, control: MotoLoadBalancers) -> None:
        self._world, self._control = world, control

    def target_group(self, place: Place, spec: TargetGroupSpec, tags: Tags) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            made = next((group for group in elbv2.target_groups.values() if group.name == spec.name), None)
            checked = spec.health_protocol or spec.protocol
            http = checked in {"HTTP", "HTTPS"}
            if made is None:
                made = elbv2.create_target_group(
                    spec.name,
                    vpc_id=spec.vpc_id,
                    protocol=spec.protocol,
                    protocol_version=None,
                    port=spec.port,
                    healthcheck_protocol=checked,
                    healthcheck_port=str(spec.health_port or "traffic-port"),
                    healthcheck_path=spec.health_path if http else None,
                    healthcheck_interval_seconds=spec.interval,
                    healthcheck_timeout_seconds=spec.timeout,
                    healthcheck_enabled="true",
                    healthy_threshold_count=spec.healthy,
                    unhealthy_threshold_count=spec.unhealthy,
                    matcher={"HttpCode": spec.codes} if http else None,
                    ip_address_type=None,
                    target_type=spec.target_type,
                    tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
            elbv2.modify_target_group(
                made.arn,
                health_check_proto=checked,
                health_check_port=str(spec.health_port or "traffic-port"),
                health_check_path=spec.health_path if http else None,
                health_check_interval=spec.interval,
                health_check_timeout=spec.timeout,
                healthy_threshold_count=str(spec.healthy),
                unhealthy_threshold_count=str(spec.unhealthy),
                http_codes=spec.codes if http else None,
            )
            made.attributes.update(spec.attributes)
        self._balancers_changed(place)
        return str(made.arn)

    def balancer(self, place: Place, spec: BalancerSpec, tags: Tags) -> tuple[str, str]:
        """See `EnvironmentResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            made = next((item for item in elbv2.load_balancers.values() if item.name == spec.name), None)
            if made is None:
                made = elbv2.create_load_balancer(
                    name=spec.name,
                    security_groups=list(spec.security_groups),
                    subnet_ids=list(spec.subnets),
                    scheme="internal" if spec.internal else "internet-facing",
                    loadbalancer_type=spec.kind,
                    tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
            made.attrs["idle_timeout.timeout_seconds"] = str(spec.idle_seconds)
        self._balancers_changed(place)
        return str(made.arn), str(made.dns_name)

    def listener(self, place: Place, spec: ListenerSpec, tags: Tags) -> str:
        """See `EnvironmentResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            listeners = elbv2.load_balancers[spec.balancer_arn].listeners
            made = next((item for item in listeners.values() if int(item.port) == spec.port), None)
            if made is None:
                made = elbv2.create_listener(
                    load_balancer_arn=spec.balancer_arn,
                    protocol=spec.protocol,
                    port=spec.port,
                    ssl_policy="ELBSecurityPolicy-2016-08",
                    certificate=spec.certificate_arn,
                    actions=[_forward(spec.target_group_arn)],
                    tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
            wanted = {rule.priority: rule for rule in spec.rules}
            for rule in [item for item in made.rules.values() if not item.is_default]:
                elbv2.delete_rule(rule.arn)
            for rule in wanted.values():
                elbv2.create_rule(made.arn, _conditions(rule), rule.priority, [_forward(rule.target_group_arn)])
        self._balancers_changed(place)
        return str(made.arn)

    def delete_listener(self, place: Place, arn: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            for balancer in self._elbv2(place).load_balancers.values():
                balancer.listeners.pop(arn, None)
        self._balancers_changed(place)

    def delete_balancer(self, place: Place, arn: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            self._elbv2(place).load_balancers.pop(arn, None)
        self._balancers_changed(place)

    def delete_target_group(self, place: Place, arn: str) -> None:
        """See `EnvironmentResources`."""
        with self._world.lock:
            self._elbv2(place).target_groups.pop(arn, None)
        self._balancers_changed(place)

    def _elbv2(self, place: Place) -> Any:
        backend = self._world.backend("elbv2", place.account, place.region)
        correct()
        return backend

    def _balancers_changed(self, place: Place) -> None:
        self._world.save_soon("compute")
        self._control.changed(place.account, place.region)


def _forward(target_group_arn: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": target_group_arn}


def _conditions(rule: RuleSpec) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if rule.hosts:
        found.append({"Field": "host-header", "Values": list(rule.hosts)})
    if rule.paths:
        found.append({"Field": "path-pattern", "Values": list(rule.paths)})
    return found

"""`ingress_ports.IngressResources` over moto's backends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from emulator.balancer.certificates import make_certificate
from emulator.neighbours.elbv2 import MotoLoadBalancers
from emulator.neighbours.environment_balancers import EnvironmentBalancers
from emulator.neighbours.environment_ports import Place, Tags
from emulator.neighbours.ingress_alarms import IngressAlarms
from emulator.neighbours.ingress_ports import HostRule, IngressSubnet
from emulator.neighbours.ingress_scaling import IngressScaling
from emulator.neighbours.ports import SubnetNotFoundError
from emulator.neighbours.world import MotoWorld

_SAVED = "compute"
_EVERYWHERE = "0.0.0.0/0"
_HTTPS = 443
_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_NOT_FOUND = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "Not Found"},
}


class MotoIngress(EnvironmentBalancers, IngressScaling, IngressAlarms):
    """Makes and removes what managed ingress needs."""

    def __init__(self, world: MotoWorld, control: MotoLoadBalancers) -> None:
        EnvironmentBalancers.__init__(self, world, control)
        IngressScaling.__init__(self, world)
        IngressAlarms.__init__(self, world)

    def subnets(self, place: Place, subnet_ids: Sequence[str]) -> list[IngressSubnet]:
        """See `IngressResources`."""
        with self._world.lock:
            ec2 = self._ec2(place)
            known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
            for subnet_id in subnet_ids:
                if subnet_id not in known:
                    raise SubnetNotFoundError(subnet_id)
            chosen = subnet_ids or [
                item.id
                for item in known.values()
                if item.default_for_az and str(ec2.vpcs[item.vpc_id].is_default).lower() == "true"
            ]
            found = [known[subnet_id] for subnet_id in chosen]
            shown = [
                IngressSubnet(item.id, item.vpc_id, item.availability_zone, _is_public(ec2, item)) for item in found
            ]
        return sorted(shown, key=lambda subnet: (subnet.zone, subnet.id))

    def ensure_group(self, place: Place, name: str, description: str, vpc_id: str, tags: Tags) -> str:
        """See `IngressResources`."""
        with self._world.lock:
            ec2 = self._ec2(place)
            found = ec2.get_security_group_from_name(name, vpc_id)
            if found is None:
                found = ec2.create_security_group(name, description, vpc_id=vpc_id, tags={"Name": name, **tags})
        self._world.save_soon(_SAVED)
        return str(found.id)

    def admit(self, place: Place, group_id: str, port: int, source_group: str | None = None) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            ec2 = self._ec2(place)
            group = ec2.get_security_group_from_id(group_id)
            if group is None or any(_admits(rule, port, source_group) for rule in group.ingress_rules):
                return
            ranges = [] if source_group else [{"CidrIp": _EVERYWHERE}]
            sources = [{"GroupId": source_group}] if source_group else []
            ec2.authorize_security_group_ingress(
                group_id, "tcp", str(port), str(port), ranges, source_groups=sources, vpc_id=group.vpc_id
            )
        self._world.save_soon(_SAVED)

    def close(self, place: Place, group_id: str, source_group: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            group = self._ec2(place).get_security_group_from_id(group_id)
            if group is not None:
                group.ingress_rules[:] = [rule for rule in group.ingress_rules if source_group not in _sources(rule)]
        self._world.save_soon(_SAVED)

    def delete_group(self, place: Place, group_id: str) -> None:
        """See `IngressResources`."""
        from moto.core.exceptions import ServiceException  # noqa: PLC0415 - moto is imported at first use only

        with self._world.lock:
            ec2 = self._ec2(place)
            if ec2.get_security_group_from_id(group_id) is not None:
                try:
                    ec2.delete_security_group(group_id=group_id)
                except ServiceException:
                    return  # somebody else holds it
        self._world.save_soon(_SAVED)

    def ensure_certificate(self, place: Place, domain: str, tags: Tags) -> str:
        """See `IngressResources`."""
        with self._world.lock:
            acm = self._world.backend("acm", place.account, place.region)
            known = acm._certificates  # noqa: SLF001 - moto has no other way to its certificates
            found = next((item for item in known.values() if domain in item.sans), None)
            if found is None:
                found = _issue(place, domain, self._world.now())
                known[found.arn] = found
                acm.add_tags_to_certificate(found.arn, [{"Key": key, "Value": value} for key, value in tags.items()])
        self._world.save_soon("acm")
        return str(found.arn)

    def delete_certificate(self, place: Place, arn: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            self._world.backend("acm", place.account, place.region)._certificates.pop(arn, None)  # noqa: SLF001 - as above
        self._world.save_soon("acm")

    def set_balancer_attributes(self, place: Place, arn: str, attributes: Mapping[str, str]) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            self._elbv2(place).load_balancers[arn].attrs.update(attributes)
        self._balancers_changed(place)

    def set_security_groups(self, place: Place, arn: str, group_ids: Sequence[str]) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            self._elbv2(place).load_balancers[arn].security_groups = list(group_ids)
        self._balancers_changed(place)

    def secure_listener(self, place: Place, balancer_arn: str, certificate: str, tags: Tags) -> str:
        """See `IngressResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            listeners = elbv2.load_balancers[balancer_arn].listeners
            made = next((item for item in listeners.values() if int(item.port) == _HTTPS), None)
            if made is None:
                made = elbv2.create_listener(
                    load_balancer_arn=balancer_arn,
                    protocol="HTTPS",
                    port=_HTTPS,
                    ssl_policy=_POLICY,
                    certificate=certificate,
                    actions=[_NOT_FOUND],
                    tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
            if certificate not in made.certificates:
                made.certificates.append(certificate)
        self._balancers_changed(place)
        return str(made.arn)

    def release_certificate(self, place: Place, listener_arn: str, certificate: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            listener = _listener(self._elbv2(place), listener_arn)
            if listener is not None:
                listener.certificates = [arn for arn in listener.certificates if arn != certificate]
                if listener.certificate == certificate:
                    listener.certificate = next(iter(listener.certificates), None)
        self._balancers_changed(place)

    def host_rule(self, place: Place, rule: HostRule, tags: Tags) -> str:
        """See `IngressResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            listener = elbv2.describe_listeners(None, [rule.listener_arn])[0]
            own = [item for item in listener.rules.values() if not item.is_default]
            wanted = _conditions(rule)
            made = next((item for item in own if item.conditions == wanted), None)
            if made is None:
                taken = {int(item.priority) for item in own}
                first = 1 if rule.header is not None else 1001
                priority = next(number for number in range(first, 50_000) if number not in taken)
                groups = [
                    {"TargetGroupArn": rule.target_group, "Weight": 100},
                    {"TargetGroupArn": rule.alternate, "Weight": 0},
                ]
                action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
                listed = [{"Key": key, "Value": value} for key, value in tags.items()]
                made = elbv2.create_rule(rule.listener_arn, wanted, priority, [action], listed)
        self._balancers_changed(place)
        return str(made.arn)

    def delete_rule(self, place: Place, rule_arn: str) -> None:
        """See `IngressResources`."""
        with self._world.lock:
            elbv2 = self._elbv2(place)
            listener = _listener(elbv2, rule_arn.replace(":listener-rule/", ":listener/").rpartition("/")[0])
            if listener is not None and any(item.arn == rule_arn for item in listener.rules.values()):
                elbv2.delete_rule(rule_arn)
        self._balancers_changed(place)

    def keep(self) -> None:
        """See `IngressResources`."""
        self._world.save(_SAVED, "acm", "applicationautoscaling", "cloudwatch")

    def _ec2(self, place: Place) -> Any:
        return self._world.backend("ec2", place.account, place.region)


def _conditions(rule: HostRule) -> list[dict[str, Any]]:
    host: dict[str, Any] = {"Field": "host-header", "HostHeaderConfig": {"Values": [rule.host]}}
    if rule.header is None:
        return [host]
    name, values = rule.header
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": list(values)}}
    return [host, header]


def _issue(place: Place, domain: str, now: datetime) -> Any:
    """A certificate as ACM issues one at once; moto's own refuses names of more than 64 letters."""
    from moto.acm.models import CertBundle  # noqa: PLC0415 - moto is imported at first use only

    made = make_certificate(domain, now, rsa=True)
    return CertBundle(
        account_id=place.account,
        certificate=made.certificate.encode(),
        private_key=made.key.encode(),
        region=place.region,
        cert_type="AMAZON_ISSUED",
        cert_status="ISSUED",
    )


def _listener(elbv2: Any, arn: str) -> Any:
    return next((item.listeners[arn] for item in elbv2.load_balancers.values() if arn in item.listeners), None)


def _is_public(ec2: Any, subnet: Any) -> bool:
    if subnet.default_for_az:
        return True
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == subnet.vpc_id]
    own = [table for table in tables if subnet.id in table._associations.values()]  # noqa: SLF001 - moto shows them as documents
    main = [table for table in tables if table.main_association_id is not None]
    routes = [route for table in (own or main) for route in table.routes.values()]
    return any(str(getattr(route.gateway, "id", "")).startswith("igw-") for route in routes)


def _sources(rule: Any) -> set[str]:
    found = rule.source_group or {}
    return {str(found.get("GroupId", ""))} if isinstance(found, dict) else {str(found)}


def _admits(rule: Any, port: int, source_group: str | None) -> bool:
    if str(rule.from_port) != str(port):
        return False
    return source_group in _sources(rule) if source_group else bool(rule.ip_range)

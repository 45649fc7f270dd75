"""Where moto's ELBv2 would be wrong for a real data plane, corrected.

Load balancers get a DNS name that this machine resolves (`NAME-ID.REGION.elb.localhost`), network ones an ARN with `net/`.
Attributes and conditions that AWS refuses, or that are not carried out, are refused; the texts for attributes are of the
form of the one that moto has for `deregistration_delay.timeout_seconds` (unconfirmed for the others).
"""

from collections.abc import Mapping, Sequence
from typing import Any

_DELAY = "deregistration_delay.timeout_seconds"
_SECONDS = {
    _DELAY: (0, 3600),
    "idle_timeout.timeout_seconds": (1, 4000),
    "slow_start.duration_seconds": (0, 900),
    "stickiness.app_cookie.duration_seconds": (1, 604_800),
    "stickiness.lb_cookie.duration_seconds": (1, 604_800),
}
"""Attribute → the fewest and the most seconds."""


def correct() -> None:
    """Have moto make load balancers as the data plane needs them; safe to repeat."""
    from moto.elbv2.models import ELBv2Backend  # noqa: PLC0415 - moto is imported at first use only

    backend_class: Any = ELBv2Backend
    if getattr(backend_class.create_load_balancer, "corrects", False):
        return
    _correct_names(backend_class)
    _correct_attributes(backend_class)
    _correct_conditions(backend_class)


def dns_name(name: str, arn: str, region: str, *, internal: bool) -> str:
    """As AWS makes it of the name and a number, under `localhost`."""
    number = int(arn.rpartition("/")[2], 16) % 10**10
    return f"{'internal-' if internal else ''}{name}-{number:010}.{region}.elb.localhost"


def _correct_names(backend_class: Any) -> None:
    original = backend_class.create_load_balancer

    def create_load_balancer(backend: Any, *args: Any, **members: Any) -> Any:
        made = original(backend, *args, **members)
        if made.type == "network":
            tags = backend.tagging_service.list_tags_for_resource(made.arn)["Tags"]
            del backend.load_balancers[made.arn]
            made.arn = made.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
            backend.load_balancers[made.arn] = made
            backend.tagging_service.tag_resource(made.arn, tags)
        made.dns_name = dns_name(made.name, made.arn, backend.region_name, internal=made.scheme == "internal")
        return made

    create_load_balancer.corrects = True  # type: ignore[attr-defined]
    backend_class.create_load_balancer = create_load_balancer


def _correct_attributes(backend_class: Any) -> None:
    of_group = backend_class.modify_target_group_attributes
    of_balancer = backend_class.modify_load_balancer_attributes

    def modify_target_group_attributes(backend: Any, target_group_arn: str, attributes: dict[str, Any]) -> None:
        _check_seconds(attributes)
        given = {_DELAY: "3599"} if attributes.get(_DELAY) == "3600" else {}  # which moto refuses
        of_group(backend, target_group_arn, {**attributes, **given})
        backend.target_groups[target_group_arn].attributes.update(attributes)

    def modify_load_balancer_attributes(backend: Any, arn: str, attrs: dict[str, Any]) -> Any:
        _check_seconds(attrs)
        return of_balancer(backend, arn, attrs)

    backend_class.modify_target_group_attributes = modify_target_group_attributes
    backend_class.modify_load_balancer_attributes = modify_load_balancer_attributes


def _check_seconds(attributes: Mapping[str, Any]) -> None:
    from moto.elbv2.exceptions import ValidationError  # noqa: PLC0415 - as above

    for name, (least, most) in _SECONDS.items():
        text = str(attributes.get(name, most))
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValidationError(f"'{name}' value '{text}' must be between '{least}-{most}' inclusive")


def _correct_conditions(backend_class: Any) -> None:
    original = backend_class._validate_conditions  # noqa: SLF001 - moto has no other place

    def validate_conditions(backend: Any, conditions: Sequence[Mapping[str, Any]]) -> None:
        from moto.elbv2.exceptions import ValidationError  # noqa: PLC0415 - as above

        for condition in conditions:
            parts = (condition, *(part for part in condition.values() if isinstance(part, dict)))
            if any("RegexValues" in part for part in parts):
                raise ValidationError("Ashore does not carry out regular expressions in conditions ('RegexValues').")
        original(backend, conditions)

    backend_class._validate_conditions = validate_conditions  # noqa: SLF001 - as above

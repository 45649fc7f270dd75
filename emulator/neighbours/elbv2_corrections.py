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
_STICKY = ("lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto")
_PRIORITIES = range(1, 50_001)
_LONGEST_BODY = 1024


def correct() -> None:
    """Have moto make load balancers as the data plane needs them; safe to repeat."""
    from moto.elbv2.models import ELBv2Backend  # noqa: PLC0415 - moto is imported at first use only

    backend_class: Any = ELBv2Backend
    if getattr(backend_class.create_load_balancer, "corrects", False):
        return
    _correct_names(backend_class)
    _correct_attributes(backend_class)
    _correct_conditions(backend_class)
    _correct_rules(backend_class)


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
        _check_stickiness(attributes.get("stickiness.type", _STICKY[0]))
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


def _check_stickiness(kind: str) -> None:
    from moto.elbv2.exceptions import ValidationError  # noqa: PLC0415 - as above

    if kind not in _STICKY:
        raise ValidationError(f"'{kind}' must be one of [{', '.join(_STICKY)}]")


def _correct_rules(backend_class: Any) -> None:
    """Bounds of the service model, in the words in which AWS tells of them; what a rule would do beside its actions."""
    from moto.elbv2.responses import ELBV2Response  # noqa: PLC0415 - as above

    create, check_answer = backend_class.create_rule, backend_class._validate_fixed_response_action  # noqa: SLF001 - moto has no other place
    response_class: Any = ELBV2Response

    def create_rule(backend: Any, listener_arn: str, conditions: Any, priority: Any, *args: Any, **members: Any) -> Any:
        if int(priority) not in _PRIORITIES:
            bound = "greater than or equal to 1" if int(priority) < 1 else f"less than or equal to {_PRIORITIES[-1]}"
            raise _violation(priority, "priority", f"Member must have value {bound}")
        return create(backend, listener_arn, conditions, priority, *args, **members)

    def validate_fixed_response_action(backend: Any, action: Any, i: int, index: int) -> None:
        check_answer(backend, action, i, index)
        body = action.data["FixedResponseConfig"].get("MessageBody") or ""
        if len(body) > _LONGEST_BODY:
            where = f"actions.{index}.member.fixedResponseConfig.messageBody"
            raise _violation(body, where, f"Member must have length less than or equal to {_LONGEST_BODY}")

    backend_class.create_rule = create_rule
    backend_class._validate_fixed_response_action = validate_fixed_response_action  # noqa: SLF001 - as above
    for name in ("create_rule", "modify_rule"):
        setattr(response_class, name, _without_transforms(getattr(response_class, name)))


def _without_transforms(original: Any) -> Any:
    def answer(response: Any) -> Any:
        from moto.elbv2.exceptions import ValidationError  # noqa: PLC0415 - as above

        if response._get_params().get("Transforms"):  # noqa: SLF001 - as above
            raise ValidationError("Ashore does not carry out transforms of rules ('Transforms').")
        return original(response)

    return answer


def _violation(value: Any, member: str, words: str) -> Exception:
    from moto.elbv2.exceptions import ValidationError  # noqa: PLC0415 - as above

    text = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {words}"
    error: Exception = ValidationError(text)
    return error


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

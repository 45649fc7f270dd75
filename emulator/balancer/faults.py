"""What of a load balancer cannot be carried out, and why: found before the data plane is asked, so that no other rule suffers.

AWS refuses most of these requests; moto, and CloudFormation in front of it, let them through.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_network

from emulator.balancer.model import Action, Condition, Field, FixedResponse, Forward, LoadBalancer, NotCarriedOut, Rule

_STICKY = range(1, 604_801)
"""Seconds for which a client may stay with a target group."""
_WEIGHTS = range(1000)
_STATUSES = range(200, 600)


def fault_of(rule: Rule) -> str | None:
    """Why the rule cannot be carried out; None where it can."""
    if rule.fault:
        return rule.fault
    if rule.priority is not None and not rule.conditions:
        return "it has no condition"
    return next(
        (found for found in (*map(_condition_fault, rule.conditions), _action_fault(rule.action)) if found), None
    )


def without_faults(balancer: LoadBalancer) -> tuple[LoadBalancer, dict[Rule, str]]:
    """The load balancer with the rules that can be carried out, and why the others cannot."""
    rules = [rule for listener in balancer.listeners for rule in listener.rules]
    faults = {rule: reason for rule in rules if (reason := fault_of(rule)) is not None}
    return (without_rules(balancer, faults) if faults else balancer), faults


def without_rules(balancer: LoadBalancer, faults: Mapping[Rule, str]) -> LoadBalancer:
    """The load balancer without these rules: requests meet the next one. Nothing comes after a default rule, which answers 501."""
    listeners = [replace(listener, rules=tuple(_kept(listener.rules, faults))) for listener in balancer.listeners]
    return replace(balancer, listeners=tuple(listeners))


def _kept(rules: Iterable[Rule], faults: Mapping[Rule, str]) -> Iterator[Rule]:
    for rule in rules:
        if rule not in faults:
            yield rule
        elif rule.priority is None:
            yield Rule(rule.arn, None, (), NotCarriedOut("default", faults[rule]))


def _condition_fault(condition: Condition) -> str | None:
    if not condition.values and not condition.pairs:
        return f"its {condition.field} condition has no value"
    texts = (*condition.values, condition.header, *(text for pair in condition.pairs for text in pair if text))
    if not all(map(_is_text, texts)):
        return f"its {condition.field} condition is no text that could be sent"
    if condition.field is Field.SOURCE_IP:
        wrong = [value for value in condition.values if not _is_network(value)]
        return f"{wrong[0]!r} is no CIDR block" if wrong else None
    return None


def _action_fault(action: Action) -> str | None:
    match action:
        case Forward(shares, sticky_seconds):
            if any(share.weight not in _WEIGHTS for share in shares):
                return "the weight of a target group must be between 0 and 999"
            if sticky_seconds is not None and sticky_seconds not in _STICKY:
                return "stickiness must last between 1 and 604800 seconds"
        case FixedResponse(status, content_type, body):
            if status not in _STATUSES:
                return f"a response cannot have the status {status}"
            if not _is_text(content_type) or not _is_text(body):
                return "its response is no text that could be sent"
        case NotCarriedOut():
            pass
        case redirect:
            parts = (redirect.protocol, redirect.host, redirect.port, redirect.path, redirect.query)
            if not all(map(_is_text, parts)):
                return "its redirect is no text that could be sent"
    return None


def _is_text(text: str) -> bool:
    """Whether it can be encoded: JSON lets half a character through."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_network(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return "%" not in value

"""Conditions of policy statements. Pure (reference: iam_elb_autoscaling.md §3.1).

The values of one key are alternatives; for a negated operator none of them may match. A key that the request lacks fails,
except for negated operators, `…IfExists` and `Null`.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

LITERAL_STAR, LITERAL_MARK = "\ue000", "\ue001"
"""What `${*}` and `${?}` become in a pattern: the characters themselves (both code points are private)."""

_PATTERN = {"*": ".*", "?": ".", LITERAL_STAR: r"\*", LITERAL_MARK: r"\?"}

Keys = Mapping[str, Sequence[str]]
"""The request's condition keys in lower case, such as `aws:principalarn`, with their values."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`{OPERATOR: {KEY: VALUES}}`; the key in lower case, as keys are not told apart by case."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """How one value of the request is compared with one of the policy."""

    matches: Callable[[str, str], bool]
    negated: bool = False
    if_exists: bool = False
    quantifier: str | None = None
    """`ForAllValues` or `ForAnyValue`."""


def like(pattern: str, text: str) -> bool:
    """Whether all of `text` fits; `*` stands for any run of characters and `?` for one."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_PATTERN.get(character) or re.escape(character) for character in pattern), re.DOTALL)


def arn_like(pattern: str, text: str) -> bool:
    """`like` in each of an ARN's six parts apart: a wildcard does not cross a colon, but in the resource."""
    wanted, given = pattern.split(":", 5), text.split(":", 5)
    return len(wanted) == len(given) == 6 and all(map(like, wanted, given))


def holds(condition: Condition, keys: Keys) -> bool:
    """Whether the request's keys meet the condition."""
    if condition.operator == "Null":
        absent = condition.key not in keys
        return any(value.lower() == str(absent).lower() for value in condition.values)
    operator = operator_of(condition.operator)
    if operator is None:
        raise ValueError(condition.operator)  # `documents` refuses them
    given = keys.get(condition.key)
    if not given:
        return operator.negated or operator.if_exists or operator.quantifier == "ForAllValues"
    met = [_meets(operator, condition.values, value) for value in given]
    if operator.quantifier == "ForAnyValue":
        return any(met)
    return all(met) if operator.quantifier or operator.negated else any(met)


def operator_of(name: str) -> Operator | None:
    """The operator called `name`; None where there is none. `Null` compares nothing, see `holds`."""
    quantifier, colon, rest = name.partition(":")
    if colon and quantifier not in {"ForAllValues", "ForAnyValue"}:
        return None
    base = rest if colon else name
    if base == "Null":
        return Operator(lambda _wanted, _given: False) if not colon else None
    plain = base.removesuffix("IfExists")
    negated = "Not" in plain
    matches = _MATCHES.get(plain.replace("Not", ""))
    if matches is None:
        return None
    return Operator(matches, negated, plain != base, quantifier if colon else None)


def _meets(operator: Operator, values: Sequence[str], given: str) -> bool:
    return any(operator.matches(value, given) for value in values) != operator.negated


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def matches(wanted: str, given: str) -> bool:
        try:
            return compare(float(given), float(wanted))
        except ValueError:
            return False

    return matches


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def matches(wanted: str, given: str) -> bool:
        try:
            return compare(_instant(given), _instant(wanted))
        except ValueError:
            return False

    return matches


def _instant(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 text or of such a number."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _address(wanted: str, given: str) -> bool:
    try:
        network, address = ipaddress.ip_network(wanted, strict=False), ipaddress.ip_address(given)
    except ValueError:
        return False
    return address in network


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda given, wanted: given == wanted,
    "LessThan": lambda given, wanted: given < wanted,
    "LessThanEquals": lambda given, wanted: given <= wanted,
    "GreaterThan": lambda given, wanted: given > wanted,
    "GreaterThanEquals": lambda given, wanted: given >= wanted,
}
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": like,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "BinaryEquals": lambda wanted, given: wanted == given,
    "IpAddress": _address,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    **{f"Numeric{name}": _number(compare) for name, compare in _COMPARISONS.items()},
    **{f"Date{name}": _date(compare) for name, compare in _COMPARISONS.items()},
}
"""Operator, without `Not`, → how a value of the policy (first) fits one of the request."""

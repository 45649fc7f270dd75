"""Reads IAM policy documents into values. Pure; `statements` judges by them.

An element may be one string or a list of them. What a document must and must not have is AWS's grammar of policies
(reference: iam_elb_autoscaling.md §3); the sentences say which rule was broken, AWS's own answer does not tell.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.iam.conditions import Condition, operator_of

_VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}
_PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}


class MalformedPolicyError(ValueError):
    """The document is no policy; the text says why."""


@dataclass(frozen=True, slots=True)
class Names:
    """The values of an element, or (`inverted`) of its `Not…` twin."""

    values: tuple[str, ...]
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    effect: Literal["Allow", "Deny"]
    actions: Names
    resources: Names | None = None
    """None where the policy hangs on a resource and means that."""
    principals: Names | None = None
    """`AWS:…`, `Service:…`; None in policies of identities, which mean their own."""
    conditions: tuple[Condition, ...] = ()
    sid: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]
    variables: bool = True
    """Whether `${…}` stands for a key of the request: in version 2012-10-17 only."""
    name: str = ""
    """What it is called where a decision is explained, such as `inline policy push of user alice`."""

    def place_of(self, statement: Statement) -> str:
        """Where `statement` stands, in words: its Sid, or its number from 1."""
        which = statement.sid or str(next(i for i, item in enumerate(self.statements, 1) if item is statement))
        return f"statement {which} of {self.name or 'the policy'}"


def parse_policy(text: str, *, principals: bool, resources: bool, name: str = "", most: int | None = None) -> Policy:
    """Read a document.

    Args:
        text: JSON.
        principals: whether statements must name principals (policies of resources) or must not (those of identities).
        resources: whether statements must name resources.
        name: what the policy is called where a decision is explained.
        most: how many characters it may have.

    Raises:
        MalformedPolicyError: it breaks the grammar.

    """
    if most is not None and len(text) > most:
        raise MalformedPolicyError("too long")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicyError("not JSON") from error
    if not isinstance(document, dict) or document.keys() - {"Version", "Id", "Statement"}:
        raise MalformedPolicyError("a policy has Version, Id and Statement only")
    version = document.get("Version", _VERSIONS[1])
    if version not in _VERSIONS:
        raise MalformedPolicyError(f"unknown version {version!r}")
    listed = document.get("Statement")
    statements = [listed] if isinstance(listed, dict) else listed
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicyError("a policy has statements")
    parsed = tuple(_statement(item, principals=principals, resources=resources) for item in statements)
    sids = [item.sid for item in parsed if item.sid]
    if len(set(sids)) != len(sids):
        raise MalformedPolicyError("statement ids must be unique")
    return Policy(parsed, variables=version == _VERSIONS[0], name=name)


def _statement(item: object, *, principals: bool, resources: bool) -> Statement:
    if not isinstance(item, dict) or item.keys() - _STATEMENT:
        raise MalformedPolicyError("a statement has unknown elements")
    effect, sid = item.get("Effect"), item.get("Sid")
    if effect not in {"Allow", "Deny"}:
        raise MalformedPolicyError("Effect is Allow or Deny")
    if sid is not None and not isinstance(sid, str):
        raise MalformedPolicyError("Sid is a string")
    actions = _names(item, "Action")
    if actions is None or not all(action == "*" or ":" in action for action in actions.values):
        raise MalformedPolicyError("a statement has actions, such as ecr:PutImage")
    found = _names(item, "Resource")
    if resources and found is None:
        raise MalformedPolicyError("a statement has resources")
    named = _principals(item)
    if principals != (named is not None):
        raise MalformedPolicyError("principals are missing" if principals else "principals are not allowed here")
    return Statement(effect, actions, found, named, _conditions(item.get("Condition", {})), sid)


def _names(item: Mapping[str, Any], element: str) -> Names | None:
    given = [name for name in (element, f"Not{element}") if name in item]
    if len(given) > 1:
        raise MalformedPolicyError(f"{element} and Not{element} exclude each other")
    if not given:
        return None
    values = _texts(item[given[0]], given[0])
    if not values:
        raise MalformedPolicyError(f"{given[0]} is empty")
    return Names(values, inverted=given[0] != element)


def _principals(item: Mapping[str, Any]) -> Names | None:
    given = [name for name in ("Principal", "NotPrincipal") if name in item]
    if len(given) > 1:
        raise MalformedPolicyError("Principal and NotPrincipal exclude each other")
    if not given:
        return None
    value = item[given[0]]
    if value == "*":
        value = {"AWS": "*"}
    if not isinstance(value, dict) or not value or value.keys() - _PRINCIPALS:
        raise MalformedPolicyError("a principal is * or an object of AWS, Service, Federated")
    named = tuple(f"{kind}:{text}" for kind, texts in value.items() for text in _texts(texts, kind))
    if not named:
        raise MalformedPolicyError("no principal is named")
    return Names(named, inverted=given[0] == "NotPrincipal")


def _conditions(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        raise MalformedPolicyError("Condition is an object")
    result = []
    for name, keys in value.items():
        if operator_of(name) is None:
            raise MalformedPolicyError(f"unknown condition operator {name!r}")
        if not isinstance(keys, dict) or not keys:
            raise MalformedPolicyError(f"{name} has keys")
        for key, texts in keys.items():
            listed = texts if isinstance(texts, list) else [texts]
            if not all(isinstance(text, str | bool | int | float) for text in listed):
                raise MalformedPolicyError(f"{key} has values")
            result.append(Condition(name, key.lower(), tuple(_plain(text) for text in listed)))
    return tuple(result)


def _texts(value: object, element: str) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) and text for text in listed):
        raise MalformedPolicyError(f"{element} is a string or a list of strings")
    return tuple(listed)


def _plain(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def printed(text: str) -> str:
    """A document as AWS gives it back: re-serialised, objects line by line and lists in one (seen in the CLI's samples)."""
    return _printed(json.loads(text), "")


def _printed(value: object, indent: str) -> str:
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        members = (f"{inner}{json.dumps(key)} : {_printed(member, inner)}" for key, member in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return f"[ {', '.join(_printed(item, indent) for item in value)} ]"
    return json.dumps(value, ensure_ascii=False)

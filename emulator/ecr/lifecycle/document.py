"""Reads lifecycle policies and refuses what breaks AWS's schema. Pure (reference: ecr.md §7.1 and §7.4).

AWS validates with a JSON schema first, then with rules that look at several members or rules at once; so does this.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

TagStatus = Literal["any", "tagged", "untagged"]
StorageClass = Literal["standard", "archive"]
CountType = Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
ActionType = Literal["expire", "transition"]

_MOST_RULES = 50
_MOST_STARS = 4
_LEAST_ARCHIVED = 90
"""Days that AWS charges for at least (sinceImageTransitioned)."""


class LifecyclePolicyError(ValueError):
    """The document is no lifecycle policy; the text is AWS's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy."""

    priority: int
    """The smallest number is heeded first."""
    tag_status: TagStatus
    count_type: CountType
    count: int
    """Images to keep, or days."""
    patterns: tuple[str, ...] = ()
    """Each must match some tag of an image; `*` stands for any run of characters."""
    prefixes: tuple[str, ...] = ()
    """The same, as literal beginnings."""
    storage_class: StorageClass = "standard"
    action: ActionType = "expire"
    description: str = ""


def parse_lifecycle_policy(text: str) -> tuple[Rule, ...]:
    """The rules, ordered by priority.

    Raises:
        LifecyclePolicyError: it breaks the schema.

    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.") from error
    if not isinstance(document, dict):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    _members(document, required=("rules",), optional=())
    listed = document["rules"]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    if not listed:
        raise LifecyclePolicyError("array is too short: must have at least 1 elements but instance has 0 elements")
    if len(listed) > _MOST_RULES:
        raise LifecyclePolicyError(
            f"array is too long: must have at most {_MOST_RULES} elements but instance has {len(listed)} elements"
        )
    rules = sorted(map(_rule, listed), key=lambda rule: rule.priority)
    _check_together(rules)
    return tuple(rules)


def _rule(item: Mapping[str, Any]) -> Rule:
    _members(item, required=("rulePriority", "selection", "action"), optional=("description",))
    selection, action = item["selection"], item["action"]
    if not isinstance(selection, dict) or not isinstance(action, dict):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    _members(
        selection,
        required=("tagStatus", "countType", "countNumber"),
        optional=("tagPatternList", "tagPrefixList", "storageClass", "countUnit"),
    )
    description = item.get("description", "")
    if not isinstance(description, str):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    if selection["countType"] not in get_args(CountType):
        raise LifecyclePolicyError("instance failed to match exactly one schema (matched 0 out of 2)")
    rule = Rule(
        priority=_integer(item["rulePriority"]),
        tag_status=_one_of(selection["tagStatus"], TagStatus),
        count_type=selection["countType"],
        count=_integer(selection["countNumber"]),
        patterns=_texts(selection, "tagPatternList"),
        prefixes=_texts(selection, "tagPrefixList"),
        storage_class=_one_of(selection.get("storageClass", "standard"), StorageClass),
        action=_action(action),
        description=description,
    )
    _check(rule, selection.get("countUnit"))
    return rule


def _action(action: Mapping[str, Any]) -> ActionType:
    _members(action, required=("type",), optional=("targetStorageClass",))
    kind: ActionType = _one_of(action["type"], ActionType)
    target = action.get("targetStorageClass")
    if kind == "transition":
        if target is None:
            raise LifecyclePolicyError('object has missing required properties (["targetStorageClass"])')
        _one_of(target, Literal["archive"])
    elif target is not None:
        raise LifecyclePolicyError("targetStorageClass must not be given with the action expire")  # (unconfirmed)
    return kind


def _check(rule: Rule, unit: object) -> None:
    """What members of one rule ask of each other (texts from the third on unconfirmed)."""
    if rule.tag_status == "tagged" and not (rule.patterns or rule.prefixes):
        raise LifecyclePolicyError("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED")
    if (rule.count_type == "imageCountMoreThan") != (unit is None) or unit not in {None, "days"}:
        raise LifecyclePolicyError("instance failed to match exactly one schema (matched 0 out of 2)")
    if rule.patterns and rule.prefixes:
        raise LifecyclePolicyError("Must specify only one of tagPrefixList and tagPatternList")
    if rule.tag_status != "tagged" and (rule.patterns or rule.prefixes):
        raise LifecyclePolicyError("tagPrefixList and tagPatternList need tagStatus=TAGGED")
    if any(pattern.count("*") > _MOST_STARS for pattern in rule.patterns):
        raise LifecyclePolicyError(f"A tag pattern has at most {_MOST_STARS} wildcards")
    transitioned = rule.count_type == "sinceImageTransitioned"
    if transitioned != (rule.storage_class == "archive"):
        raise LifecyclePolicyError("storageClass archive and countType sinceImageTransitioned need each other")
    if transitioned and rule.count < _LEAST_ARCHIVED:
        raise LifecyclePolicyError(
            f"numeric instance is lower than the required minimum (minimum: {_LEAST_ARCHIVED}, found: {rule.count})"
        )
    if transitioned and rule.action != "expire":
        raise LifecyclePolicyError("countType sinceImageTransitioned needs the action expire")
    if rule.count_type == "sinceImagePulled" and rule.action != "transition":
        raise LifecyclePolicyError("countType sinceImagePulled needs the action transition")


def _check_together(rules: Iterable[Rule]) -> None:
    """What rules ask of each other: some hold for each storage class apart."""
    listed = tuple(rules)
    repeated = [priority for priority, count in Counter(rule.priority for rule in listed).items() if count > 1]
    if repeated:
        raise LifecyclePolicyError(f"Duplicate rulePriority: {repeated[0]}")  # (unconfirmed)
    for storage_class in get_args(StorageClass):
        same = [rule for rule in listed if rule.storage_class == storage_class]
        if any(rule.tag_status == "any" for rule in same[:-1]):
            raise LifecyclePolicyError("Rule for tagStatus=ANY must have the lowest priority per storage class")
        if sum(rule.tag_status == "untagged" for rule in same) > 1:
            raise LifecyclePolicyError("Only one rule can select Untagged images per storage class")
        named = Counter(text for rule in same for text in {*rule.patterns, *rule.prefixes})
        if named and max(named.values()) > 1:
            text = named.most_common(1)[0][0]
            raise LifecyclePolicyError(f"Tag prefix or pattern '{text}' is used by several rules")  # (unconfirmed)


def _members(item: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    missing = sorted(set(required) - item.keys())
    if missing:
        raise LifecyclePolicyError(f"object has missing required properties ({_listed(missing)})")
    unknown = sorted(item.keys() - {*required, *optional})
    if unknown:
        raise LifecyclePolicyError(
            f"object instance has properties which are not allowed by the schema: ({_listed(unknown)})"
        )


def _listed(names: Iterable[str]) -> str:
    return json.dumps(list(names), separators=(",", ":"))


def _one_of(value: object, kind: Any) -> Any:
    if value not in get_args(kind):  # moto's spelling of AWS's text, stray colon included (unconfirmed)
        values = ", ".join(f'"{name}"' for name in get_args(kind))
        raise LifecyclePolicyError(f"instance value ({value}) not found in enum :(possible values: [{values}])")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    if value < 1:
        raise LifecyclePolicyError(f"numeric instance is lower than the required minimum (minimum: 1, found: {value})")
    return value


def _texts(selection: Mapping[str, Any], member: str) -> tuple[str, ...]:
    values = selection.get(member, [])
    if not isinstance(values, list) or not all(isinstance(text, str) and text for text in values):
        raise LifecyclePolicyError("Could not map policyString into LifecyclePolicy.")
    return tuple(values)

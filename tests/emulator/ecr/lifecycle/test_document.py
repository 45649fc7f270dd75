"""Which lifecycle policies AWS takes, and what it says of others."""

import json
from typing import Any

import pytest

from emulator.ecr.lifecycle.document import LifecyclePolicyError, parse_lifecycle_policy


def rule(priority: object = 1, **changes: Any) -> dict[str, Any]:
    selection: dict[str, Any] = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
    selection |= {key: value for key, value in changes.items() if key not in {"action", "top"}}
    selection = {key: value for key, value in selection.items() if value is not None}
    action = changes.get("action", {"type": "expire"})
    return {"rulePriority": priority, "selection": selection, "action": action, **changes.get("top", {})}


def days(count_type: str = "sinceImagePushed", **changes: Any) -> dict[str, Any]:
    priority = changes.pop("priority", 1)
    return rule(priority, **{"countType": count_type, "countUnit": "days", "countNumber": 14, **changes})


TAGGED = {"tagStatus": "tagged", "tagPrefixList": ["a"]}
TRANSITION = {"type": "transition", "targetStorageClass": "archive"}
ARCHIVED = {"storageClass": "archive", "countNumber": 90}


@pytest.mark.parametrize(
    "rules",
    [
        [rule()],
        [rule(50, top={"description": "x"}), days(priority=1, tagStatus="tagged", tagPrefixList=["a"])],
        [rule(1, **TAGGED), rule(2, **{**TAGGED, "tagPrefixList": ["b"]}), rule(3), rule(9, tagStatus="any")],
        [rule(1, tagStatus="tagged", tagPatternList=["*-prod", "v*.*"])],
        [days("sinceImagePulled", action=TRANSITION)],
        [days("sinceImagePushed", action=TRANSITION, priority=2), days("sinceImageTransitioned", **ARCHIVED)],
        [rule(2, tagStatus="any"), days("sinceImageTransitioned", tagStatus="any", **ARCHIVED)],
    ],
)
def test_valid(rules: list[dict[str, Any]]) -> None:
    parsed = parse_lifecycle_policy(json.dumps({"rules": rules}))
    assert [item.priority for item in parsed] == sorted(item["rulePriority"] for item in rules)


MAP = "Could not map policyString into LifecyclePolicy."
SCHEMA = "instance failed to match exactly one schema (matched 0 out of 2)"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", MAP),
        ([], MAP),
        ({"rules": {}}, MAP),
        ({}, 'object has missing required properties (["rules"])'),
        ({"rules": [rule()], "x": 1}, 'object instance has properties which are not allowed by the schema: (["x"])'),
        ({"rules": []}, "array is too short: must have at least 1 elements but instance has 0 elements"),
        ({"rules": [rule(n) for n in range(1, 52)]}, "array is too long"),
        ({"rules": [{}]}, 'missing required properties (["action","rulePriority","selection"])'),
        ({"rules": [rule(tagStatus="all")]}, 'instance value (all) not found in enum :(possible values: ["any", '),
        ({"rules": [rule(countType="imageCount")]}, SCHEMA),
        ({"rules": [rule(countUnit="days")]}, SCHEMA),
        ({"rules": [days(countUnit=None)]}, SCHEMA),
        ({"rules": [days(countUnit="weeks")]}, SCHEMA),
        (
            {"rules": [rule(countNumber=0)]},
            "numeric instance is lower than the required minimum (minimum: 1, found: 0)",
        ),
        ({"rules": [rule(0)]}, "numeric instance is lower than the required minimum (minimum: 1, found: 0)"),
        ({"rules": [rule("1")]}, MAP),
        ({"rules": [rule(True)]}, MAP),
        ({"rules": [rule(tagStatus="tagged")]}, "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED"),
        ({"rules": [rule(**TAGGED, tagPatternList=["b"])]}, "only one of"),
        ({"rules": [rule(tagPrefixList=["a"])]}, "need tagStatus=TAGGED"),
        ({"rules": [rule(tagStatus="tagged", tagPatternList=["*a*b*c*d*"])]}, "at most 4 wildcards"),
        ({"rules": [rule(1, tagStatus="any"), rule(2)]}, "Rule for tagStatus=ANY must have the lowest priority"),
        ({"rules": [rule(1), rule(2)]}, "Only one rule can select Untagged images"),
        ({"rules": [rule(1), rule(1, tagStatus="any")]}, "Duplicate rulePriority: 1"),
        ({"rules": [rule(1, **TAGGED), rule(2, **TAGGED)]}, "is used by several rules"),
        ({"rules": [days("sinceImagePulled")]}, "needs the action transition"),
        ({"rules": [days("sinceImageTransitioned")]}, "need each other"),
        ({"rules": [days("sinceImageTransitioned", storageClass="archive")]}, "(minimum: 90, found: 14)"),
        ({"rules": [rule(storageClass="archive")]}, "need each other"),
        ({"rules": [rule(action={"type": "transition"})]}, 'missing required properties (["targetStorageClass"])'),
        ({"rules": [rule(action={"type": "keep"})]}, "not found in enum"),
        ({"rules": [rule(action={"type": "expire", "targetStorageClass": "archive"})]}, "must not be given"),
    ],
)
def test_refused(document: object, message: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(LifecyclePolicyError) as error:
        parse_lifecycle_policy(text)
    assert message in str(error.value)

"""How each service refuses a request that breaks its model: what the wire checks for it, and the exception it answers.

ECS answers nearly every bad value with a text of its own, so its operations check lengths, ranges and patterns
themselves, and the wire checks structure, types, required members and enumerations. The other services answer with one
uniform text, so the wire checks all that their models say; a shape that a service still words itself is in
`worded_by_the_service`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from api.wire.constraints import Rule, Violation
from api.wire.messages import WireError
from api.wire.shapes import Shape

_EVERY_RULE = frozenset(Rule)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A service's way with bad requests."""

    error: Callable[[str, Sequence[Violation]], WireError]
    """(operation, its violations) → what the client is told."""
    checked: frozenset[Rule] = _EVERY_RULE
    worded_by_the_service: frozenset[str] = frozenset()
    """Names of shapes whose own constraints the operations check."""

    def checks_for(self, shape: Shape) -> frozenset[Rule]:
        """The rules that the wire checks on values of `shape`."""
        return (
            self.checked - {Rule.BOUNDS, Rule.PATTERN, Rule.ENUM}
            if shape.name in self.worded_by_the_service
            else self.checked
        )


def refusal_of(service: str) -> Refusal:
    """The way of one of our services."""
    return _REFUSALS[service]


def _ecs(operation: str, violations: Sequence[Violation]) -> WireError:
    """`Task Definition can not be blank.`, `Tasks cannot be empty.`, `launch type should be one of [EC2,FARGATE]`.

    Other members by analogy (unconfirmed).
    """
    first = violations[0]
    leaf = first.path.rpartition(".")[2]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", leaf[:1].upper() + leaf[1:])
    if first.rule is Rule.ENUM:
        code = "ClientException" if operation == "RegisterTaskDefinition" else "InvalidParameterException"
        choices = (first.shape.item or first.shape).choices
        return WireError(code, f"{words.lower()} should be one of [{','.join(choices)}]")
    code = "ClientException" if operation == "DescribeContainerInstances" else "InvalidParameterException"
    return WireError(code, f"{words} cannot be empty." if first.shape.type == "list" else f"{words} can not be blank.")


def _ecr(_operation: str, violations: Sequence[Violation]) -> WireError:
    """One violation, in ECR's frame; a repository's name is refused in ECR's own short words (reference/ecr.md §3.5)."""
    first = violations[0]
    words = first.words
    if first.path == "repositoryName" and first.rule is Rule.PATTERN:
        shown = first.shape.pattern.replace(r"\/", "/")
        words = f"must satisfy regular expression '{shown}'"
    elif first.path == "repositoryName" and first.rule is Rule.BOUNDS:
        words = words.removeprefix("Member ")
    return WireError(
        "InvalidParameterException", f"Invalid parameter at '{first.path}' failed to satisfy constraint: '{words}'"
    )


def _eks(_operation: str, violations: Sequence[Violation]) -> WireError:
    return WireError("InvalidParameterException", _detected(violations))  # (unconfirmed) text


def _validation(_operation: str, violations: Sequence[Violation]) -> WireError:
    return WireError("ValidationException", _detected(violations))


def _query(_operation: str, violations: Sequence[Violation]) -> WireError:
    """AWS tells its members with a small first letter, whatever the model says."""
    return WireError("ValidationError", _detected([replace(found, path=_lowered(found.path)) for found in violations]))


def _detected(violations: Sequence[Violation]) -> str:
    """AWS's usual summary of all that is wrong."""
    found = "; ".join(
        f"Value {_shown(violation.value)} at '{violation.path}' failed to satisfy constraint: {violation.words}"
        for violation in violations
    )
    return f"{len(violations)} validation error{'s' * (len(violations) > 1)} detected: {found}"


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"'[{', '.join(map(str, value))}]'"
    if isinstance(value, dict):
        return f"'{{{', '.join(f'{key}={item}' for key, item in value.items())}}}'"
    return f"'{value}'"


def _lowered(path: str) -> str:
    return ".".join(part[:1].lower() + part[1:] for part in path.split("."))


_ECS = Refusal(
    _ecs,
    frozenset({Rule.REQUIRED, Rule.ENUM}),
    frozenset({
        "ClusterSettingName", "ContainerCondition", "ContainerInstanceStatus", "LaunchType", "NetworkMode",
        "PlacementConstraintType", "PlacementStrategyType", "SettingName",
        "TaskDefinitionPlacementConstraintType", "TransportProtocol", "UlimitName",
    }),
)  # fmt: skip
_ECR = Refusal(_ecr, worded_by_the_service=frozenset({"ImageTagMutability"}))
_REFUSALS = {
    "ecs": _ECS,
    "ecr": _ECR,
    "ecr-public": _ECR,
    "codedeploy": Refusal(_validation, _EVERY_RULE - {Rule.PATTERN}),  # (unconfirmed)
    "eks": Refusal(_eks),
    "elasticbeanstalk": Refusal(_query),
    "elbv2": Refusal(_query),
    "application-autoscaling": Refusal(_validation, _EVERY_RULE - {Rule.PATTERN}),  # its patterns are Java's
    "ssm": Refusal(_validation),
}

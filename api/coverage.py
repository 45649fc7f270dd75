"""Which operations are emulated: computed from the operation tables and the models, never written down."""

from collections.abc import Callable, Mapping
from typing import Any

from api.wire.model import operation_names
from emulator.context import Context
from emulator.ecr.operations import OPERATIONS as ECR
from emulator.ecs.operations import OPERATIONS as ECS

Operation = Callable[[Context, Any], Mapping[str, Any]]

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "ecs": ECS,
    "ecr": ECR,
    "ecr-public": {},
    "eks": {},
    "elasticbeanstalk": {},
}
"""Service → operation → function. A service without functions answers 501 to everything."""


def coverage() -> dict[str, dict[str, list[str]]]:
    """Service → its emulated and its missing operations, in order."""
    return {
        service: {
            "emulated": sorted(operations),
            "missing": sorted(set(operation_names(service)) - set(operations)),
        }
        for service, operations in OPERATIONS.items()
    }

"""Which operations are emulated: computed from the operation tables and the models, never written down."""

from collections.abc import Callable, Mapping
from typing import Any

from api.wire.model import operation_names
from emulator.beanstalk.operations import OPERATIONS as ELASTIC_BEANSTALK
from emulator.codedeploy.operations import OPERATIONS as CODE_DEPLOY
from emulator.context import Context
from emulator.ecr.operations import OPERATIONS as ECR
from emulator.ecr_public.operations import OPERATIONS as ECR_PUBLIC
from emulator.ecs.not_emulated import REASONS as ECS_REASONS
from emulator.ecs.operations import OPERATIONS as ECS

Operation = Callable[[Context, Any], Mapping[str, Any]]

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "ecs": ECS,
    "ecr": ECR,
    "ecr-public": ECR_PUBLIC,
    "codedeploy": CODE_DEPLOY,
    "eks": {},
    "elasticbeanstalk": ELASTIC_BEANSTALK,
}
"""Service → operation → function. A service without functions answers 501 to everything."""


REASONS: Mapping[str, Mapping[str, str]] = {"ecs": ECS_REASONS}
"""Service → operation that is not emulated → why, where that is known."""


def coverage() -> dict[str, dict[str, Any]]:
    """Service → its emulated and its missing operations, in order, and why those are missing that have a reason."""
    return {
        service: {
            "emulated": sorted(operations),
            "missing": sorted(set(operation_names(service)) - set(operations)),
            "reasons": dict(REASONS.get(service, {})),
        }
        for service, operations in OPERATIONS.items()
    }

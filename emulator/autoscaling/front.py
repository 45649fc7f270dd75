"""What must hold before moto is asked: scalable targets are services that exist here, not in moto's own ECS."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.state.ecs import ServiceRow


def refusal(context: Context, request: Mapping[str, Any]) -> str | None:
    """Why RegisterScalableTarget is refused (a ValidationException); None where it is not."""
    resource = str(request.get("ResourceId", ""))
    if request.get("ServiceNamespace") != "ecs" or not resource.startswith("service/"):
        return None
    row = context.session.get(ServiceRow, context.arn("ecs", resource))
    return None if row is not None and row.status != "INACTIVE" else f"ECS service doesn't exist: {resource}"

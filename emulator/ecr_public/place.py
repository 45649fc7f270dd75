"""Where ECR Public's operations act: a registry without a region, and only the caller's own.

Its repositories, images and layers are rows of the same tables as ECR's, in the region `public`; so what stores, lists and
deletes them is ECR's own code, called with a context of that region.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from emulator.context import Context
from emulator.ecr.access import require_access
from emulator.ecr.public_names import PUBLIC_REGION, public_arn
from emulator.ecr_public.errors import UnsupportedCommandException
from emulator.state.ecr import RepositoryRow

_REGIONS = ("us-east-1", "us-west-2")

Operation = Callable[[Context, Any], Any]


def public(operation: str, function: Operation) -> Operation:
    """`function`, acting in the caller's public registry, behind the policy of the repository that the request names."""

    @wraps(function)
    def act(context: Context, request: Any) -> Any:
        if context.region not in _REGIONS:
            raise UnsupportedCommandException
        acting = replace(context, region=PUBLIC_REGION)
        name = request.get("repositoryName")
        if name is not None and operation != "CreateRepository":
            arn = public_arn(request.get("registryId") or context.account, name)
            row = context.session.get(RepositoryRow, arn)
            if row is not None:
                require_access(acting, row, f"ecr-public:{operation}")
        return function(acting, request)

    return act

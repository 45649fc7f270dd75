"""ECR and ECR Public (reference: iam_elb_autoscaling.md §6.2).

Repositories that exist are judged by the service itself, whose repository and registry policies take part (`ecr.access`):
here are the others, so that who may not ask does not learn what there is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.arns import make_arn
from emulator.context import Context
from emulator.ecr.access import judges_itself, names_of
from emulator.iam.checks import ANY, Check, request_tags

_OF_EVERY_REPOSITORY = {"DescribeRepositories"}
"""Operations that mean all repositories where they name none."""


def checks(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """What the request needs beside what `ecr.access` asks."""
    yield from _checks(context, "ecr", operation, request, context.region)


def public_checks(context: Context, operation: str, request: Mapping[str, Any]) -> Iterator[Check]:
    """The same of ECR Public, whose registries have no region."""
    if operation == "GetAuthorizationToken":
        yield Check("sts:GetServiceBearerToken")  # as AWS's guide says of ECR Public
    yield from _checks(context, "ecr-public", operation, request, "")


def _checks(context: Context, service: str, operation: str, request: Mapping[str, Any], region: str) -> Iterator[Check]:
    action, keys = f"{service}:{operation}", request_tags(request)
    names = names_of(request)
    account = request.get("registryId") or context.account
    if operation in _OF_EVERY_REPOSITORY and not names:
        names = [ANY]
    for name in names:
        arn = make_arn(service, region, account, f"repository/{name}")
        if operation == "CreateRepository" or not judges_itself(context, arn):
            yield Check(action, arn, keys)
    if not names:
        yield Check(action, ANY, keys)

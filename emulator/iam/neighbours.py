"""The policies that hang on neighbours' resources: of buckets, and of roles (who may assume them)."""

import structlog

from emulator.context import Context
from emulator.iam.checks import Check
from emulator.iam.documents import MalformedPolicyError, Policy, parse_policy
from emulator.iam.enforcement import Hanging

_LOG = structlog.get_logger()
_BUCKET = "arn:aws:s3:::"


def hanging_on(context: Context, check: Check) -> Hanging:
    """The resource's side of `check`."""
    identities = context.emulator.identities
    if identities is not None and check.action.startswith("sts:AssumeRole"):
        text = identities.trust_policy(check.resource)
        return Hanging(
            _account_of(check.resource), _read(text, "the trust policy of the role", resources=False), trust=True
        )
    if identities is not None and check.resource.startswith(_BUCKET):
        bucket = check.resource.removeprefix(_BUCKET).partition("/")[0]
        found = identities.bucket_policy(bucket)
        if found is not None:
            return Hanging(found[0], _read(found[1], f"the policy of bucket {bucket}", resources=True))
    return Hanging(context.account)


def _account_of(arn: str) -> str:
    return arn.split(":")[4] if arn.count(":") >= 5 else ""


def _read(text: str | None, name: str, *, resources: bool) -> list[Policy]:
    if not text:
        return []
    try:
        return [parse_policy(text, principals=True, resources=resources, name=name)]
    except MalformedPolicyError as error:
        _LOG.warning("a policy cannot be read and allows nothing", policy=name, reason=str(error))
        return []

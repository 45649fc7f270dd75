"""The policy of a registry: who may replicate into it, import by pull-through, or (scope V2) do anything else."""

from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.access import V1_ACTIONS, registry_arn
from emulator.ecr.errors import RegistryPolicyNotFoundException, invalid
from emulator.ecr.registry_settings import setting
from emulator.ecr.repository_policies import MOST_TEXT
from emulator.iam.documents import MalformedPolicyError, parse_policy, printed
from emulator.journal import Kind
from emulator.state.ecr_registry import PolicyRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import PutRegistryPolicyRequestTypeDef

_REFUSED = "Invalid registry policy provided"


class RegistryPolicyResult(TypedDict):
    """A registry's policy."""

    registryId: str
    policyText: str


def put_registry_policy(context: Context, request: "PutRegistryPolicyRequestTypeDef") -> RegistryPolicyResult:
    """PutRegistryPolicy."""
    text = request["policyText"]
    try:
        policy = parse_policy(text, principals=True, resources=True, most=MOST_TEXT)
    except MalformedPolicyError as error:
        raise invalid("PolicyText", _REFUSED) from error
    if setting(context, "REGISTRY_POLICY_SCOPE") == "V1":
        named = {action for statement in policy.statements for action in statement.actions.values}
        if named - V1_ACTIONS:
            raise invalid("PolicyText", _REFUSED)
    subject = registry_arn(context.account, context.region)
    context.session.merge(PolicyRow(subject=subject, text=printed(text)))
    context.record(Kind.STATE_CHANGE, subject, {"policy": "SET"})
    return {"registryId": context.account, "policyText": printed(text)}


def get_registry_policy(context: Context, request: object) -> RegistryPolicyResult:
    """GetRegistryPolicy."""
    del request
    return {"registryId": context.account, "policyText": _row(context).text}


def delete_registry_policy(context: Context, request: object) -> RegistryPolicyResult:
    """DeleteRegistryPolicy."""
    del request
    row = _row(context)
    context.session.delete(row)
    context.session.flush()
    context.record(Kind.STATE_CHANGE, row.subject, {"policy": "DELETED"})
    return {"registryId": context.account, "policyText": row.text}


def _row(context: Context) -> PolicyRow:
    row = context.session.get(PolicyRow, registry_arn(context.account, context.region))
    if row is None:
        raise RegistryPolicyNotFoundException(context.account)
    return row

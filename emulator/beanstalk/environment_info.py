"""RequestEnvironmentInfo and RetrieveEnvironmentInfo: logs of instances, in S3 for fifteen minutes."""

import base64
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from sqlalchemy import select

from emulator.beanstalk.environment_finding import find_environment
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.instances import living
from emulator.beanstalk.storage import ensure_storage
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentInfoRow
from scheduler.beanstalk.model import Severity

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import (
        RequestEnvironmentInfoMessageTypeDef,
        RetrieveEnvironmentInfoMessageTypeDef,
    )

LOOP = "environment-logs"
LASTS = timedelta(minutes=15)


def request_environment_info(context: Context, request: "RequestEnvironmentInfoMessageTypeDef") -> dict[str, Any]:
    """Have the logs of every instance written to S3."""
    row = find_environment(context, request)
    kind = request["InfoType"]
    if kind == "analyze":
        raise InvalidParameterValue("Ashore does not emulate the AI analysis of environments (InfoType 'analyze').")
    instances = living(context, row.id)
    tell_environment(context, row, "requestEnvironmentInfo is starting.", request_id=context.request_id)
    if not instances:
        text = "Failed to pull logs for environment instances. There are no instances."  # (unconfirmed) tail
        tell_environment(context, row, text, Severity.ERROR, context.request_id)
        return {}
    bucket = ensure_storage(context)
    for item in instances:
        context.session.add(
            EnvironmentInfoRow(
                environment_id=row.id,
                instance_id=item.id,
                kind=kind,
                bucket=bucket,
                key="",
                request_id=context.request_id,
                at=context.now,
            )
        )
    context.wake(LOOP, row.id)
    return {}


def retrieve_environment_info(context: Context, request: "RetrieveEnvironmentInfoMessageTypeDef") -> dict[str, Any]:
    """Where the logs are that were pulled in the last fifteen minutes, the newest last."""
    row = find_environment(context, request)
    query = select(EnvironmentInfoRow).where(
        EnvironmentInfoRow.environment_id == row.id,
        EnvironmentInfoRow.kind == request["InfoType"],
        EnvironmentInfoRow.key != "",
        EnvironmentInfoRow.at > context.now - LASTS,
    )
    return {
        "EnvironmentInfo": [
            {
                "InfoType": found.kind,
                "Ec2InstanceId": found.instance_id,
                "SampleTimestamp": found.at,
                "Message": _url(context, found),
            }
            for found in context.session.scalars(query.order_by(EnvironmentInfoRow.number))
        ]
    }


def _url(context: Context, found: EnvironmentInfoRow) -> str:
    """Signed as Elastic Beanstalk signs its addresses (version 2), with the account's number as the key."""
    path = f"/{found.bucket}/{quote(found.key)}"
    expires = int((found.at + LASTS).timestamp())
    digest = hmac.new(b"test", f"GET\n\n\n{expires}\n{path}".encode(), "sha1").digest()
    signed = {
        "AWSAccessKeyId": context.account,
        "Expires": str(expires),
        "Signature": base64.b64encode(digest).decode(),
    }
    return f"http://localhost:{context.emulator.port}{path}?{urlencode(signed)}"

"""What a request to a neighbour asks permission for: its action, and its resource where a member names it plainly.

Where the resource is not known, `UNTOLD` stands for it: whatever a policy allows of the action is allowed then, and only a
deny of everything denies. Of services with REST interfaces only S3 is known here; requests of others are not judged.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from api.wire.detect import Target
from api.wire.messages import HttpRequest
from emulator.arns import make_arn
from emulator.iam.checks import Check
from emulator.iam.requests import action_name
from emulator.iam.statements import UNTOLD

_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.(?:s3[.-].+|localhost(?::\d+)?)")
_Resource = Callable[[Target, Mapping[str, Any]], str | None]


def _named(service: str, member: str, form: str = "{}", *, regional: bool = True) -> _Resource:
    """The ARN that a member gives, or that `form` makes of the name that it gives."""

    def resource(target: Target, params: Mapping[str, Any]) -> str | None:
        value = params.get(member)
        if not isinstance(value, str) or not value:
            return None
        if value.startswith("arn:"):
            return value
        region = target.region if regional else ""
        return make_arn(service, region, target.account, form.format(value.rstrip("/").rpartition("/")[2]))

    return resource


_RESOURCES: Mapping[str, tuple[_Resource, ...]] = {
    "sqs": (_named("sqs", "QueueUrl"), _named("sqs", "QueueName")),
    "sns": (_named("sns", "TopicArn"), _named("sns", "TargetArn"), _named("sns", "Name")),
    "dynamodb": (_named("dynamodb", "TableName", "table/{}"),),
    "logs": (_named("logs", "logGroupName", "log-group:{}:*"),),
    "kinesis": (_named("kinesis", "StreamName", "stream/{}"),),
    "sts": (_named("sts", "RoleArn"),),
    "iam": (
        _named("iam", "RoleName", "role/{}", regional=False),
        _named("iam", "UserName", "user/{}", regional=False),
        _named("iam", "GroupName", "group/{}", regional=False),
        _named("iam", "InstanceProfileName", "instance-profile/{}", regional=False),
        _named("iam", "PolicyArn", regional=False),
    ),
}


def check_of(request: HttpRequest, target: Target, action: str) -> Check | None:
    """What the request needs; None where that is not known, and for `sts:GetCallerIdentity`, which nobody can be denied.

    Args:
        request: as it came in.
        target: whom it is for.
        action: the operation's name where header, query or form tell it.

    """
    if target.service == "s3":
        return _of_s3(request)
    if not action or action == "GetCallerIdentity":
        return None
    params, named = _params(request), _RESOURCES.get(target.service, ())
    resource = next((found for one in named if (found := one(target, params)) is not None), UNTOLD)
    return Check(action_name(target.service, action), resource)


def bucket_of(request: HttpRequest) -> tuple[str, str]:
    """Bucket and key of a request of S3's; either may be empty."""
    path = unquote(request.path).lstrip("/")
    virtual = _VIRTUAL_HOST.fullmatch(request.headers.get("host", ""))
    if virtual and virtual["bucket"] != "s3":
        return virtual["bucket"], path
    bucket, _, key = path.partition("/")
    return bucket, key


def _of_s3(request: HttpRequest) -> Check:
    bucket, key = bucket_of(request)
    words = {pair.partition("=")[0] for pair in request.query.split("&")}
    part = next((name for word, name in _PARTS.items() if word in words), None)
    if not bucket:
        return Check("s3:ListAllMyBuckets")
    place = f"arn:aws:s3:::{bucket}"
    if not key:
        if request.method == "POST" and "delete" in words:
            return Check("s3:DeleteObject", f"{place}/*")
        verb = {"PUT": "Put", "DELETE": "Put" if part not in {"Policy", "Website"} else "Delete"}.get(
            request.method, "Get"
        )
        plain = {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(request.method, "ListBucket")
        if words & {"uploads", "versions"}:
            plain = "ListBucketMultipartUploads" if "uploads" in words else "ListBucketVersions"
        prefix = parse_qs(request.query, keep_blank_values=True).get("prefix")
        keys = {"s3:prefix": prefix} if prefix and part is None else {}
        return Check(f"s3:{plain}" if part is None else f"s3:{verb}{_of_bucket(part)}", place, keys)
    verb = {"PUT": "Put", "POST": "Put", "DELETE": "Delete"}.get(request.method, "Get")
    if "uploadId" in words and request.method in {"GET", "DELETE"}:
        return Check("s3:ListMultipartUploadParts" if verb == "Get" else "s3:AbortMultipartUpload", f"{place}/{key}")
    version = "Version" if "versionId" in words and verb != "Put" else ""
    return Check(f"s3:{verb}Object{version}{part if part in {'Acl', 'Tagging'} else ''}", f"{place}/{key}")


_PARTS = {
    "acl": "Acl",
    "cors": "CORS",
    "encryption": "Encryption",
    "lifecycle": "Lifecycle",
    "location": "Location",
    "logging": "Logging",
    "notification": "Notification",
    "policy": "Policy",
    "tagging": "Tagging",
    "versioning": "Versioning",
    "website": "Website",
}
"""Word of the query → the part of a bucket or an object that is meant."""


def _of_bucket(part: str) -> str:
    return {"Encryption": "EncryptionConfiguration", "Lifecycle": "LifecycleConfiguration"}.get(part, f"Bucket{part}")


def _params(request: HttpRequest) -> Mapping[str, Any]:
    if "x-amz-target" in request.headers:
        try:
            found = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError:
            return {}  # the neighbour says so
        return found if isinstance(found, dict) else {}
    text = request.body.decode("utf-8", "replace") or request.query
    return {name: values[0] for name, values in parse_qs(text).items()}

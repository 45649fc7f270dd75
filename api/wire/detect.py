"""Whom a request is for: service, account and region.

The credential scope of the signature says it best; an unsigned request is known by its target prefix, its form's version
or its host name. The signature itself is not checked here. Every request passes through, so this is a pure function of
a few microseconds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from api.wire.messages import HttpRequest

_SCOPE = r"Credential=([^/,\s&]+)/\d{8}/([a-zA-Z0-9-]+)/([a-zA-Z0-9_.-]+)/aws4_request"
_SIGNED = re.compile(_SCOPE)
_PRESIGNED = re.compile(r"(?:^|&)X-Amz-" + _SCOPE)
_OLD_SIGNED = re.compile(r"(?:^AWS |(?:^|&)AWSAccessKeyId=)([^:&\s]+)")
"""Signature version 2: boto3 still presigns S3 addresses so."""
_ACCOUNT = re.compile(r"[0-9]{12}")
_VERSION = re.compile(r"(?:^|&)Version=([0-9-]+)")
_HOST = re.compile(
    r"(?:^|\.)([a-z0-9-]+)(?:\.([a-z]{2}(?:-[a-z]+)+-\d))?\.(?:amazonaws\.com(?:\.cn)?|api\.aws)(?::\d+)?$"
)

_TARGETS = {
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "SpencerFrontendService": "ecr-public",
    "AnyScaleFrontendService": "application-autoscaling",
    "AWSEvents": "events",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "CodeDeploy_20141006": "codedeploy",
    "CodeBuild_20161006": "codebuild",
    "CodeCommit_20150413": "codecommit",
    "GraniteServiceVersion20100801": "monitoring",
    "Logs_20140328": "logs",
    "Route53AutoNaming_v20170314": "servicediscovery",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
_VERSIONS = {
    "2010-12-01": "elasticbeanstalk",
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "monitoring",
    "2011-01-01": "autoscaling",
    "2011-06-15": "sts",
    "2012-06-01": "elasticloadbalancing",
    "2012-11-05": "sqs",
    "2015-12-01": "elasticloadbalancing",
    "2016-11-15": "ec2",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request is for."""

    service: str
    """The signing name, which two generations of a service may share; empty where nothing tells."""
    account: str
    region: str
    access_key: str
    """Empty where the request is not signed."""


def detect(
    request: HttpRequest,
    default_account: str,
    default_region: str,
    account_of: Callable[[str], str | None] | None = None,
) -> Target:
    """Read the target from `request`. Never fails: what is not said is the default.

    An access key of 12 digits is the account itself; `account_of` may know others (keys that IAM or STS has issued).
    """
    found = _SIGNED.search(request.headers.get("authorization", ""))
    if found is None and "X-Amz-Credential" in request.query:
        found = _PRESIGNED.search(unquote(request.query))
    if found is not None:
        access_key, region, service = found.groups()
    else:
        access_key = _old_key(request)
        service, region = ("s3", "") if access_key else _unsigned(request)
    if _ACCOUNT.fullmatch(access_key):
        account = access_key
    else:
        account = (account_of(access_key) if account_of and access_key else None) or default_account
    return Target(service, account, region or default_region, access_key)


def _old_key(request: HttpRequest) -> str:
    found = _OLD_SIGNED.search(request.headers.get("authorization", "")) or _OLD_SIGNED.search(request.query)
    return unquote(found.group(1)) if found else ""


def _unsigned(request: HttpRequest) -> tuple[str, str]:
    """Service and region (either may be empty) of a request without a signature."""
    host = _HOST.search(request.headers.get("host", "").lower())
    named, region = host.groups("") if host else ("", "")
    service = _TARGETS.get(request.headers.get("x-amz-target", "").partition(".")[0]) or _from_version(request)
    return service or named, region


def _from_version(request: HttpRequest) -> str:
    version = _VERSION.search(request.query)
    if version is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        version = _VERSION.search(request.body.decode("latin-1"))
    return _VERSIONS.get(version.group(1), "") if version else ""

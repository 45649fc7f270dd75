"""What requests to neighbours ask permission for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.detect import Target
from api.wire.messages import HttpRequest
from api.wire.neighbour_actions import check_of
from emulator.iam.statements import UNTOLD

BUCKET = "arn:aws:s3:::b"


def target(service: str) -> Target:
    return Target(service, "111122223333", "eu-west-1", "AKIA")


@pytest.mark.parametrize(
    ("method", "address", "action", "resource"),
    [
        ("GET", "/", "ListAllMyBuckets", "*"),
        ("PUT", "/b", "CreateBucket", BUCKET),
        ("DELETE", "/b", "DeleteBucket", BUCKET),
        ("HEAD", "/b", "ListBucket", BUCKET),
        ("GET", "/b?list-type=2&prefix=x", "ListBucket", BUCKET),
        ("GET", "/b?versions", "ListBucketVersions", BUCKET),
        ("GET", "/b?uploads", "ListBucketMultipartUploads", BUCKET),
        ("GET", "/b?location", "GetBucketLocation", BUCKET),
        ("PUT", "/b?policy", "PutBucketPolicy", BUCKET),
        ("DELETE", "/b?policy", "DeleteBucketPolicy", BUCKET),
        ("DELETE", "/b?tagging", "PutBucketTagging", BUCKET),
        ("PUT", "/b?lifecycle", "PutLifecycleConfiguration", BUCKET),
        ("POST", "/b?delete", "DeleteObject", f"{BUCKET}/*"),
        ("GET", "/b/a%20b/c", "GetObject", f"{BUCKET}/a b/c"),
        ("HEAD", "/b/k", "GetObject", f"{BUCKET}/k"),
        ("GET", "/b/k?versionId=1", "GetObjectVersion", f"{BUCKET}/k"),
        ("GET", "/b/k?acl", "GetObjectAcl", f"{BUCKET}/k"),
        ("PUT", "/b/k?tagging", "PutObjectTagging", f"{BUCKET}/k"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "PutObject", f"{BUCKET}/k"),
        ("POST", "/b/k?uploads", "PutObject", f"{BUCKET}/k"),
        ("GET", "/b/k?uploadId=u", "ListMultipartUploadParts", f"{BUCKET}/k"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", f"{BUCKET}/k"),
        ("DELETE", "/b/k", "DeleteObject", f"{BUCKET}/k"),
    ],
)
def test_s3(method: str, address: str, action: str, resource: str) -> None:
    path, _, query = address.partition("?")
    found = check_of(HttpRequest(method, path, query, {"host": "localhost:4566"}, b""), target("s3"), "")
    assert found is not None
    assert (found.action, found.resource) == (f"s3:{action}", resource)
    if "prefix" in query:
        assert found.keys == {"s3:prefix": ["x"]}


def test_a_bucket_in_the_host_name() -> None:
    for host in ("b.s3.eu-west-1.amazonaws.com", "b.localhost:4566"):
        found = check_of(HttpRequest("GET", "/k", "", {"host": host}, b""), target("s3"), "")
        assert found is not None
        assert found.resource == f"{BUCKET}/k"


@pytest.mark.parametrize(
    ("service", "action", "params", "expected", "resource"),
    [
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": "http://localhost/1/jobs"},
            "sqs:SendMessage",
            "sqs:eu-west-1:111122223333:jobs",
        ),
        ("dynamodb", "GetItem", {"TableName": "t"}, "dynamodb:GetItem", "dynamodb:eu-west-1:111122223333:table/t"),
        ("iam", "GetRole", {"RoleName": "r"}, "iam:GetRole", "iam::111122223333:role/r"),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, "sts:AssumeRole", "iam::1:role/r"),
        ("monitoring", "PutMetricAlarm", {"AlarmName": "a"}, "cloudwatch:PutMetricAlarm", UNTOLD),
        ("ec2", "DescribeInstances", {}, "ec2:DescribeInstances", UNTOLD),
    ],
)
def test_others(service: str, action: str, params: dict[str, Any], expected: str, resource: str) -> None:
    body = json.dumps(params).encode()
    request = HttpRequest("POST", "/", "", {"x-amz-target": f"Any.{action}"}, body)
    found = check_of(request, target(service), action)
    assert found is not None
    assert (found.action, found.resource.removeprefix("arn:aws:")) == (expected, resource)


def test_what_is_not_asked() -> None:
    request = HttpRequest("GET", "/2015-03-31/functions", "", {}, b"")
    assert check_of(request, target("lambda"), "") is None
    assert check_of(request, target("sts"), "GetCallerIdentity") is None


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]), st.text(max_size=30), st.text(max_size=30), st.binary()
)
def test_nothing_breaks_it(method: str, path: str, query: str, body: bytes) -> None:
    for headers in ({}, {"x-amz-target": "A.B"}):
        request = HttpRequest(method, f"/{path}", query, headers, body)
        for service in ("s3", "sqs", "iam"):
            found = check_of(request, target(service), "B")
            assert found is not None
            assert found.action.partition(":")[0] == service

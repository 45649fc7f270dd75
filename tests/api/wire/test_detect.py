"""Whom a request is for."""

import pytest

from api.wire.detect import Target, detect
from api.wire.messages import HttpRequest

SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261124/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=00"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def found(headers: dict[str, str], query: str = "", body: bytes = b"") -> Target:
    return detect(HttpRequest("POST", "/", query, headers, body), "000000000000", "us-east-1")


@pytest.mark.parametrize(
    ("key", "account"),
    [
        ("111122223333", "111122223333"),
        ("test", "000000000000"),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
        ("ASIAIOSFODNN7EXAMPLE", "000000000000"),
        ("1111222233334", "000000000000"),
        ("١١١١٢٢٢٢٣٣٣٣", "000000000000"),
    ],
)
def test_the_signature_tells_service_region_and_account(key: str, account: str) -> None:
    assert found({"authorization": SIGNED.format(key)}) == Target("ecs", account, "eu-west-1", key)


def test_the_scope_wins_over_everything_else() -> None:
    headers = {
        "authorization": SIGNED.format("test"),
        "x-amz-target": "SpencerFrontendService.PutImage",
        "host": "eks.us-west-2.amazonaws.com",
    }
    assert found(headers).service == "ecs"


def test_issued_keys_can_be_looked_up() -> None:
    def account_of(key: str) -> str | None:
        return "444455556666" if key == "AKIAOURS" else None

    for key, account in [("AKIAOURS", "444455556666"), ("AKIAOTHER", "000000000000"), ("111122223333", "111122223333")]:
        request = HttpRequest("POST", "/", "", {"authorization": SIGNED.format(key)}, b"")
        assert detect(request, "000000000000", "us-east-1", account_of).account == account


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "X-Amz-Algorithm=x&X-Amz-Credential=111122223333%2F20261124%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=x",
            Target("s3", "111122223333", "eu-west-1", "111122223333"),
        ),
        (
            "AWSAccessKeyId=111122223333&Signature=x&Expires=1",
            Target("s3", "111122223333", "us-east-1", "111122223333"),
        ),
        ("prefix=X-Amz-Credential", Target("", "000000000000", "us-east-1", "")),
    ],
)
def test_presigned_addresses(query: str, expected: Target) -> None:
    assert found({}, query) == expected


@pytest.mark.parametrize(
    ("headers", "query", "body", "service", "region"),
    [
        ({"x-amz-target": "AmazonEC2ContainerServiceV20141113.ListClusters"}, "", b"", "ecs", "us-east-1"),
        ({"x-amz-target": "AmazonEC2ContainerRegistry_V20150921.PutImage"}, "", b"", "ecr", "us-east-1"),
        ({"x-amz-target": "SpencerFrontendService.PutImage"}, "", b"", "ecr-public", "us-east-1"),
        (FORM, "", b"Action=DescribeEvents&Version=2010-12-01", "elasticbeanstalk", "us-east-1"),
        (FORM, "", b"Action=GetCallerIdentity&Version=2011-06-15", "sts", "us-east-1"),
        ({}, "Version=2016-11-15&Action=DescribeVpcs", b"", "ec2", "us-east-1"),
        (FORM, "", b"\xff&Version=1999-01-01", "", "us-east-1"),
        ({}, "", b"Version=2010-12-01", "", "us-east-1"),
        ({"host": "eks.eu-central-1.amazonaws.com"}, "", b"", "eks", "eu-central-1"),
        ({"host": "api.ecr.us-gov-west-1.amazonaws.com:443"}, "", b"", "ecr", "us-gov-west-1"),
        ({"host": "Bucket.s3.cn-north-1.amazonaws.com.cn"}, "", b"", "s3", "cn-north-1"),
        ({"host": "iam.amazonaws.com"}, "", b"", "iam", "us-east-1"),
        ({"host": "eks-auth.eu-west-1.api.aws"}, "", b"", "eks-auth", "eu-west-1"),
        ({"host": "localhost:4566"}, "", b"", "", "us-east-1"),
        ({"authorization": "Basic QVdTOnRva2Vu"}, "", b"", "", "us-east-1"),
        ({}, "", b"", "", "us-east-1"),
    ],
)
def test_unsigned_requests(headers: dict[str, str], query: str, body: bytes, service: str, region: str) -> None:
    assert found(headers, query, body) == Target(service, "000000000000", region, "")

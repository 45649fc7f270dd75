"""Signatures that botocore's clients make hold, and no others do."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from api.wire.messages import HttpRequest
from api.wire.signatures import signed_with, token_of

KEY, SECRET = "AKIAQAAAAAAAEXAMPLE2", "a-secret"
HOST = "localhost:4566"
BODY = b'{"cluster": "demo"}'
TARGET = {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask", "Content-Type": "application/x-amz-json-1.1"}


def signed(
    method: str = "POST",
    target: str = "/",
    body: bytes = BODY,
    service: str = "ecs",
    token: str | None = None,
    as_s3: bool = False,
) -> HttpRequest:
    """A request as botocore signs it."""
    made = AWSRequest(method, f"http://{HOST}{target}", dict(TARGET), body)
    (S3SigV4Auth if as_s3 else SigV4Auth)(Credentials(KEY, SECRET, token), service, "eu-west-1").add_auth(made)
    headers = {name.lower(): value for name, value in made.headers.items()} | {"host": HOST, "user-agent": "x"}
    path, _, query = target.partition("?")
    return HttpRequest(method, path, query, headers, body)


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed("GET", "/clusters/a%20b/nodes?maxResults=5&a=%2F", b"", "eks"),
        signed("GET", "/bucket//a/../b%20c?prefix=x&delete=", b"", "s3", as_s3=True),
        signed("PUT", "/bucket/key", b"content", "s3", as_s3=True),
        signed(as_s3=True),  # the EB CLI's way with every service
        signed(token="a/session+token=="),
    ],
)
def test_what_a_client_signs(request_: HttpRequest) -> None:
    assert signed_with(request_, KEY, SECRET)
    assert not signed_with(request_, KEY, "another")
    assert not signed_with(replace(request_, body=request_.body + b"!"), KEY, SECRET)
    assert not signed_with(replace(request_, method="PATCH"), KEY, SECRET)
    assert not signed_with(replace(request_, path="/other"), KEY, SECRET)
    moved = {**request_.headers, "x-amz-date": "20200101T000000Z"}
    assert not signed_with(replace(request_, headers=moved), KEY, SECRET)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_addresses_of_s3(version: str) -> None:
    make: Any = boto3.client
    client = make(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://{HOST}",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )
    address = urlsplit(client.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "a b/c"}))
    asked = HttpRequest("GET", address.path, address.query, {"host": HOST}, b"")
    assert signed_with(asked, KEY, SECRET)
    assert not signed_with(asked, KEY, "another")
    assert not signed_with(replace(asked, path="/bucket/other"), KEY, SECRET)


def test_the_token_of_a_session() -> None:
    assert token_of(signed(token="a/b+c==")) == "a/b+c=="
    assert token_of(HttpRequest("GET", "/", "X-Amz-Security-Token=a%2Fb", {}, b"")) == "a/b"
    assert token_of(signed()) == ""


@given(st.text(max_size=80), st.text(max_size=80))
def test_nonsense_is_no_signature(header: str, query: str) -> None:
    for text in (header, f"AWS4-HMAC-SHA256 Credential={header}, SignedHeaders=host, Signature=0a"):
        assert not signed_with(HttpRequest("POST", "/", query, {"authorization": text}, b""), KEY, SECRET)
    for name in ("X-Amz-Signature", "AWSAccessKeyId"):
        assert not signed_with(
            HttpRequest("GET", "/", f"{name}={query}&X-Amz-Credential={header}", {}, b""), KEY, SECRET
        )

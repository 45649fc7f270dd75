"""Users and roles for tests of permissions, made as users make them."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.running import RunningServer

TRUST = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}


def document(*statements: dict[str, Any]) -> str:
    """A policy document; statements allow, and speak of every resource, unless they say otherwise."""
    full = [{"Effect": "Allow", **item} for item in statements]
    full = [item if "NotResource" in item else {"Resource": "*", **item} for item in full]
    return json.dumps({"Version": "2012-10-17", "Statement": full})


@dataclass(slots=True)
class User:
    """A user with an access key, of an account whose root makes it."""

    server: RunningServer
    name: str = "alice"
    account: str = "test"
    arn: str = field(init=False)
    key: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        iam = self.server.client("iam", self.account)
        self.arn = str(iam.create_user(UserName=self.name)["User"]["Arn"])
        self.key = iam.create_access_key(UserName=self.name)["AccessKey"]

    def may(self, *statements: dict[str, Any], name: str = "own") -> None:
        """Give it an inline policy, in place of the last one of this name."""
        iam = self.server.client("iam", self.account)
        iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=document(*statements))

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client with its key."""
        return self.server.client(service, self.key["AccessKeyId"], region, self.key["SecretAccessKey"])

    @property
    def environment(self) -> dict[str, str]:
        """For commands that run as it."""
        own = {"AWS_ACCESS_KEY_ID": self.key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"]}
        return {**self.server.environment, **own}


def make_role(server: RunningServer, name: str, *statements: dict[str, Any]) -> str:
    """A role of the default account that everybody may assume; its ARN."""
    iam = server.client("iam")
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"])
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return arn


def denials(server: RunningServer) -> list[dict[str, Any]]:
    """What the journal tells of refusals, oldest first."""
    return [entry["detail"] for entry in server.admin("GET", "journal?kind=denial&limit=1000")["entries"]]

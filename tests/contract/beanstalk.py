"""A server with an application of Elastic Beanstalk, for contract tests: on the simulated runtime and a paused clock."""

import http.client
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.running import RunningServer

STACK = "64bit Amazon Linux 2023 v4.6.0 running Docker"
PROFILE = "aws-elasticbeanstalk-ec2-role"
BUCKET = "bundles"
_LOOKS, _SECONDS = 200, 15


def bundle(**files: str) -> bytes:
    """A zip of a Dockerfile and further files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in {"Dockerfile": "FROM web:1\nEXPOSE 80\n", **files}.items():
            archive.writestr(name, text)
    return out.getvalue()


def option(namespace: str, name: str, value: str) -> dict[str, str]:
    """An option setting."""
    return {"Namespace": namespace, "OptionName": name, "Value": value}


@dataclass(slots=True)
class Shop:
    """An application `shop` with versions v1, v2 and v3."""

    server: RunningServer

    @property
    def eb(self) -> Any:
        """The client."""
        return self.server.client("elasticbeanstalk")

    def begin(self, *bundles: bytes) -> None:
        """Make what environments need: instance profile, application, versions (v1, v2 …; three that are alike by default)."""
        iam, s3 = self.server.client("iam"), self.server.client("s3")
        iam.create_role(RoleName=PROFILE, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName=PROFILE)
        iam.add_role_to_instance_profile(InstanceProfileName=PROFILE, RoleName=PROFILE)
        s3.create_bucket(Bucket=BUCKET)
        self.eb.create_application(ApplicationName="shop")
        for number, data in enumerate(bundles or (bundle(),) * 3, 1):
            self.version(f"v{number}", data)

    def version(self, label: str, data: bytes, key: str = "") -> None:
        """Another version of the application."""
        name = key or f"{label}.zip"
        self.server.client("s3").put_object(Bucket=BUCKET, Key=name, Body=data)
        source = {"S3Bucket": BUCKET, "S3Key": name}
        self.eb.create_application_version(ApplicationName="shop", VersionLabel=label, SourceBundle=source)

    def create(self, name: str, *settings: Mapping[str, str], single: bool = False, **members: Any) -> Any:
        """CreateEnvironment with an instance profile: behind an application load balancer, or a single instance."""
        given = [
            option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", PROFILE),
            option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
            if single
            else option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
            *settings,
        ]
        wanted = {"SolutionStackName": STACK, "VersionLabel": "v1", **members}
        return self.eb.create_environment(ApplicationName="shop", EnvironmentName=name, OptionSettings=given, **wanted)

    def environment(self, name: str) -> Any:
        """The newest environment called so."""
        return self.eb.describe_environments(EnvironmentNames=[name], IncludeDeleted=True)["Environments"][-1]

    def advance(self, seconds: float = _SECONDS) -> None:
        """Let time pass; loops come to rest."""
        self.server.admin("POST", "clock", {"advance": seconds})

    def until(self, name: str, status: str = "Ready", seconds: float = _SECONDS) -> Any:
        """Let time pass until the environment has a status."""
        return self.until_true(name, lambda found: found["Status"] == status, seconds)

    def wait(self, name: str, status: str = "Ready") -> Any:
        """Wait until the environment has a status, on a clock that runs."""
        self.server.wait_until(lambda: bool(self.environment(name)["Status"] == status), 180)
        return self.environment(name)

    def until_true(self, name: str, holds: Callable[[Any], bool], seconds: float = _SECONDS) -> Any:
        """Let time pass until something holds of the environment's description."""
        self.advance(0)
        for _ in range(_LOOKS):
            found = self.environment(name)
            if holds(found):
                return found
            self.advance(seconds)
        raise AssertionError(f"{name} stays {self.environment(name)}; {self.messages(name)[-5:]}")

    def messages(self, name: str, request: Any = None) -> list[str]:
        """The texts of an environment's events, oldest first; of one request only where its answer is given."""
        members = {} if request is None else {"RequestId": request["ResponseMetadata"]["RequestId"]}
        found = self.eb.describe_events(EnvironmentName=name, **members)["Events"]
        return [event["Message"] for event in reversed(found)]

    def get(self, cname: str, path: str = "/") -> tuple[int, str]:
        """Ask at the main port, by the environment's name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Host": cname, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    @staticmethod
    def fetch(url: str) -> bytes:
        """What a client gets there without credentials."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=20)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}")
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            return answer.read()
        finally:
            connection.close()

    def instances(self, name: str) -> list[str]:
        """Ids of an environment's instances."""
        found = self.eb.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
        return [item["Id"] for item in found["Instances"]]

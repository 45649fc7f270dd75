"""What tests of Elastic Beanstalk begin with: bundles in S3, and an environment that runs on the simulated runtime."""

import http.client
import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

DOCKER = "64bit Amazon Linux 2023 v4.6.0 running Docker"
BUCKET = "bundles"
PROFILE = "aws-elasticbeanstalk-ec2-role"
_DOCKERRUN = {"AWSEBDockerrunVersion": "1", "Image": {"Name": "nginx"}, "Ports": [{"ContainerPort": 80}]}


def refused(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def zipped(files: dict[str, str]) -> bytes:
    """A bundle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def settings(**values: str) -> list[dict[str, str]]:
    """Option settings of a single-instance environment with its instance profile; `values` are properties."""
    found = [
        ("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"),
        ("aws:autoscaling:launchconfiguration", "IamInstanceProfile", PROFILE),
        *(("aws:elasticbeanstalk:application:environment", name, value) for name, value in values.items()),
    ]
    return [{"Namespace": space, "OptionName": name, "Value": value} for space, name, value in found]


def add_profile(server: RunningServer) -> None:
    """The role and instance profile that instances have."""
    iam = server.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=PROFILE, AssumeRolePolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName=PROFILE)
    iam.add_role_to_instance_profile(InstanceProfileName=PROFILE, RoleName=PROFILE)
    for policy in (
        "AWSElasticBeanstalkWebTier",
        "AWSElasticBeanstalkMulticontainerDocker",
        "AWSElasticBeanstalkWorkerTier",
    ):
        iam.attach_role_policy(RoleName=PROFILE, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def add_version(server: RunningServer, application: str, label: str) -> None:
    """A version whose bundle says which image runs; the application is made where there is none."""
    s3 = server.client("s3")
    if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{label}.zip", Body=zipped({"Dockerrun.aws.json": json.dumps(_DOCKERRUN)}))
    server.client("elasticbeanstalk").create_application_version(
        ApplicationName=application,
        VersionLabel=label,
        SourceBundle={"S3Bucket": BUCKET, "S3Key": f"{label}.zip"},
        AutoCreateApplication=True,
    )


def launch(server: RunningServer, application: str, name: str, **request: Any) -> str:
    """A single-instance environment that is Ready; its id."""
    made = server.client("elasticbeanstalk").create_environment(
        ApplicationName=application,
        EnvironmentName=name,
        SolutionStackName=DOCKER,
        **{"OptionSettings": settings(), **request},
    )
    until(server, made["EnvironmentId"], "Ready")
    events = server.client("elasticbeanstalk").describe_events(EnvironmentId=made["EnvironmentId"])["Events"]
    messages = [event["Message"] for event in reversed(events)]
    assert messages[-1] == f"Successfully launched environment: {name}", messages
    return str(made["EnvironmentId"])


def status(server: RunningServer, environment_id: str) -> str:
    """The environment's status."""
    found = server.client("elasticbeanstalk").describe_environments(EnvironmentIds=[environment_id])
    return str(found["Environments"][0]["Status"])


def until(server: RunningServer, environment_id: str, wanted: str) -> None:
    """Let time pass until the environment has this status."""
    for _ in range(120):
        if status(server, environment_id) == wanted:
            return
        server.admin("POST", "clock", {"advance": 15})
    events = server.client("elasticbeanstalk").describe_events(EnvironmentId=environment_id)["Events"]
    raise AssertionError([event["Message"] for event in reversed(events)])


def post(server: RunningServer, form: str) -> str:
    """The answer to a form that boto3 would not send."""
    scope = "Credential=test/20260101/us-east-1/elasticbeanstalk/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/", form, headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    assert response.headers["Date"], "the EB CLI reads it"
    return body

"""Containers on an EC2 instance ask for its metadata and its profile's credentials, by EC2's protocol and by AWS's own library."""

import json

import pytest
from botocore.utils import InstanceMetadataFetcher

from tests.docker.engine_stage import Tasks, docker
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip  # noqa: E501


def make_host(server: RunningServer) -> str:
    """An EC2 instance with a profile whose metadata is for requests with a token, as a host of the cluster `lab`."""
    iam, ec2 = server.client("iam"), server.client("ec2")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_instance_profile(InstanceProfileName="web-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="web-profile", RoleName="web")
    server.client("ecs").create_cluster(clusterName="lab")
    made = ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.large",
        UserData="#!/bin/bash\necho ECS_CLUSTER=lab >> /etc/ecs/ecs.config\n",
        IamInstanceProfile={"Name": "web-profile"},
        MetadataOptions={"HttpTokens": "required"},
    )
    return str(made["Instances"][0]["InstanceId"])


def asked(runtime_id: str, *lines: str) -> tuple[int, str]:
    """What the metadata service answers a container: status and body. The address is the one that it was told."""
    request = "\\r\\n".join([*lines, "", ""])
    told = "${AWS_EC2_METADATA_SERVICE_ENDPOINT#http://}"
    find = f"place={told}; case $place in *:*) ;; *) place=$place:80;; esac"
    # the end of what a client sends would end its request; it goes on for long enough to be answered
    ask = f"(printf '{request}'; sleep 1) | nc ${{place%:*}} ${{place#*:}}"
    head, _, body = docker("exec", runtime_id, "sh", "-c", f"{find}; {ask}").partition("\n\n")
    return int(head.split()[1]), body


def test_the_instance_of_a_container(engine_server: RunningServer, tasks: Tasks) -> None:
    instance_id = make_host(engine_server)
    ecs = engine_server.client("ecs")
    engine_server.wait_until(lambda: bool(ecs.list_container_instances(cluster="lab")["containerInstanceArns"]))
    definition = tasks.define(networkMode="bridge")
    (task,) = ecs.run_task(cluster="lab", taskDefinition=definition)["tasks"]

    def running() -> bool:
        (found,) = ecs.describe_tasks(cluster="lab", tasks=[task["taskArn"]])["tasks"]
        return bool(found["lastStatus"] == "RUNNING")

    engine_server.wait_until(running, 60)
    (shown,) = ecs.describe_tasks(cluster="lab", tasks=[task["taskArn"]])["tasks"]
    runtime_id = shown["containers"][0]["runtimeId"]
    assert asked(runtime_id, "GET /latest/meta-data/instance-id HTTP/1.0")[0] == 401
    assert asked(runtime_id, "PUT /latest/api/token HTTP/1.0")[0] == 400
    status, token = asked(runtime_id, "PUT /latest/api/token HTTP/1.0", "X-aws-ec2-metadata-token-ttl-seconds: 60")
    assert status == 200
    header = f"X-aws-ec2-metadata-token: {token}"
    assert asked(runtime_id, "GET /latest/meta-data/instance-id HTTP/1.0", header) == (200, instance_id)
    assert asked(runtime_id, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.0", header) == (200, "web")
    uri = docker("exec", runtime_id, "sh", "-c", 'echo "$ECS_CONTAINER_METADATA_URI_V4"').strip()
    base, identifier = uri.split("/v4/")
    found = InstanceMetadataFetcher(base_url=f"{base}/instance/{identifier}/").retrieve_iam_role_credentials()
    assert (found["role_name"], bool(found["access_key"]), bool(found["token"])) == ("web", True, True)
    ecs.stop_task(cluster="lab", task=task["taskArn"])
    engine_server.client("ec2").terminate_instances(InstanceIds=[instance_id])

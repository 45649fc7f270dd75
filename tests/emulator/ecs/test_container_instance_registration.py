"""RegisterContainerInstance, as an agent calls it."""

import json
from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster
from emulator.ecs.container_instance_registration import register_container_instance, update_container_agent
from emulator.ecs.errors import (
    AttributeLimitExceededException,
    ClientException,
    ClusterNotFoundException,
    InvalidParameterException,
    NoUpdateAvailableException,
)
from emulator.state.ecs import ContainerInstanceRow

IDENTITY = {
    "instanceId": "i-0123456789abcdef0",
    "instanceType": "t3.large",
    "availabilityZone": "eu-west-1b",
    "privateIp": "10.1.2.3",
    "imageId": "ami-1",
}


def registration(**members: Any) -> Any:
    return {"instanceIdentityDocument": json.dumps(IDENTITY), **members}


def test_the_identity_document_says_what_the_host_is(context: Context) -> None:
    ensure_default_cluster(context)
    request = registration(
        attributes=[{"name": "stack", "value": "prod"}],
        tags=[{"key": "team", "value": "a"}],
        versionInfo={"agentVersion": "1.2.3"},
        totalResources=[
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 4000},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "80"]},
        ],
    )
    document: Any = register_container_instance(context, request)["containerInstance"]
    row = context.session.get_one(ContainerInstanceRow, document["containerInstanceArn"])
    assert (row.zone, row.private_ip, row.cpu, row.memory) == ("eu-west-1b", "10.1.2.3", 2048, 4000)
    assert (row.origin, row.reserved_tcp_ports) == ("api", [22, 80])
    assert document["ec2InstanceId"] == "i-0123456789abcdef0"
    assert document["versionInfo"] == {"agentVersion": "1.2.3", "dockerVersion": "DockerVersion: simulated"}
    assert document["tags"] == [{"key": "team", "value": "a"}]
    values = {item["name"]: item.get("value") for item in document["attributes"]}
    assert (values["stack"], values["ecs.ami-id"]) == ("prod", "ami-1")


def test_a_host_that_registers_again_keeps_its_arn(context: Context) -> None:
    ensure_default_cluster(context)
    arn = register_container_instance(context, registration())["containerInstance"]["containerInstanceArn"]
    again = register_container_instance(context, registration(containerInstanceArn=arn))
    assert again["containerInstance"]["containerInstanceArn"] == arn
    other = {**IDENTITY, "instanceType": "t3.small"}
    with pytest.raises(InvalidParameterException):
        register_container_instance(
            context, {"instanceIdentityDocument": json.dumps(other), "containerInstanceArn": arn}
        )


@pytest.mark.parametrize("document", ["", "[]", "{", "{}", json.dumps({"instanceType": "t3.large"})])
def test_a_bad_identity_document_is_refused(context: Context, document: str) -> None:
    ensure_default_cluster(context)
    with pytest.raises(ClientException, match="Invalid identity document"):
        register_container_instance(context, {"instanceIdentityDocument": document})


def test_the_cluster_must_exist_and_attributes_are_few(context: Context) -> None:
    with pytest.raises(ClusterNotFoundException):
        register_container_instance(context, registration())
    ensure_default_cluster(context)
    attributes = [{"name": f"a{number}"} for number in range(11)]
    with pytest.raises(AttributeLimitExceededException):
        register_container_instance(context, registration(attributes=attributes))


def test_agents_are_always_up_to_date(context: Context) -> None:
    ensure_default_cluster(context)
    arn = register_container_instance(context, registration())["containerInstance"]["containerInstanceArn"]
    with pytest.raises(NoUpdateAvailableException):
        update_container_agent(context, {"containerInstance": arn})
    with pytest.raises(InvalidParameterException):
        update_container_agent(context, {"containerInstance": "none"})

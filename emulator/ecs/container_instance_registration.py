"""What an agent calls: RegisterContainerInstance (reference: ecs.md §3.1). The document's signature is not verified.

The identity document says what the host is; `totalResources`, where given, says how much of it the agent offers. A host that
registers again under its own ARN keeps it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from emulator.context import Context
from emulator.ecs.attributes import custom_attributes
from emulator.ecs.clusters import find_cluster
from emulator.ecs.container_instance_documents import describe_container_instance
from emulator.ecs.container_instances import HostSpec, add_host, find_container_instance
from emulator.ecs.errors import (
    AttributeLimitExceededException,
    ClientException,
    InvalidParameterException,
    NoUpdateAvailableException,
)
from emulator.ecs.tags import check_tags
from emulator.journal import Kind
from emulator.state.ecs import ClusterRow, ContainerInstanceRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        ContainerInstanceTypeDef,
        RegisterContainerInstanceRequestTypeDef,
        UpdateContainerAgentRequestTypeDef,
    )


class ContainerInstanceResult(TypedDict):
    """One host."""

    containerInstance: "ContainerInstanceTypeDef"


def register_container_instance(
    context: Context, request: "RegisterContainerInstanceRequestTypeDef"
) -> ContainerInstanceResult:
    """Register a host, or the same host again."""
    cluster = find_cluster(context, request.get("cluster"))
    identity = _identity(request.get("instanceIdentityDocument"))
    attributes = {item["name"]: item.get("value") for item in request.get("attributes", [])}
    if len(custom_attributes(attributes)) > 10:
        raise AttributeLimitExceededException("Container instances cannot have more than 10 custom attributes.")
    instance_type = identity.get("instanceType") or attributes.get("ecs.instance-type")
    if not instance_type:
        raise ClientException("Invalid identity document.")  # (unconfirmed) text
    if "containerInstanceArn" in request:
        row = _again(context, cluster, request["containerInstanceArn"], instance_type)
    else:
        row = add_host(context, cluster, _spec(request, identity, attributes, instance_type))
    _offer(row, request)
    return {"containerInstance": describe_container_instance(context, row, {"TAGS"})}


def _identity(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise ClientException("Invalid identity document.")  # (unconfirmed) text
    return document


def _spec(
    request: "RegisterContainerInstanceRequestTypeDef",
    identity: Mapping[str, Any],
    attributes: Mapping[str, str | None],
    instance_type: str,
) -> HostSpec:
    zone = identity.get("availabilityZone") or attributes.get("ecs.availability-zone")
    if not zone:
        raise ClientException("Invalid identity document.")  # (unconfirmed) text
    image = {"ecs.ami-id": identity["imageId"]} if identity.get("imageId") else {}
    return HostSpec(
        instance_type=instance_type,
        zone=zone,
        origin="api",
        attributes={**image, **attributes},
        ec2_instance_id=identity.get("instanceId"),
        private_ip=identity.get("privateIp"),
        tags=check_tags(request.get("tags", [])),
    )


def _again(context: Context, cluster: ClusterRow, arn: str, instance_type: str) -> ContainerInstanceRow:
    row = find_container_instance(context, cluster, arn)
    if row is None or row.status == "INACTIVE" or row.instance_type != instance_type:
        raise InvalidParameterException(
            "Container instance cluster or instance type changed since its registration."  # (unconfirmed) text
        )
    row.agent_connected = True
    row.version += 1
    context.record(Kind.STATE_CHANGE, row.arn, {"agentConnected": True}, scope=cluster.arn)
    return row


def _offer(row: ContainerInstanceRow, request: "RegisterContainerInstanceRequestTypeDef") -> None:
    """Take over what the agent says it offers, and its own versions."""
    resources = {item.get("name"): item for item in request.get("totalResources", [])}
    row.cpu = resources.get("CPU", {}).get("integerValue", row.cpu)
    row.memory = resources.get("MEMORY", {}).get("integerValue", row.memory)
    if "PORTS" in resources:
        row.reserved_tcp_ports = _ports(resources["PORTS"].get("stringSetValue", []))
    if "PORTS_UDP" in resources:
        row.reserved_udp_ports = _ports(resources["PORTS_UDP"].get("stringSetValue", []))
    if "versionInfo" in request:
        row.version_info = {**row.version_info, **request["versionInfo"]}


def _ports(values: Any) -> list[int]:
    try:
        return [int(value) for value in values]
    except ValueError:
        raise ClientException("Invalid PORTS resource.") from None  # (unconfirmed) text


def update_container_agent(context: Context, request: "UpdateContainerAgentRequestTypeDef") -> ContainerInstanceResult:
    """Always refused: a simulated host's agent has the only version there is."""
    cluster = find_cluster(context, request.get("cluster"))
    row = find_container_instance(context, cluster, request["containerInstance"])
    if row is None or row.status == "INACTIVE":
        raise InvalidParameterException("Referenced container instance was not found.")  # (unconfirmed) text
    raise NoUpdateAvailableException("There is no update available for your container agent.")  # (unconfirmed) text

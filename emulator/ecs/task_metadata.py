"""What a task's containers learn of themselves: the metadata endpoint, version 4 (reference: ecs.md §7.3, §7.4).

Shown is what the rows know; what is not kept (an image's id, a container's own start) is left out.
"""

import hmac
import os
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.names import is_daemon
from emulator.ecs.task_specs import definition_of, task_spec
from emulator.neighbours.ports import RoleCredentials
from emulator.runtime.docker_options import container_name, labels
from emulator.state.ecs import TaskRow
from emulator.state.journal import ServerStateRow

_KEY = "ecs.credentials"
_LIFE = timedelta(hours=6)


def endpoint_id(row: TaskRow, container: str) -> str:
    """The last part of a container's metadata URI; it tells a task's id and is no secret."""
    number = int(sha256(f"{row.arn}/{container}".encode()).hexdigest(), 16) % 10**10
    return f"{row.id}-{number:010d}"


def credentials_id(context: Context, row: TaskRow) -> str:
    """The last part of a task's credentials URI, which nobody can guess."""
    kept = context.session.get(ServerStateRow, _KEY)
    if kept is None:
        kept = ServerStateRow(name=_KEY, value={"key": os.urandom(32).hex()})
        context.session.add(kept)
    return str(UUID(hmac.new(bytes.fromhex(kept.value["key"]), row.arn.encode(), "sha256").hexdigest()[:32]))


def container_of(context: Context, identifier: str) -> tuple[TaskRow, dict[str, Any]] | None:
    """The task and container that an endpoint id stands for."""
    for row in context.session.scalars(select(TaskRow).where(TaskRow.arn.endswith(f"/{identifier.partition('-')[0]}"))):
        for document in row.containers:
            if endpoint_id(row, document["name"]) == identifier:
                return row, document
    return None


def task_of_credentials(context: Context, identifier: str) -> TaskRow | None:
    """The running task that a credentials id stands for."""
    rows = context.session.scalars(select(TaskRow).where(TaskRow.last_status != "STOPPED"))
    return next((row for row in rows if hmac.compare_digest(credentials_id(context, row), identifier)), None)


def environment(context: Context, row: TaskRow) -> dict[str, dict[str, str]]:
    """Container → the variables that tell it where to ask; nothing where it could not reach us."""
    base = context.emulator.task_endpoint
    if base is None or row.network_mode == "none":
        return {document["name"]: {} for document in row.containers}
    shared = {"AWS_ENDPOINT_URL": base}
    if role_of(context, row) is not None:
        shared["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{base}/v2/credentials/{credentials_id(context, row)}"
    return {document["name"]: {**shared, **_own(base, row, document["name"])} for document in row.containers}


def _own(base: str, row: TaskRow, container: str) -> dict[str, str]:
    identifier = endpoint_id(row, container)
    told = {"ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{identifier}"}
    if row.container_instance_arn is not None:
        # on the machine's own network a container comes from the machine's address: its path tells who it is
        place = f"{base}/instance/{identifier}/" if row.network_mode == "host" else base
        told["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = place
    return told


def role_of(context: Context, row: TaskRow) -> str | None:
    """The ARN of the task's role."""
    role = row.overrides.get("taskRoleArn") or definition_of(context, row).body.get("taskRoleArn")
    return str(role) if role else None


def describe_task_metadata(context: Context, row: TaskRow, *, tags: bool = False) -> dict[str, Any]:
    """The document of `/task` and `/taskWithTags`."""
    spec = task_spec(context, row)
    found: dict[str, Any] = {
        "Cluster": row.cluster_arn,
        "TaskARN": row.arn,
        "Family": spec.family,
        "Revision": str(spec.revision),
        "DesiredStatus": row.desired_status,
        "KnownStatus": row.last_status,
        "Limits": {"CPU": spec.cpu_limit and spec.cpu_limit / 1024, "Memory": spec.memory_limit},
        "PullStartedAt": _instant(row.pull_started_at),
        "PullStoppedAt": _instant(row.pull_stopped_at),
        "ExecutionStoppedAt": _instant(row.execution_stopped_at),
        "AvailabilityZone": row.zone,
        "LaunchType": row.launch_type,
        "VPCID": spec.vpc_id,
        "ServiceName": row.service_arn.rpartition("/")[2]
        if row.service_arn and not is_daemon(row.service_arn)
        else None,
        "Containers": [describe_container_metadata(context, row, document) for document in row.containers],
    }
    found["Limits"] = _known(found["Limits"])
    if tags:
        found["TaskTags"] = {item["key"]: item["value"] for item in row.tags}
    return {name: value for name, value in found.items() if value not in (None, {})}


def describe_container_metadata(context: Context, row: TaskRow, document: dict[str, Any]) -> dict[str, Any]:
    """The document of one container."""
    spec = task_spec(context, row)
    ports = [
        {
            "ContainerPort": binding["containerPort"],
            "Protocol": binding["protocol"],
            "HostPort": binding["hostPort"],
            "HostIp": binding["bindIP"],
        }
        for binding in document.get("networkBindings", [])
    ]
    health = document["healthStatus"] if document["healthStatus"] != "UNKNOWN" else None
    found = {
        "DockerId": document.get("runtimeId"),
        "Name": document["name"],
        "DockerName": container_name(spec, document["name"]),
        "Image": document["image"],
        "ImageID": document.get("imageDigest"),
        "Ports": ports or None,
        "Labels": {k: v for k, v in labels("", spec, document["name"]).items() if k.startswith("com.amazonaws.ecs.")},
        "DesiredStatus": row.desired_status,
        "KnownStatus": document["lastStatus"],
        "ExitCode": document.get("exitCode"),
        "Limits": _known({"CPU": int(document["cpu"]), "Memory": int(document.get("memory", 0)) or None}),
        "CreatedAt": _instant(row.created_at),
        "StartedAt": _instant(row.started_at),
        "Type": "NORMAL",
        "ContainerARN": document["containerArn"],
        "Health": {"status": health} if health else None,
        "Networks": [_network(row, document)],
    }
    return _known(found)


def _network(row: TaskRow, document: dict[str, Any]) -> dict[str, Any]:
    details = {item["name"]: item["value"] for attachment in row.attachments for item in attachment["details"]}
    addresses = [interface["privateIpv4Address"] for interface in document["networkInterfaces"]]
    return _known(
        {
            "NetworkMode": row.network_mode,
            "IPv4Addresses": addresses or None,
            "MACAddress": details.get("macAddress"),
            "PrivateDNSName": details.get("privateDnsName"),
        }
    )


def credentials_document(role_arn: str, credentials: RoleCredentials, now: datetime) -> dict[str, str]:
    """What the SDKs read."""
    return {
        "RoleArn": role_arn,
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "Token": credentials.token,
        "Expiration": f"{now + _LIFE:%Y-%m-%dT%H:%M:%SZ}",
    }


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z"

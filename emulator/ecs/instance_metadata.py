"""What programs on an EC2 instance learn of it: the instance metadata service, versions 1 and 2.

The tree has what the neighbour's instance and our host tell; what nothing is known of (public addresses, interfaces) is not in it.
Sources: EC2 user guide, "Instance metadata"; the documents' members are those that AWS's SDKs read.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import orjson
from sqlalchemy import select

from emulator.context import Context
from emulator.neighbours.ports import Instance, RoleCredentials
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from emulator.state.journal import ServerStateRow

LONGEST_TOKEN = 21600
"""Seconds for which a token may be asked for."""
_KEY = "ec2.metadata"
_LIFE = timedelta(hours=6)

Tree = Mapping[str, "Tree | str"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The instance that is asked about."""

    account: str
    region: str
    host: ContainerInstanceRow
    instance: Instance | None
    """None for a host that was added without an EC2 instance."""

    @property
    def tokens_required(self) -> bool:
        """Requests without a token are refused."""
        return self.instance is not None and self.instance.tokens_required

    @property
    def role_arn(self) -> str | None:
        """Of its instance profile."""
        return None if self.instance is None or self.instance.profile is None else self.instance.profile.role_arn


def subject_of(context: Context, task_arn: str) -> Subject | None:
    """The instance on which a task runs; None on Fargate, which has no instance metadata."""
    task = context.session.get(TaskRow, task_arn)
    if task is None or task.container_instance_arn is None:
        return None
    host = context.session.get(ContainerInstanceRow, task.container_instance_arn)
    if host is None:
        return None
    account, region = _owner(context, host)
    instance = context.emulator.neighbours.instance(account, region, host.ec2_instance_id)
    return Subject(account, region, host, instance)


def _owner(context: Context, host: ContainerInstanceRow) -> tuple[str, str]:
    """Hosts of Beanstalk's own clusters are instances of the environment's account."""
    query = select(EnvironmentRow).join(BeanstalkInstanceRow, BeanstalkInstanceRow.environment_id == EnvironmentRow.id)
    environment = context.session.scalar(query.where(BeanstalkInstanceRow.id == host.ec2_instance_id))
    return (host.account, host.region) if environment is None else (environment.account, environment.region)


def tree_of(subject: Subject, now: datetime, credentials: RoleCredentials | None) -> Tree:
    """All of it, below `/latest/`. `credentials`: of the instance profile's role, where it has one."""
    host, instance = subject.host, subject.instance
    data: dict[str, Tree | str] = {
        "hostname": _host_name(subject),
        "instance-id": host.ec2_instance_id,
        "instance-life-cycle": "on-demand",
        "instance-type": host.instance_type,
        "local-hostname": _host_name(subject),
        "local-ipv4": host.private_ip,
        "placement": {"availability-zone": host.zone, "region": subject.region},
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance is not None:
        data["ami-id"] = instance.image_id
    if instance is not None and instance.profile is not None:
        info = {
            "Code": "Success",
            "LastUpdated": _instant(now),
            "InstanceProfileArn": instance.profile.arn,
            "InstanceProfileId": instance.profile.id,
        }
        data["iam"] = {"info": _json(info), **_roles(subject, now, credentials)}
    tree: dict[str, Tree | str] = {
        "dynamic": {"instance-identity": {"document": _json(_identity(subject))}},
        "meta-data": data,
    }
    if instance is not None and instance.user_data:
        tree["user-data"] = instance.user_data
    return tree


def look_up(tree: Tree, path: str) -> str | None:
    """A leaf's text, or the names in a folder, one a line, folders with a slash; None where there is neither."""
    found: Tree | str = tree
    for name in filter(None, path.split("/")):
        if isinstance(found, str) or name not in found:
            return None
        found = found[name]
    if isinstance(found, str):
        return found
    return "\n".join(name if isinstance(value, str) else f"{name}/" for name, value in sorted(found.items()))


def new_token(context: Context, subject: Subject, seconds: int) -> str:
    """A token for this instance that is good for so long; nobody else can make one."""
    until = int((context.now + timedelta(seconds=seconds)).timestamp())
    return f"{until:x}-{_seal(context, subject, until)}"


def is_good(context: Context, subject: Subject, token: str) -> bool:
    """Whether a token was made for this instance and has not expired."""
    until, _, seal = token.partition("-")
    try:
        expires = int(until, 16)
    except ValueError:
        return False
    genuine = hmac.compare_digest(seal.encode(), _seal(context, subject, expires).encode())
    return genuine and context.now.timestamp() < expires


def _seal(context: Context, subject: Subject, until: int) -> str:
    kept = context.session.get(ServerStateRow, _KEY)
    if kept is None:
        kept = ServerStateRow(name=_KEY, value={"key": os.urandom(32).hex()})
        context.session.add(kept)
    text = f"{subject.host.ec2_instance_id}/{until}".encode()
    return hmac.new(bytes.fromhex(kept.value["key"]), text, sha256).hexdigest()


def _roles(subject: Subject, now: datetime, credentials: RoleCredentials | None) -> Tree:
    if subject.role_arn is None or credentials is None:
        return {}
    document = {
        "Code": "Success",
        "LastUpdated": _instant(now),
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "Token": credentials.token,
        "Expiration": _instant(now + _LIFE),
    }
    return {"security-credentials": {subject.role_arn.rpartition("/")[2]: _json(document)}}


def _identity(subject: Subject) -> Mapping[str, str | None]:
    host = subject.host
    return {
        "accountId": subject.account,
        "architecture": host.attributes.get("ecs.cpu-architecture"),
        "availabilityZone": host.zone,
        "imageId": subject.instance.image_id if subject.instance is not None else None,
        "instanceId": host.ec2_instance_id,
        "instanceType": host.instance_type,
        "pendingTime": _instant(host.registered_at),
        "privateIp": host.private_ip,
        "region": subject.region,
        "version": "2017-09-30",
    }


def _host_name(subject: Subject) -> str:
    domain = "ec2.internal" if subject.region == "us-east-1" else f"{subject.region}.compute.internal"
    return f"ip-{subject.host.private_ip.replace('.', '-')}.{domain}"


def _json(document: Mapping[str, str | None]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

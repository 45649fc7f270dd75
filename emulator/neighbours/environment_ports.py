"""What an environment of Elastic Beanstalk needs made in the other services: values only; moto answers.

Everything is found by its name, so that asking again for what is there already makes nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are made."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """How the instances of a group are launched."""

    instance_type: str
    security_groups: tuple[str, ...]
    image_id: str | None = None
    """None: the newest image of the platform's operating system."""
    key_name: str | None = None
    instance_profile: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """An Auto Scaling group."""

    name: str
    minimum: int
    maximum: int
    desired: int
    launch_template: str
    """Its name."""
    subnets: tuple[str, ...]
    cooldown: int = 360


@dataclass(frozen=True, slots=True)
class TargetGroupSpec:
    """A target group; its targets are instances unless told otherwise."""

    name: str
    protocol: str
    port: int
    vpc_id: str
    health_path: str = "/"
    interval: int = 15
    timeout: int = 5
    healthy: int = 3
    unhealthy: int = 5
    codes: str = "200"
    attributes: Mapping[str, str] = field(default_factory=dict)
    target_type: str = "instance"
    health_protocol: str | None = None
    """None: the protocol of its targets."""
    health_port: int | None = None
    """None: the port of each target."""


@dataclass(frozen=True, slots=True)
class BalancerSpec:
    """A load balancer."""

    name: str
    kind: str
    """application or network."""
    internal: bool
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    idle_seconds: int = 60


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule of a listener, before its default one."""

    priority: int
    target_group_arn: str
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenerSpec:
    """A port of a load balancer."""

    balancer_arn: str
    port: int
    protocol: str
    target_group_arn: str
    """To which its default rule forwards."""
    rules: tuple[RuleSpec, ...] = ()
    certificate_arn: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A policy of a group, and the alarm that has it carried out."""

    policy: str
    """Its name."""
    alarm: str
    """Its name."""
    group: str
    increment: int
    cooldown: int
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    unit: str
    period: int
    """Seconds."""
    periods: int
    threshold: float
    comparison: str


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A scheduled action of a group; what is None stays as it is."""

    name: str
    minimum: int | None
    maximum: int | None
    desired: int | None
    start: str | None
    """ISO 8601."""
    end: str | None
    recurrence: str | None
    """Five fields, UTC."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """An Auto Scaling group as it is."""

    minimum: int
    maximum: int
    desired: int
    launch_template: str
    """Its name."""
    instance_ids: tuple[str, ...]
    leaving: tuple[str, ...] = ()
    """Those of them that the group does not count any more: they are to drain, and then to be ended."""


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue with the queue that takes what was received too often."""

    name: str
    dead_letter_name: str
    visibility_timeout: int
    """Seconds for which a message that was received is hidden."""
    retention: int
    """Seconds for which a message is kept."""
    max_receives: int
    """After so many the message goes to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Things of an environment that have tags. What is not there any more does not matter."""

    groups: tuple[str, ...]
    """Names of Auto Scaling groups; their instances are meant, too."""
    ids: tuple[str, ...]
    """Of EC2: security groups, launch templates."""
    addresses: tuple[str, ...]
    """Elastic addresses."""
    arns: tuple[str, ...]
    """Of load balancers, listeners, target groups."""
    queues: tuple[str, ...]
    """Names."""


@dataclass(frozen=True, slots=True)
class TagsChange:
    """Tags to have, and keys to have no more; others stay as they are."""

    tags: Tags
    removed: tuple[str, ...]


class EnvironmentResources(Protocol):
    """Sync and in process; called on the event-loop thread, outside transactions."""

    def keep(self) -> None:
        """Return once all that was changed outlives this process: call it before a row tells of it."""

    def change_tags(self, place: Place, tagged: Tagged, change: TagsChange) -> None:
        """Other tags for what is there; instances that groups launch later get them, too."""

    def network(self, place: Place, vpc_id: str | None, subnets: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """The VPC and the subnets to use: those named, else the default ones.

        Raises:
            SubnetNotFoundError: one does not exist.

        """

    def security_group(self, place: Place, name: str, description: str, vpc_id: str, tags: Tags) -> str:
        """The id of the security group called so, open at port 80."""

    def delete_security_group(self, place: Place, group_id: str) -> None:
        """Remove it where nothing holds it; what others hold on to stays."""

    def launch_template(self, place: Place, name: str, spec: LaunchSpec, tags: Tags) -> str:
        """The id of the launch template called so."""

    def delete_launch_template(self, place: Place, name: str) -> None:
        """Remove it."""

    def group(self, place: Place, name: str) -> GroupState | None:
        """The Auto Scaling group called so."""

    def create_group(self, place: Place, spec: GroupSpec, tags: Tags) -> str:
        """The ARN of the group called so; its instances are launched. Those that leave it later wait for `end_instances`."""

    def change_group(
        self, place: Place, name: str, minimum: int | None, maximum: int | None, desired: int | None
    ) -> None:
        """Other bounds or another size."""

    def empty_group(self, place: Place, name: str) -> None:
        """Have the group end all its instances at once, and launch none."""

    def launch_with(self, place: Place, name: str, launch_template: str) -> None:
        """From now on the group launches with this template."""

    def move(self, place: Place, source: str, target: str, instance_ids: Sequence[str]) -> None:
        """Detach instances from one group and attach them to another; both desired capacities follow."""

    def end_instances(self, place: Place, group: str, instance_ids: Sequence[str], *, replaced: bool) -> None:
        """Terminate instances of a group; the group launches others in their place where `replaced`."""

    def delete_group(self, place: Place, name: str) -> None:
        """Terminate the group's instances and remove it."""

    def trigger(self, place: Place, spec: TriggerSpec) -> str:
        """The ARN of a scaling policy and its alarm."""

    def schedule(self, place: Place, group: str, specs: Sequence[ScheduleSpec], gone: Sequence[str]) -> None:
        """Have the group's scheduled actions be so; those of the names in `gone` are removed."""

    def delete_trigger(self, place: Place, policy: str, alarm: str) -> None:
        """Remove both."""

    def allocate_address(self, place: Place, tags: Tags) -> str:
        """An elastic address with these tags; the same one where there is one already."""

    def associate_address(self, place: Place, address: str, instance_id: str) -> None:
        """The address is the instance's."""

    def release_address(self, place: Place, address: str) -> None:
        """Give it back."""

    def target_group(self, place: Place, spec: TargetGroupSpec, tags: Tags) -> str:
        """The ARN of the target group called so, as `spec` has it."""

    def balancer(self, place: Place, spec: BalancerSpec, tags: Tags) -> tuple[str, str]:
        """ARN and DNS name of the load balancer called so."""

    def listener(self, place: Place, spec: ListenerSpec, tags: Tags) -> str:
        """The ARN of the load balancer's listener at the port, with these rules and no others."""

    def delete_listener(self, place: Place, arn: str) -> None:
        """Remove it."""

    def delete_balancer(self, place: Place, arn: str) -> None:
        """Remove it with its listeners."""

    def delete_target_group(self, place: Place, arn: str) -> None:
        """Remove it."""

    def instance_profile_role(self, place: Place, profile: str) -> str | None:
        """The ARN of an instance profile's role, by the profile's name or ARN; None where there is no such profile.

        A profile without a role answers with an empty text.
        """

    def role_arn(self, place: Place, role: str) -> str | None:
        """The ARN of a role, by its name, path and name, or ARN.

        None where there is none, or (IAM enforced) where it does not trust Elastic Beanstalk.
        """

    def ensure_queues(self, place: Place, spec: QueueSpec, tags: Tags) -> None:
        """Make both queues where they are not there; have the first one's attributes as `spec` says."""

    def delete_queue(self, place: Place, name: str) -> None:
        """Remove a queue; one that is not there is no error."""

    def keep_logs(self, place: Place, prefix: str, days: int) -> None:
        """The log groups whose names begin so keep what is in them for so many days."""

    def delete_logs(self, place: Place, prefix: str) -> None:
        """Remove the log groups whose names begin so."""

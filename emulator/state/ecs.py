"""Tables of ECS. Counts are never stored: they are queried from the task rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


def _index_where_set(first: str, *others: str) -> Index:
    """An index of those rows only in which `first` is set: others then cost nothing when they are written.

    `schema.create` has PostgreSQL do the same: told here, SQLAlchemy would import that dialect at every start.
    """
    return Index(None, first, *others, sqlite_where=text(f"{first} IS NOT NULL"))


class ClusterRow(Base):
    """A cluster; kept with status INACTIVE after DeleteCluster."""

    __tablename__ = "ecs_cluster"
    __table_args__ = (Index(None, "account", "region", "name", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
    configuration: Mapped[dict[str, Any] | None]
    settings: Mapped[list[dict[str, Any]]]
    capacity_providers: Mapped[list[str]]
    default_strategy: Mapped[list[dict[str, Any]]]
    service_connect_defaults: Mapped[dict[str, Any] | None]
    tags: Mapped[list[dict[str, Any]]]


class FamilyRow(Base):
    """The highest revision that a family ever had: revisions are never reused, even after deletion."""

    __tablename__ = "ecs_family"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(primary_key=True)
    last_revision: Mapped[int]


def family_key(account: str, region: str, family: str) -> str:
    """The memo key of a task definition family."""
    return f"{account}/{region}/{family}"


class TaskDefinitionRow(Base):
    """One revision of a family."""

    __tablename__ = "ecs_task_definition"
    __table_args__ = (Index(None, "account", "region", "family", "revision", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    family: Mapped[str]
    revision: Mapped[int]
    status: Mapped[str]
    body: Mapped[dict[str, Any]]
    """What DescribeTaskDefinition shows, less status and instants."""
    registered_at: Mapped[datetime]
    deregistered_at: Mapped[datetime | None]
    delete_requested_at: Mapped[datetime | None]
    tags: Mapped[list[dict[str, Any]]]

    def memo_keys(self) -> tuple[str, ...]:
        return (family_key(self.account, self.region, self.family),)


class ContainerInstanceRow(Base):
    """A simulated host."""

    __tablename__ = "ecs_container_instance"
    __table_args__ = (Index(None, "cluster_arn", "status"), Index(None, "ec2_instance_id"))

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    cluster_arn: Mapped[str]
    ec2_instance_id: Mapped[str]
    instance_type: Mapped[str]
    zone: Mapped[str]
    address: Mapped[str] = mapped_column(unique=True)
    """The loopback address of this machine on which the host's ports are published (`127.x.y.z`)."""
    private_ip: Mapped[str]
    """The address that the host has inside its VPC, as EC2 shows it."""
    status: Mapped[str]
    status_reason: Mapped[str | None]
    agent_connected: Mapped[bool]
    cpu: Mapped[int]
    """Registered CPU units, 1024 for each vCPU."""
    memory: Mapped[int]
    """Registered MiB."""
    reserved_tcp_ports: Mapped[list[Any]]
    reserved_udp_ports: Mapped[list[Any]]
    gpus: Mapped[list[str]]
    eni_slots: Mapped[int]
    """How many awsvpc tasks the host takes: its network interfaces less the primary one."""
    attributes: Mapped[dict[str, str | None]]
    version_info: Mapped[dict[str, Any]]
    capacity_provider: Mapped[str | None]
    origin: Mapped[str]
    """Who added it: `ec2` (an instance of the neighbour), `hosts` (the ashore command), `api` (RegisterContainerInstance)."""
    registered_at: Mapped[datetime]
    deregistered_at: Mapped[datetime | None]
    version: Mapped[int]
    tags: Mapped[list[dict[str, Any]]]


class TaskRow(Base):
    """A task: what is wanted (`desired_status`) and what is known (`last_status`, `containers`)."""

    __tablename__ = "ecs_task"
    __table_args__ = (
        Index(None, "cluster_arn", "desired_status", "arn"),
        _index_where_set("service_arn", "last_status", "desired_status"),
        Index(None, "container_instance_arn", "desired_status"),
        Index(None, "cluster_arn", "family"),
        _index_where_set("started_by", "cluster_arn"),
        _index_where_set("client_token", "cluster_arn"),
        _index_where_set("stopped_at", "last_status"),
        _index_where_set("capacity_provider", "cluster_arn", "last_status"),
    )

    arn: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    account: Mapped[str]
    region: Mapped[str]
    cluster_arn: Mapped[str]
    container_instance_arn: Mapped[str | None]
    service_arn: Mapped[str | None]
    deployment_id: Mapped[str | None]
    """`ecs-svc/…` of the deployment that started it."""
    group: Mapped[str]
    started_by: Mapped[str | None]
    family: Mapped[str]
    task_definition_arn: Mapped[str]
    launch_type: Mapped[str]
    capacity_provider: Mapped[str | None]
    platform_version: Mapped[str | None]
    network_mode: Mapped[str]
    network_configuration: Mapped[dict[str, Any] | None]
    cpu: Mapped[str]
    """CPU units as DescribeTasks shows them."""
    memory: Mapped[str]
    zone: Mapped[str]
    demand: Mapped[dict[str, Any]]
    """What the scheduler holds for it on its host: the members of `scheduler.model.Demand`."""
    overrides: Mapped[dict[str, Any]]
    containers: Mapped[list[dict[str, Any]]]
    """One document a container: see `emulator.ecs.task_documents.ContainerDocument`."""
    attachments: Mapped[list[dict[str, Any]]]
    attributes: Mapped[list[dict[str, Any]]]
    tags: Mapped[list[dict[str, Any]]]
    enable_execute_command: Mapped[bool]
    client_token: Mapped[str | None]
    request_digest: Mapped[str | None]
    """A hash of the RunTask request, to tell a retry from another request under the same token."""
    last_status: Mapped[str]
    desired_status: Mapped[str]
    health_status: Mapped[str]
    connectivity: Mapped[str | None]
    stop_code: Mapped[str | None]
    stopped_reason: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    connectivity_at: Mapped[datetime | None]
    pull_started_at: Mapped[datetime | None]
    pull_stopped_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    stopping_at: Mapped[datetime | None]
    execution_stopped_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    protected_until: Mapped[datetime | None]
    """Until when it is protected from scale-in; kept after that instant, when it means nothing."""
    targets: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    """Where load balancers reach it: see `emulator.ecs.task_targets.TargetDocument`."""
    ephemeral_storage: Mapped[int | None]
    """GiB of a Fargate task; None where nobody asked for a size."""


class ServiceRow(Base):
    """A service; kept with status INACTIVE after its last task has stopped."""

    __tablename__ = "ecs_service"
    __table_args__ = (Index(None, "cluster_arn", "status", "name"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    cluster_arn: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    desired_count: Mapped[int]
    task_definition_arn: Mapped[str]
    launch_type: Mapped[str]
    scheduling_strategy: Mapped[str]
    body: Mapped[dict[str, Any]]
    """The members that DescribeServices shows and that only requests change (deploymentConfiguration, placementStrategy …)."""
    client_token: Mapped[str | None]
    request_digest: Mapped[str]
    """A hash of the CreateService request, to tell a retry from another request for the same name."""
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    stopped_at: Mapped[datetime | None]
    unhealthy_streak: Mapped[int]
    """How many tasks in a row stopped before RUNNING: paces the next start (throttling)."""
    start_not_before: Mapped[datetime | None]
    steady: Mapped[bool]
    """Whether the steady-state event has been told since the last change."""
    tags: Mapped[list[dict[str, Any]]]

    def memo_keys(self) -> tuple[str, ...]:
        return (self.arn,)


class DeploymentRow(Base):
    """A deployment of a service (`ecs-svc/…`)."""

    __tablename__ = "ecs_deployment"
    __table_args__ = (Index(None, "service_arn", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    service_arn: Mapped[str]
    status: Mapped[str]
    """PRIMARY, ACTIVE or INACTIVE."""
    desired_count: Mapped[int]
    task_definition_arn: Mapped[str]
    body: Mapped[dict[str, Any]]
    """launchType, networkConfiguration, platformVersion … as the deployment shows them."""
    rollout_state: Mapped[str]
    rollout_state_reason: Mapped[str]
    failed_tasks: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ServiceRevisionRow(Base):
    """What a deployment deploys, as the service was when it began; never changed but for the digests of its images."""

    __tablename__ = "ecs_service_revision"
    __table_args__ = (Index(None, "service_arn"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    service_arn: Mapped[str]
    deployment_id: Mapped[str]
    """`ecs-svc/…`: the same digits as in the ARN."""
    body: Mapped[dict[str, Any]]
    """What DescribeServiceRevisions shows, less ARNs and instant."""
    created_at: Mapped[datetime]


class ServiceDeploymentRow(Base):
    """The way from a service's revisions to another one: what DescribeServiceDeployments shows."""

    __tablename__ = "ecs_service_deployment"
    __table_args__ = (Index(None, "service_arn", "sequence"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    service_arn: Mapped[str]
    cluster_arn: Mapped[str]
    sequence: Mapped[int]
    """1 for the service's first one."""
    deployment_id: Mapped[str]
    """`ecs-svc/…` of the revision that is deployed."""
    status: Mapped[str]
    status_reason: Mapped[str | None]
    stage: Mapped[str | None]
    """`lifecycleStage` of a deployment that shifts traffic."""
    source_ids: Mapped[list[str]]
    """`ecs-svc/…` of the revisions that had tasks when it began."""
    configuration: Mapped[dict[str, Any]]
    """The service's deploymentConfiguration when it began."""
    breaker: Mapped[dict[str, Any]]
    """What the circuit breaker has counted: see `emulator.ecs.breaker`."""
    alarms: Mapped[dict[str, Any]]
    """What is known of the alarms that are watched: see `emulator.ecs.deployment_alarms`."""
    progress: Mapped[dict[str, Any]]
    """How far the shift of traffic has come: see `emulator.ecs.traffic`."""
    rollback: Mapped[dict[str, Any] | None]
    """Reason, instant and deployment id of the revision that is gone back to."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class TaskSetRow(Base):
    """A set of tasks of a service whose deployments another controller carries out."""

    __tablename__ = "ecs_task_set"
    __table_args__ = (Index(None, "service_arn", "status"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """`ecs-svc/…`; its tasks bear it as their deployment."""
    arn: Mapped[str]
    service_arn: Mapped[str]
    cluster_arn: Mapped[str]
    status: Mapped[str]
    """PRIMARY, ACTIVE or DRAINING."""
    task_definition_arn: Mapped[str]
    scale: Mapped[float]
    """Percent of the service's desired count."""
    body: Mapped[dict[str, Any]]
    """The members that only its creation gives (externalId, launchType, networkConfiguration, loadBalancers …)."""
    stability: Mapped[str]
    """STEADY_STATE or STABILIZING."""
    stability_at: Mapped[datetime]
    client_token: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class ServiceEventRow(Base):
    """One line of a service's events."""

    __tablename__ = "ecs_service_event"
    __table_args__ = (Index(None, "service_arn", "sequence"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    service_arn: Mapped[str]
    sequence: Mapped[int]
    created_at: Mapped[datetime]
    message: Mapped[str]


class AccountSettingRow(Base):
    """A setting of a principal; the root ARN holds the account's default."""

    __tablename__ = "ecs_account_setting"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    principal_arn: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]

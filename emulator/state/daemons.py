"""Tables of ECS's daemons: their own task definitions, what they are, and how they are rolled out."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class DaemonTaskDefinitionRow(Base):
    """One revision of a family of daemon task definitions; kept with status DELETED, so that no number comes twice."""

    __tablename__ = "ecs_daemon_task_definition"
    __table_args__ = (Index(None, "account", "region", "family", "revision", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    family: Mapped[str]
    revision: Mapped[int]
    status: Mapped[str]
    """ACTIVE, DELETE_IN_PROGRESS or DELETED."""
    shown: Mapped[dict[str, Any]]
    """What DescribeDaemonTaskDefinition shows, less ARN, status and instants."""
    body: Mapped[dict[str, Any]]
    """The same as a task definition: what its tasks are started from."""
    registered_at: Mapped[datetime]
    delete_requested_at: Mapped[datetime | None]
    tags: Mapped[list[dict[str, Any]]]


class DaemonRow(Base):
    """A daemon; gone once its last task has stopped after DeleteDaemon."""

    __tablename__ = "ecs_daemon"
    __table_args__ = (Index(None, "cluster_arn"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    cluster_arn: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    """ACTIVE or DELETE_IN_PROGRESS."""
    revision_arn: Mapped[str]
    """What its tasks are to be of."""
    deployment_arn: Mapped[str]
    """The newest deployment."""
    halted: Mapped[bool]
    """Its deployment failed and there was nothing to go back to: no task is started until the next one."""
    failures: Mapped[dict[str, Any]]
    """Which failed tasks have been counted, and how they hold back starts: see `emulator.ecs.daemon_failures`."""
    client_token: Mapped[str | None]
    request_digest: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class DaemonRevisionRow(Base):
    """What a daemon was when a deployment began; never changed but for the digests of its images."""

    __tablename__ = "ecs_daemon_revision"
    __table_args__ = (Index(None, "daemon_arn"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    daemon_arn: Mapped[str]
    cluster_arn: Mapped[str]
    body: Mapped[dict[str, Any]]
    """What DescribeDaemonRevisions shows, less ARNs and instant; and `capacityProviderArns`."""
    created_at: Mapped[datetime]


class DaemonDeploymentRow(Base):
    """The way from a daemon's revisions to another one."""

    __tablename__ = "ecs_daemon_deployment"
    __table_args__ = (Index(None, "daemon_arn", "sequence"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    daemon_arn: Mapped[str]
    cluster_arn: Mapped[str]
    sequence: Mapped[int]
    """1 for the daemon's first one."""
    revision_arn: Mapped[str]
    source_arns: Mapped[list[str]]
    """The revisions that had tasks when it began."""
    last_good_arn: Mapped[str | None]
    """The revision of the last successful deployment: what a rollback goes to."""
    status: Mapped[str]
    status_reason: Mapped[str | None]
    configuration: Mapped[dict[str, Any]]
    failed_tasks: Mapped[int]
    alarms: Mapped[dict[str, Any]]
    """`before` (in ALARM when it began) and `triggered`."""
    rollback: Mapped[dict[str, Any] | None]
    """As DescribeDaemonDeployments shows it; `startedAt` is an ISO instant here."""
    steady_at: Mapped[datetime | None]
    """Since when every host has its healthy task: the bake time counts from here."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

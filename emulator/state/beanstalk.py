"""Tables of Elastic Beanstalk."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class ApplicationRow(Base):
    """An application."""

    __tablename__ = "beanstalk_application"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    lifecycle: Mapped[dict[str, Any] | None]
    """ResourceLifecycleConfig as it was given, defaults filled in."""
    deletion: Mapped[str | None]
    """The request that deletes it together with its environments, which end first."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class ApplicationVersionRow(Base):
    """A version of an application."""

    __tablename__ = "beanstalk_application_version"
    __table_args__ = (Index(None, "account", "region", "created_at"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    application: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    bucket: Mapped[str | None]
    """Where the source bundle is; None while a build has not made it yet."""
    key: Mapped[str | None]
    build: Mapped[dict[str, Any] | None]
    """SourceBuildInformation, BuildConfiguration, BuildArn."""
    status: Mapped[str]
    """UNPROCESSED, PROCESSING, PROCESSED, FAILED or BUILDING, as on the wire."""
    manifest: Mapped[dict[str, Any] | None]
    """Its env.yaml, read when it was processed: see `emulator.beanstalk.bundles.manifests`."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class ConfigurationTemplateRow(Base):
    """A saved configuration."""

    __tablename__ = "beanstalk_configuration_template"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    application: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    platform_arn: Mapped[str]
    tier: Mapped[dict[str, Any]]
    settings: Mapped[list[dict[str, Any]]]
    """Namespace, OptionName, Value, ResourceName: what was set, not the defaults."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class EnvironmentRow(Base):
    """An environment; kept with status Terminated for six weeks."""

    __tablename__ = "beanstalk_environment"
    __table_args__ = (
        Index(None, "account", "region", "name"),
        Index(None, "account", "region", "application"),
        Index(None, "cname"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """`e-` and ten characters."""
    account: Mapped[str]
    region: Mapped[str]
    application: Mapped[str]
    name: Mapped[str]
    group_name: Mapped[str | None]
    description: Mapped[str | None]
    tier: Mapped[dict[str, Any]]
    """Name, Type, Version."""
    platform_arn: Mapped[str]
    status: Mapped[str]
    abortable: Mapped[bool]
    version_label: Mapped[str | None]
    """The version that the environment shows; changed when a deployment has succeeded."""
    cname: Mapped[str | None]
    endpoint_url: Mapped[str | None]
    settings: Mapped[list[dict[str, Any]]]
    """Set directly or by a saved configuration, the former having won: Namespace, OptionName, Value, ResourceName."""
    bundle_settings: Mapped[list[dict[str, Any]]]
    """Of the `.ebextensions` of the deployed version."""
    draft: Mapped[dict[str, Any] | None]
    """While an update goes on, or after it failed: `status` (pending, failed), settings, bundle_settings, platform_arn."""
    links: Mapped[list[dict[str, Any]]]
    operations_role: Mapped[str | None]
    operation: Mapped[dict[str, Any] | None]
    """What is being done, whole: see `emulator.beanstalk.operation_documents`. None: the environment is at rest."""
    deployment: Mapped[int]
    """Number of the last deployment that succeeded; DeploymentId."""
    next_deployment: Mapped[int]
    generation: Mapped[int]
    """Of the launch settings; instances of an older one are to be replaced."""
    resources: Mapped[dict[str, Any]]
    """Names and ids of what was made for it."""
    health: Mapped[dict[str, Any]]
    """The last judgement: see `emulator.beanstalk.health_documents`."""
    last_event_at: Mapped[datetime | None]
    """No two events of an environment have the same instant."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    terminated_at: Mapped[datetime | None]
    tags: Mapped[list[dict[str, Any]]]


class BeanstalkInstanceRow(Base):
    """An EC2 instance of an environment."""

    __tablename__ = "beanstalk_instance"
    __table_args__ = (Index(None, "environment_id", "terminated_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """EC2's id."""
    environment_id: Mapped[str]
    host_arn: Mapped[str]
    """Its container instance."""
    fleet: Mapped[str]
    generation: Mapped[int]
    launched_at: Mapped[datetime]
    terminated_at: Mapped[datetime | None]
    leaving: Mapped[bool]
    replaced: Mapped[bool]
    """While it leaves: its group launches another in its place."""
    deployment: Mapped[int]
    """The deployment that it was told to carry out last."""
    command: Mapped[str]
    command_since: Mapped[datetime | None]
    command_ended: Mapped[datetime | None]
    output: Mapped[str]
    version_label: Mapped[str | None]
    """The version that runs on it."""
    task_arn: Mapped[str | None]
    """The task that is, or is to become, the application on it."""
    port: Mapped[int | None]
    """The port of the host's address at which the application itself answers, behind the instance's proxy."""
    healthy_checks: Mapped[int]
    failed_checks: Mapped[int]
    health: Mapped[dict[str, Any]]


class DeploymentRow(Base):
    """What the instances of an environment are told under one number: a version with settings, or the same again."""

    __tablename__ = "beanstalk_deployment"

    environment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    version_label: Mapped[str | None]
    """None: the sample application."""
    bucket: Mapped[str | None]
    key: Mapped[str | None]
    platform_arn: Mapped[str]
    settings: Mapped[list[dict[str, Any]]]
    """Option settings as they are in effect, defaults left out."""
    status: Mapped[str]
    """Reading, Preparing, Prepared or Failed (also when its update was aborted before)."""
    failure: Mapped[str | None]
    """Why it cannot be carried out, as an event tells it."""
    task_definition_arn: Mapped[str | None]
    port: Mapped[int | None]
    """The container's port to which the instance's proxy passes requests; None: there is no proxy."""
    outcome: Mapped[dict[str, Any]]
    """What preparing it found: see `emulator.beanstalk.preparing`."""
    created_at: Mapped[datetime]


class PeriodicTasksRow(Base):
    """Who puts the periodic tasks of a worker environment into its queue, and how far it has come."""

    __tablename__ = "beanstalk_periodic_tasks"

    environment_id: Mapped[str] = mapped_column(primary_key=True)
    leader: Mapped[str | None]
    """An instance; None: none can do it now."""
    deployment: Mapped[int]
    """The leader's, whose `cron.yaml` holds."""
    looked_at: Mapped[datetime]
    """All that had fallen due until then is in the queue."""


class EventRow(Base):
    """An event, as DescribeEvents shows it."""

    __tablename__ = "beanstalk_event"
    __table_args__ = (
        Index(None, "account", "region", "at"),
        Index(None, "request_id"),
        Index(None, "account", "region", "environment", "at"),
        Index(None, "account", "region", "application", "at"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    account: Mapped[str]
    region: Mapped[str]
    at: Mapped[datetime]
    """Milliseconds; later than every event of the same environment before it."""
    message: Mapped[str]
    severity: Mapped[str]
    application: Mapped[str | None]
    version_label: Mapped[str | None]
    template: Mapped[str | None]
    environment: Mapped[str | None]
    environment_id: Mapped[str | None]
    platform_arn: Mapped[str | None]
    request_id: Mapped[str | None]


class PlatformVersionRow(Base):
    """A custom platform version."""

    __tablename__ = "beanstalk_platform_version"

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    version: Mapped[str]
    status: Mapped[str]
    bucket: Mapped[str]
    key: Mapped[str]
    description: Mapped[dict[str, Any]]
    """What platform.yaml told: maintainer, operating system, languages …"""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class ManagedActionRow(Base):
    """A managed action: scheduled, running, or of the history."""

    __tablename__ = "beanstalk_managed_action"
    __table_args__ = (Index(None, "environment_id", "status"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    environment_id: Mapped[str]
    kind: Mapped[str]
    """PlatformUpdate or InstanceRefresh."""
    description: Mapped[str]
    platform_arn: Mapped[str | None]
    """To which it updates."""
    status: Mapped[str]
    window_start: Mapped[datetime]
    executed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure_type: Mapped[str | None]
    failure: Mapped[str | None]


class EnvironmentInfoRow(Base):
    """Logs that were pulled from an instance; gone after fifteen minutes."""

    __tablename__ = "beanstalk_environment_info"
    __table_args__ = (Index(None, "environment_id", "kind"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    environment_id: Mapped[str]
    instance_id: Mapped[str]
    kind: Mapped[str]
    bucket: Mapped[str]
    key: Mapped[str]
    """Empty while they are still to be pulled."""
    request_id: Mapped[str] = mapped_column(server_default="")
    """Of the request that asked for them."""
    at: Mapped[datetime]

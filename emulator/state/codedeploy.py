"""Tables of CodeDeploy: applications, deployment groups, deployment configurations, deployments."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class ApplicationRow(Base):
    """An application: a name under which deployment groups stand."""

    __tablename__ = "codedeploy_application"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    platform: Mapped[str]
    """Server, Lambda or ECS."""
    created_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class DeploymentGroupRow(Base):
    """A deployment group: what is deployed to, and how."""

    __tablename__ = "codedeploy_deployment_group"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    application: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    body: Mapped[dict[str, Any]]
    """What GetDeploymentGroup shows, less names, id and deployments."""
    tags: Mapped[list[dict[str, Any]]]


class DeploymentConfigRow(Base):
    """A deployment configuration that somebody made; CodeDeploy's own are not rows."""

    __tablename__ = "codedeploy_deployment_config"

    account: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class CodeDeploymentRow(Base):
    """A deployment of CodeDeploy to an ECS service."""

    __tablename__ = "codedeploy_deployment"
    __table_args__ = (
        Index(None, "account", "region", "application", "group_name", "sequence"),
        Index(None, "service_arn", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """`d-` and nine capital letters or digits."""
    account: Mapped[str]
    region: Mapped[str]
    application: Mapped[str]
    group_name: Mapped[str]
    sequence: Mapped[int]
    """1 for the first one of its account and region."""
    service_arn: Mapped[str]
    """The ECS service that the group names."""
    status: Mapped[str]
    """Created, InProgress, Ready, Succeeded, Failed or Stopped."""
    body: Mapped[dict[str, Any]]
    """What was asked, as it was when the deployment began: see `emulator.codedeploy.deployments`."""
    progress: Mapped[dict[str, Any]]
    """How far it has come: see `emulator.codedeploy.progress`."""
    error: Mapped[dict[str, Any] | None]
    """`errorInformation`."""
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

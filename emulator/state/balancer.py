"""Tables of the load balancers' data plane. Load balancers, listeners, rules and target groups themselves are the neighbour's."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class TargetRow(Base):
    """A registered target; kept while it drains."""

    __tablename__ = "elb_target"
    __table_args__ = (Index(None, "account", "region"),)

    target_group_arn: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[str] = mapped_column(primary_key=True)
    port: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    zone: Mapped[str]
    revision: Mapped[str]
    simulated: Mapped[bool]
    origin: Mapped[str]
    """`api` (RegisterTargets, services) or `group` (Auto Scaling, CloudFormation: follows the neighbour's own list)."""
    state: Mapped[str]
    reason: Mapped[str | None]
    description: Mapped[str | None]
    registered_at: Mapped[datetime]
    healthy_since: Mapped[datetime | None]
    """When it last became healthy: slow start counts from here."""
    draining_until: Mapped[datetime | None]
    drained: Mapped[bool]
    """Draining, and nothing is under way any more."""


class ListenerPortRow(Base):
    """The port that a listener really has, so that it is the same after a restart."""

    __tablename__ = "elb_listener_port"

    listener_arn: Mapped[str] = mapped_column(primary_key=True)
    port: Mapped[int]
    since: Mapped[datetime]
    """Who shares a port is served in this order."""

"""Tables of managed ingress: the shared load balancers and routes that ECS itself makes, and Express services.

Load balancers, listeners, rules and target groups are the neighbour's; here stands what is wanted, and what was made of it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from emulator.state.base import Base


class IngressBalancerRow(Base):
    """A load balancer that several services share; gone with its last route."""

    __tablename__ = "ecs_ingress_balancer"
    __table_args__ = (Index(None, "account", "region", "owner"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Eight hexadecimal digits, from which its name is made."""
    account: Mapped[str]
    region: Mapped[str]
    owner: Mapped[str]
    """`express`, or the ARN of a gateway."""
    vpc_id: Mapped[str]
    public: Mapped[bool]
    subnets: Mapped[list[str]]
    zones: Mapped[list[str]]
    resources: Mapped[dict[str, str]]
    """`arn`, `dns_name`, `listener`, `security_group`: as far as they have been made."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class IngressRouteRow(Base):
    """The way from a load balancer to a service: a host name, a rule, two target groups."""

    __tablename__ = "ecs_ingress_route"
    __table_args__ = (Index(None, "service_arn"), Index(None, "balancer_id"), Index(None, "owner"))

    arn: Mapped[str] = mapped_column(primary_key=True)
    """A gateway route's ARN; of an Express service one of the same form."""
    account: Mapped[str]
    region: Mapped[str]
    owner: Mapped[str]
    service_arn: Mapped[str]
    cluster_arn: Mapped[str]
    balancer_id: Mapped[str]
    host: Mapped[str]
    status: Mapped[str]
    """CREATE_IN_PROGRESS, ACTIVE, UPDATE_IN_PROGRESS, DELETE_IN_PROGRESS."""
    wanted: Mapped[dict[str, Any]]
    """See `emulator.ecs.ingress_facts.RouteFacts`."""
    resources: Mapped[dict[str, str]]
    """`certificate`, `target_group`, `alternate`, `rule`, `test_rule`, `service_security_group`: as far as made."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ExpressServiceRow(Base):
    """What an Express service wants beside its row in `ecs_service`; kept with status INACTIVE."""

    __tablename__ = "ecs_express_service"

    arn: Mapped[str] = mapped_column(primary_key=True)
    """The service's."""
    account: Mapped[str]
    region: Mapped[str]
    status: Mapped[str]
    """ACTIVE, DRAINING or INACTIVE."""
    infrastructure_role_arn: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    """The newest configuration, as `activeConfigurations` shows one."""
    task_definition_arn: Mapped[str]
    """Of the newest configuration."""
    resources: Mapped[dict[str, Any]]
    """`log_group` and `scaling` (names and bounds of what was made)."""
    request_digest: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ExpressConfigurationRow(Base):
    """The configuration that a service revision of an Express service was made of."""

    __tablename__ = "ecs_express_configuration"
    __table_args__ = (Index(None, "service_arn"),)

    revision_arn: Mapped[str] = mapped_column(primary_key=True)
    service_arn: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class GatewayRow(Base):
    """A gateway: what the load balancers of its routes are to be like."""

    __tablename__ = "ecs_gateway"
    __table_args__ = (Index(None, "account", "region", "name", unique=True),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    """ACTIVE, UPDATE_IN_PROGRESS or UPDATE_COMPLETE."""
    infrastructure_role_arn: Mapped[str]
    deletion_protection: Mapped[bool]
    propagate_tags: Mapped[str]
    configuration: Mapped[dict[str, Any]]
    """`hostSharedAlb` as DescribeGateway shows it, less the number of load balancers."""
    client_token: Mapped[str | None]
    request_digest: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tags: Mapped[list[dict[str, Any]]]


class GatewayAssociationRow(Base):
    """A gateway that services of a cluster may use."""

    __tablename__ = "ecs_gateway_association"
    __table_args__ = (Index(None, "cluster_arn"),)

    gateway_arn: Mapped[str] = mapped_column(primary_key=True)
    cluster_arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    status: Mapped[str]
    """ACTIVE, or DISASSOCIATING until the cluster's last route has gone."""
    created_at: Mapped[datetime]

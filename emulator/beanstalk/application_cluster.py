"""Where an environment's tasks are: in a cluster of its user's on the ECS platform, else in an account that nobody can name.

On the other platforms AWS runs no ECS, so the user's ECS shows nothing of them (docs/decisions/0016).
"""

from dataclasses import replace

from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.platforms import trait_of
from emulator.context import Context
from emulator.ecs.clusters import create_cluster, find_cluster
from emulator.state.beanstalk import EnvironmentRow
from emulator.state.ecs import ClusterRow

HIDDEN = "elasticbeanstalk"
"""An account that no access key stands for."""


def runs_on_ecs(platform_arn: str) -> bool:
    """Whether the platform is the ECS-managed one."""
    return trait_of(platform_arn) is Trait.ECS


def ecs_context(context: Context, row: EnvironmentRow) -> Context:
    """The same transaction, on behalf of the account that has the environment's tasks."""
    account = row.account if runs_on_ecs(row.platform_arn) else HIDDEN
    return replace(context, account=account, region=row.region, principal=f"arn:aws:iam::{account}:root")


def cluster_of(context: Context, row: EnvironmentRow) -> ClusterRow:
    """The environment's cluster, made where it is missing."""
    ecs = ecs_context(context, row)
    name = f"awseb-{row.name}-{row.id.removeprefix('e-')}"
    found = context.session.get(ClusterRow, ecs.arn("ecs", f"cluster/{name}"))
    if found is None or found.status != "ACTIVE":
        create_cluster(ecs, {"clusterName": name})
    return find_cluster(ecs, name)


def remove_cluster(context: Context, row: EnvironmentRow) -> None:
    """The cluster of an environment whose instances are gone; its stopped tasks stay for their hour."""
    ecs = ecs_context(context, row)
    arn = ecs.arn("ecs", f"cluster/awseb-{row.name}-{row.id.removeprefix('e-')}")
    found = context.session.get(ClusterRow, arn)
    if found is not None:
        found.status = "INACTIVE"

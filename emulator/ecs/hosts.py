"""Hosts that people ask for directly: `ashore hosts add` and the demo preset."""

from collections.abc import Mapping, Sequence

from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster, find_cluster
from emulator.ecs.container_instances import HostSpec, add_host
from emulator.state.ecs import ContainerInstanceRow


def add_hosts(
    context: Context,
    cluster_name: str,
    instance_type: str,
    zones: Sequence[str],
    count: int,
    attributes: Mapping[str, str],
) -> list[ContainerInstanceRow]:
    """Add hosts, spread over `zones` (all of the region's where none is given). `default` is created where it is missing.

    Raises:
        ClusterNotFoundException: no such cluster.
        InvalidParameterException: no such instance type.

    """
    cluster = ensure_default_cluster(context) if cluster_name == "default" else find_cluster(context, cluster_name)
    chosen = list(zones) or context.emulator.neighbours.zones(context.region)
    return [
        add_host(context, cluster, HostSpec(instance_type, chosen[index % len(chosen)], "hosts", attributes))
        for index in range(count)
    ]


def add_demo(context: Context) -> list[ContainerInstanceRow]:
    """The demo preset: 6 t3.large over three zones in the cluster `default`."""
    zones = context.emulator.neighbours.zones(context.region)[:3]
    return add_hosts(context, "default", "t3.large", zones, 6, {})

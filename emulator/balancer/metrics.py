"""What CloudWatch is told each minute of the clock (the loop `minute`), under AWS's names and dimensions.

Of network load balancers only host counts are told: their connections are not measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import func, select

from emulator.balancer.model import LoadBalancer, Scene, TargetGroup
from emulator.balancer.ports import Metric, MetricStore
from emulator.balancer.proxy import Proxy
from emulator.balancer.traffic import Count
from emulator.emulator import Emulator
from emulator.state.balancer import TargetRow

Minute = Mapping[tuple[str, str], Count]
Hosts = Mapping[str, Mapping[str, int]]
"""Target group → state → how many targets."""


class BalancerMetrics:
    """Publishes what the proxy has counted, a place at a time."""

    def __init__(self, emulator: Emulator, proxy: Proxy, store: MetricStore) -> None:
        self._emulator, self._proxy, self._store = emulator, proxy, store

    def publish(self, account: str, region: str, at: datetime) -> bool:
        """See `Balancer.publish_metrics`."""
        scene = self._proxy.scenes.get((account, region), Scene())
        if not scene.balancers:
            return False
        counted = self._proxy.told.counter.take_minute(
            {listener.arn for balancer in scene.balancers for listener in balancer.listeners}
        )
        hosts = self._hosts(account, region)
        for kind, namespace in (("application", "AWS/ApplicationELB"), ("network", "AWS/NetworkELB")):
            metrics = list(metrics_of(scene, kind, counted, hosts))
            if metrics:
                self._store.put(account, region, namespace, at, metrics)
        return True

    def _hosts(self, account: str, region: str) -> Hosts:
        found: dict[str, dict[str, int]] = {}
        with self._emulator.store.begin() as session:
            query = select(TargetRow.target_group_arn, TargetRow.state, func.count())
            place = TargetRow.account == account, TargetRow.region == region
            for arn, state, count in session.execute(
                query.where(*place).group_by(TargetRow.target_group_arn, TargetRow.state)
            ):
                found.setdefault(arn, {})[state] = count
        return found


def metrics_of(scene: Scene, kind: str, counted: Minute, hosts: Hosts) -> Iterator[Metric]:
    """The data points of one minute for the load balancers of one kind."""
    for balancer in scene.balancers:
        if balancer.kind != kind:
            continue
        arns = [listener.arn for listener in balancer.listeners]
        if kind == "application":
            whole = _sum(counted.get((arn, "")) for arn in arns)
            yield from _of_balancer({"LoadBalancer": balancer.dimension}, whole)
        for group in _groups(scene, balancer):
            dimensions = {"TargetGroup": group.dimension, "LoadBalancer": balancer.dimension}
            states = hosts.get(group.arn, {})
            if states:
                yield Metric("HealthyHostCount", "Count", dimensions, [states.get("healthy", 0)])
                yield Metric("UnHealthyHostCount", "Count", dimensions, [states.get("unhealthy", 0)])
            if kind == "application":
                count = _sum(counted.get((arn, group.arn)) for arn in arns)
                yield from _of_group(dimensions, count, states.get("healthy", 0))


def _of_balancer(dimensions: Mapping[str, str], count: Count) -> Iterator[Metric]:
    if count.requests:
        yield Metric("RequestCount", "Count", dimensions, [count.requests])
    for hundreds, number in sorted(count.own_codes.items()):
        yield Metric(f"HTTPCode_ELB_{hundreds}XX_Count", "Count", dimensions, [number])


def _of_group(dimensions: Mapping[str, str], count: Count, healthy: int) -> Iterator[Metric]:
    if not count.requests:
        return
    alone = {"LoadBalancer": dimensions["LoadBalancer"]}
    yield Metric("RequestCount", "Count", dimensions, [count.requests])
    yield Metric("TargetResponseTime", "Seconds", dimensions, count.seconds)
    yield Metric("TargetResponseTime", "Seconds", alone, count.seconds)
    for hundreds, number in sorted(count.target_codes.items()):
        yield Metric(f"HTTPCode_Target_{hundreds}XX_Count", "Count", dimensions, [number])
        yield Metric(f"HTTPCode_Target_{hundreds}XX_Count", "Count", alone, [number])
    if healthy:
        per_target = [count.requests / healthy]
        yield Metric("RequestCountPerTarget", "Count", dimensions, per_target)
        yield Metric("RequestCountPerTarget", "Count", {"TargetGroup": dimensions["TargetGroup"]}, per_target)


def _groups(scene: Scene, balancer: LoadBalancer) -> list[TargetGroup]:
    return [group for arn, group in scene.groups.items() if balancer in scene.balancers_of(arn)]


def _sum(counts: Iterable[Count | None]) -> Count:
    total = Count()
    for count in counts:
        if count is not None:
            total.requests += count.requests
            total.seconds += count.seconds
            for ours, theirs in ((total.target_codes, count.target_codes), (total.own_codes, count.own_codes)):
                for code, number in theirs.items():
                    ours[code] = ours.get(code, 0) + number
    return total

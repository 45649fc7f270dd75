"""Load balancers at work: the loop that keeps targets, their health and the proxy in step with what ELBv2 has been asked for.

Keys of the loop `balancers`: `ACCOUNT/REGION` reads the control plane again, a target group's ARN looks at its targets.
The loop `proxy` has one key; it writes what both found into the data plane.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.balancer.checker import Checker, Subject
from emulator.balancer.checks import check_target
from emulator.balancer.findings import Findings
from emulator.balancer.fronts import Fronts
from emulator.balancer.health import REGISTERING, Outcome, State, look
from emulator.balancer.metrics import BalancerMetrics
from emulator.balancer.model import Scene, TargetGroup
from emulator.balancer.place_facts import Place, address_of, facts_of, hosts_of, uses_of
from emulator.balancer.ports import (
    ControlPlane,
    MetricStore,
    RuleNotFoundError,
    RuleUse,
    Target,
    TargetGroupNotFoundError,
    TargetHealth,
    TargetKey,
    Traffic,
)
from emulator.balancer.proxy import Proxy
from emulator.balancer.scripted_health import load, save, word_of
from emulator.balancer.targets import (
    LOOP,
    Watcher,
    deregister,
    describe,
    health_of,
    key_of,
    register,
    rows_of,
    tell,
    write,
)
from emulator.balancer.traffic import Served
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.balancer import TargetRow

_DRAIN_LOOK = timedelta(seconds=1)
"""How often it is asked whether a draining target has finished."""


class LoadBalancers:
    """`ports.Balancer`, and its loop.

    Args:
        emulator: the server.
        control: ELBv2.
        proxy: carries traffic.
        store: takes the metrics.

    """

    def __init__(self, emulator: Emulator, control: ControlPlane, proxy: Proxy, store: MetricStore) -> None:
        self._emulator, self._control, self.proxy = emulator, control, proxy
        self._metrics = BalancerMetrics(emulator, proxy, store)
        self._places: dict[tuple[str, str], Place] = {}
        self._watchers: list[Watcher] = []
        self._findings = Findings(emulator, proxy, self._look, self._watchers)
        self.checker = Checker(lambda address, check: check_target(proxy.real(address), check), self._findings.take)
        loop = emulator.loops.add(LOOP, self.handle)
        emulator.loops.busy_while(lambda: self.checker.busy)
        control.watch(lambda account, region: loop.wake(f"{account}/{region}"))

    def start(self) -> None:
        """Carry on: read every place that has load balancers. Their ports answer once all targets have been looked at."""
        with self._emulator.store.begin() as session:
            for (arn, key), outcome in load(session).items():
                self.checker.script(arn, key, outcome)
        places = sorted("/".join(place) for place in self._control.places())
        if places:
            self.proxy.hold()
            self._emulator.loops.wake(LOOP, *places)

    async def stop(self) -> None:
        """End checks and processes."""
        await self.checker.stop()
        await self.proxy.stop()

    def forget(self) -> None:
        """After a reset."""
        self._places.clear()
        self.checker.reset()
        self.proxy.forget()

    # what services ask

    @property
    def standard_port(self) -> int:
        """See `Balancer`."""
        return self.proxy.standard_port

    def target_group(self, context: Context, arn: str) -> TargetGroup | None:
        """See `Balancer`."""
        return self._control.scene(context.account, context.region).groups.get(arn)

    def target_group_named(self, context: Context, name: str) -> TargetGroup | None:
        """See `Balancer`."""
        groups = self._control.scene(context.account, context.region).groups.values()
        return next((group for group in groups if group.name == name), None)

    def uses(self, context: Context, target_group_arn: str) -> list[RuleUse]:
        """See `Balancer`."""
        return list(uses_of(self._control.scene(context.account, context.region), target_group_arn))

    def rule(self, context: Context, rule_arn: str) -> RuleUse:
        """See `Balancer`."""
        for use in uses_of(self._control.scene(context.account, context.region), None):
            if use.rule.arn == rule_arn:
                return use
        raise RuleNotFoundError(rule_arn)

    def set_rule_weights(self, context: Context, rule_arn: str, weights: Mapping[str, int]) -> None:
        """See `Balancer`."""
        self._control.set_weights(context.account, context.region, rule_arn, weights)

    def register_targets(self, context: Context, target_group_arn: str, targets: Sequence[Target]) -> None:
        """See `Balancer`."""
        register(context, self._group(context, target_group_arn), targets)

    def deregister_targets(self, context: Context, target_group_arn: str, targets: Sequence[TargetKey]) -> None:
        """See `Balancer`."""
        group = self._group(context, target_group_arn)
        deregister(context, group, targets)
        ids = [key.id for key in targets]
        place = context.account, context.region
        context.after_commit(lambda: self._control.forget_targets(*place, target_group_arn, ids))

    def target_health(self, context: Context, target_group_arn: str) -> Mapping[TargetKey, TargetHealth]:
        """See `Balancer`."""
        return {key_of(row): describe(row) for row in rows_of(context, target_group_arn)}

    def traffic(self, target_group_arn: str) -> Mapping[str, Traffic]:
        """See `Balancer`."""
        return self.proxy.told.counter.traffic.get(target_group_arn, {})

    def watch_requests(self, told: Callable[[Sequence[tuple[str, Served]]], None]) -> None:
        """See `Balancer`."""
        self.proxy.told.watchers.append(told)

    def publish_metrics(self, account: str, region: str, at: datetime) -> bool:
        """See `Balancer`."""
        return self._metrics.publish(account, region, at)

    def watch_health(self, changed: Watcher) -> None:
        """See `Balancer`."""
        self._watchers.append(changed)

    def simulated_targets(self, context: Context, target_group_arn: str) -> list[TargetKey]:
        """The group's targets whose health can be scripted."""
        return [key_of(row) for row in rows_of(context, target_group_arn) if row.simulated]

    def front(self, fronts: Fronts, target_group_arns: Iterable[str] = ()) -> None:
        """Serve environments under their names; these target groups may have their targets elsewhere now."""
        if self.proxy.front(fronts):
            self._emulator.loops.wake(LOOP, *target_group_arns)

    def script_health(
        self, context: Context, target_group_arn: str, key: TargetKey | None, outcome: Outcome | None
    ) -> None:
        """See `Checker.script`; kept with the state."""
        self.checker.script(target_group_arn, key, outcome)
        save(context.session, self.checker.scripts)
        told = "all" if key is None else f"{key.id}:{key.port}"
        detail = {"target": told, "answers": "ok" if outcome is None else word_of(outcome)}
        context.record(Kind.EVENT, target_group_arn, {"script": detail})
        context.wake(LOOP, target_group_arn)

    # the loop

    async def handle(self, keys: list[str]) -> None:
        """Places first: groups are looked at by what is known of their place."""
        for key in keys:
            if not key.startswith("arn:"):
                self._read(*key.split("/"))
        if self.proxy.held:
            try:
                await self._look_at_all()
            finally:
                self.proxy.release()
        for key in keys:
            if key.startswith("arn:"):
                await self._look(key)

    async def _look_at_all(self) -> None:
        """After a start: what is known of targets is of before it, so each is checked once before it may be asked."""
        arns = [arn for place in self._places.values() for arn in place.scene.groups]
        for arn in arns:
            await self._look(arn)
        await self.checker.first_round()
        for arn in arns:
            await self._look(arn)

    def _read(self, account: str, region: str) -> None:
        scene = self._control.scene(account, region)
        listed = self._control.registered(account, region)
        wanted = any(group.target_type == "instance" for group in scene.groups.values())
        found = self._emulator.neighbours.instances(account, region) if wanted else []
        self._places[account, region] = Place(scene, {instance.id: instance for instance in found})
        with self._emulator.transaction(account, region) as context:
            self._follow(context, scene, listed)
        self._emulator.loops.wake(LOOP, *scene.groups)
        self.proxy.update(account, region, scene)
        if scene.balancers:
            self._emulator.loops.wake("minute", f"{account}/{region}")

    def _follow(self, context: Context, scene: Scene, listed: Mapping[str, Sequence[TargetKey]]) -> None:
        """Take over what Auto Scaling and CloudFormation have registered, and forget groups that are gone."""
        query = select(TargetRow).where(TargetRow.account == context.account, TargetRow.region == context.region)
        known: dict[str, list[TargetKey]] = {}
        for row in context.session.scalars(query.where(TargetRow.origin == "group")):
            if row.state != State.DRAINING:
                known.setdefault(row.target_group_arn, []).append(key_of(row))
        for arn, group in scene.groups.items():
            listing = listed.get(arn, ())
            register(context, group, [Target(k) for k in listing if k not in known.get(arn, ())], "group")
            deregister(context, group, [key for key in known.get(arn, ()) if key not in listing])
        for row in context.session.scalars(query.where(TargetRow.target_group_arn.not_in(scene.groups))):
            self._drop(context, row)

    async def _look(self, arn: str) -> None:
        parsed = parse_arn(arn)
        place = self._places.get((parsed.account, parsed.region)) if parsed is not None else None
        if parsed is None or place is None:
            return
        under_way = await self._under_way(arn)
        with self._emulator.transaction(parsed.account, parsed.region) as context:
            group = place.scene.groups.get(arn)
            rows = rows_of(context, arn)
            hosts = hosts_of(context, rows)
            again: list[datetime] = []
            for row in rows:
                if group is None:
                    self._drop(context, row)
                elif row.draining_until is not None:
                    again += self._drain(context, row, self._real(address_of(row, hosts)), under_way)
                else:
                    if row.reason == REGISTERING.reason:
                        self.checker.forget(arn, key_of(row))  # of an earlier registration
                    write(context, row, look(health_of(row), facts_of(place, group, row)), self._watchers)
            left = [row for row in rows if row not in context.session.deleted]
        if group is None:
            return
        subjects = [
            Subject(key_of(row), health_of(row), hosts.get(row.target_id, row.target_id), row.simulated)
            for row in left
            if row.draining_until is None
        ]
        following = self.checker.look(group, subjects, self._emulator.clock.now())
        doubtful = [subject.key for subject in subjects if self.checker.doubts(arn, subject.key)]
        slow = self.proxy.fill(group, left, hosts, doubtful, self._findings.entering(arn))
        for when in (*again, following, slow):
            if when is not None:
                self._emulator.loops.wake_at(LOOP, arn, when)

    async def _under_way(self, arn: str) -> Mapping[str, int] | None:
        """Requests under way at draining targets; None where nobody drains."""
        with self._emulator.store.begin() as session:
            query = select(TargetRow.port).where(
                TargetRow.target_group_arn == arn, TargetRow.draining_until.is_not(None), TargetRow.drained.is_(False)
            )
            if session.scalar(query.limit(1)) is None:
                return None
        return await self.proxy.under_way(arn)

    def _drain(
        self, context: Context, row: TargetRow, address: str | None, under_way: Mapping[str, int] | None
    ) -> list[datetime]:
        """A step of a draining target; when to look again."""
        assert row.draining_until is not None  # noqa: S101 - it drains
        if row.draining_until <= context.now:
            self._drop(context, row)
            return []
        if row.drained:
            return [row.draining_until]
        finished = under_way is not None and address is not None and under_way.get(address) == 0
        if row.simulated or address is None or finished:
            row.drained = True
            tell(context, row, self._watchers)
            return [row.draining_until]
        return [min(row.draining_until, context.now + _DRAIN_LOOK)]

    def _real(self, address: str | None) -> str | None:
        return None if address is None else self.proxy.real(address)

    def _drop(self, context: Context, row: TargetRow) -> None:
        context.session.delete(row)
        self.checker.forget(row.target_group_arn, key_of(row))
        tell(context, row, self._watchers)

    def _group(self, context: Context, arn: str) -> TargetGroup:
        group = self.target_group(context, arn)
        if group is None:
            raise TargetGroupNotFoundError(arn)
        return group

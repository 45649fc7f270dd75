"""The loop `ingress` (key: a service's ARN, or a gateway's): makes and removes what managed ingress wants.

Level-triggered: rows are read in a transaction, the neighbours asked outside of one, what they made is written. Everything
is found by its name, so that a pass after `kill -9` makes nothing twice.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import func, select

from emulator.context import Context
from emulator.ecs import express_steps
from emulator.ecs.gateway_connectors import (
    follow_connectors,
    gateway_tags,
    route_gone,
    test_header,
    waits_to_leave,
)
from emulator.ecs.ingress_making import (
    BalancerFacts,
    RouteFacts,
    balancer_facts,
    change_balancer,
    make_balancer,
    make_certificate,
    make_route,
    remove_balancer,
    remove_route,
    route_facts,
)
from emulator.ecs.ingress_routes import EXPRESS, LOOP, move
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.neighbours.environment_ports import Place
from emulator.neighbours.ingress_ports import IngressResources
from emulator.state.ecs import ServiceRow
from emulator.state.ingress import ExpressServiceRow, GatewayRow, IngressBalancerRow, IngressRouteRow

_LOOK_AGAIN = timedelta(seconds=1)
"""While tasks are still reached by a route that is to go."""
_TO_MAKE = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")


class IngressLoop:
    """Carries managed ingress out.

    Args:
        emulator: the server.
        resources: makes and removes what it needs.

    """

    def __init__(self, emulator: Emulator, resources: IngressResources) -> None:
        self._emulator, self._resources = emulator, resources
        emulator.ingress = resources
        emulator.loops.add(LOOP, self.handle, batch=10)

    def start(self) -> None:
        """Carry on with what is not at rest."""
        with self._emulator.store.begin() as session:
            express = session.scalars(select(ExpressServiceRow.arn).where(ExpressServiceRow.status != "INACTIVE"))
            routes = session.scalars(select(IngressRouteRow.service_arn).where(IngressRouteRow.owner != EXPRESS))
            gateways = session.scalars(select(GatewayRow.arn).where(GatewayRow.status == "UPDATE_IN_PROGRESS"))
            self._emulator.loops.wake(LOOP, *express, *routes, *gateways)

    async def handle(self, keys: list[str]) -> None:
        """Look at each service until it stays."""
        for key in keys:
            _, _, _, region, account, _ = key.split(":", 5)
            if ":gateway/" in key:
                self._gateway(account, region, key)
                continue
            self._follow(account, region, key)
            while self._route(account, region, key):
                self._follow(account, region, key)
            self._follow(account, region, key)

    def _follow(self, account: str, region: str, arn: str) -> None:
        """Bring the rows of a service on by what has been made."""
        self._express(account, region, arn)
        with self._emulator.transaction(account, region) as context:
            service = context.session.get(ServiceRow, arn)
            if service is not None and service.body.get("resourceManagementType") != "ECS":
                follow_connectors(context, service)
                if waits_to_leave(context, service):
                    again = context.now + _LOOK_AGAIN
                    context.after_commit(lambda: self._emulator.loops.wake_at(LOOP, arn, again))

    # gateways

    def _gateway(self, account: str, region: str, arn: str) -> None:
        """Have the load balancers and rules of a gateway as it is by now."""
        with self._emulator.transaction(account, region) as context:
            gateway = context.session.get(GatewayRow, arn)
            if gateway is None or gateway.status != "UPDATE_IN_PROGRESS":
                return
            at, header, tags = gateway.updated_at, test_header(gateway), gateway_tags(gateway)
            rows = context.session.scalars(select(IngressBalancerRow).where(IngressBalancerRow.owner == arn))
            balancers = [self._facts(context, row) for row in rows if "arn" in row.resources]
            for route in context.session.scalars(select(IngressRouteRow).where(IngressRouteRow.owner == arn)):
                role = gateway.infrastructure_role_arn
                route.wanted = {**route.wanted, "test_header": header, "tags": tags, "role": role}
                if route.status == "ACTIVE":
                    move(context, route, "UPDATE_IN_PROGRESS")
        for facts in balancers:
            change_balancer(self._resources, facts)
        self._resources.keep()
        with self._emulator.transaction(account, region) as context:
            gateway = context.session.get(GatewayRow, arn)
            if gateway is not None and gateway.updated_at == at:
                gateway.status = "UPDATE_COMPLETE"
                context.record(Kind.STATE_CHANGE, arn, {"status": gateway.status})

    # Express services

    def _express(self, account: str, region: str, arn: str) -> None:
        with self._emulator.transaction(account, region) as context:
            row = context.session.get(ExpressServiceRow, arn)
            if row is None or row.status == "INACTIVE":
                return
            express_steps.follow(context, row)
            noted, steps = express_steps.outside(context, row)
            container = row.wanted["primaryContainer"]
            group = None if row.wanted.get("ownDefinition") else container["awsLogsConfiguration"]["logGroup"]
            wanted = row.status == "ACTIVE" and group is not None and row.resources.get("log_group") != group
        if wanted and group is not None:
            express_steps.make_log_group(self._emulator, Place(account, region), group)
            noted = {**noted, "log_group": group}
        for step in steps:
            step(self._resources)
        if steps:
            self._resources.keep()
        if noted:
            with self._emulator.transaction(account, region) as context:
                row = context.session.get_one(ExpressServiceRow, arn)
                row.resources = {**row.resources, **noted}
                context.wake("minute", f"{account}/{region}")  # a policy and its alarms may be there now
                express_steps.follow(context, row)

    # routes

    def _route(self, account: str, region: str, service_arn: str) -> bool:
        """One step of a route that is not as it is wanted; whether there was one."""
        with self._emulator.transaction(account, region) as context:
            query = select(IngressRouteRow).where(
                IngressRouteRow.service_arn == service_arn,
                IngressRouteRow.status.in_([*_TO_MAKE, "DELETE_IN_PROGRESS"]),
            )
            row = context.session.scalars(query.order_by(IngressRouteRow.created_at).limit(1)).first()
            if row is None:
                return False
            key, status, facts = row.arn, row.status, route_facts(row)
            balancer = self._facts(context, context.session.get_one(IngressBalancerRow, row.balancer_id))
        if status == "DELETE_IN_PROGRESS":
            self._remove(key, facts, balancer)
        else:
            self._make(key, facts, balancer)
        return True

    def _facts(self, context: Context, row: IngressBalancerRow) -> BalancerFacts:
        gateway = context.session.get(GatewayRow, row.owner)
        if gateway is None:
            return balancer_facts(row, "ecs-express-gateway-alb", None, {}, {})
        attributes = {
            "deletion_protection.enabled": str(gateway.deletion_protection).lower(),
            "routing.http.desync_mitigation_mode": gateway.configuration["httpDesync"],
        }
        inbound = gateway.configuration["networkConfiguration"].get("inboundSecurityGroup")
        return balancer_facts(row, "ecs-gateway-alb", inbound, attributes, gateway_tags(gateway))

    def _make(self, key: str, facts: RouteFacts, balancer: BalancerFacts) -> None:
        certificate = make_certificate(self._resources, facts)
        shared = make_balancer(self._resources, balancer, certificate)
        self._resources.keep()
        self._note(facts.place, balancer.id, shared)
        made = make_route(self._resources, facts, shared, certificate)
        self._resources.keep()

        def write(context: Context, row: IngressRouteRow) -> None:
            row.resources = made
            if row.wanted == facts.wanted and row.status in _TO_MAKE:  # else it is wanted otherwise by now
                move(context, row, "ACTIVE")

        self._with(facts.place, key, write)

    def _note(self, place: Place, balancer_id: str, made: Mapping[str, str]) -> None:
        with self._emulator.transaction(place.account, place.region) as context:
            row = context.session.get_one(IngressBalancerRow, balancer_id)
            if row.resources != made:
                row.resources, row.updated_at = dict(made), context.now
                context.record(Kind.STATE_CHANGE, made["arn"], {"owner": row.owner})

    def _remove(self, key: str, facts: RouteFacts, balancer: BalancerFacts) -> None:
        last = self._is_last(facts.place, balancer.id)
        if last:
            remove_balancer(self._resources, balancer)
        remove_route(self._resources, facts, {} if last else balancer.resources)
        self._resources.keep()
        with self._emulator.transaction(facts.place.account, facts.place.region) as context:
            row = context.session.get_one(IngressRouteRow, key)
            context.record(Kind.STATE_CHANGE, key, {"status": "DELETED"}, scope=row.cluster_arn)
            context.session.delete(row)
            route_gone(context, row)
            if last:
                context.session.delete(context.session.get_one(IngressBalancerRow, balancer.id))

    def _is_last(self, place: Place, balancer_id: str) -> bool:
        with self._emulator.transaction(place.account, place.region) as context:
            query = select(func.count()).where(IngressRouteRow.balancer_id == balancer_id)
            return context.session.scalar(query) == 1

    def _with(self, place: Place, key: str, write: Callable[[Context, IngressRouteRow], None]) -> None:
        with self._emulator.transaction(place.account, place.region) as context:
            row = context.session.get(IngressRouteRow, key)
            if row is not None:
                write(context, row)

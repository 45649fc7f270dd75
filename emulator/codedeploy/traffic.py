"""The listeners of a deployment group: which of their rules CodeDeploy moves between the two target groups."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.routing import INVALID, RoutingError, move, weights_of
from emulator.ecs.task_targets import balancer_of
from scheduler.reconcile.traffic_shift import Weights


class TrafficError(Exception):
    """Traffic cannot be moved as the group says; the text says why. Texts are (unconfirmed)."""


def pair_of(context: Context, group: Mapping[str, Any]) -> list[str]:
    """The ARNs of the group's two target groups.

    Raises:
        TrafficError: one does not exist.

    """
    found = []
    for item in _pair(group)["targetGroups"]:
        known = balancer_of(context).target_group_named(context, item["name"])
        if known is None:
            raise TrafficError(f"The target group {item['name']} does not exist.")
        found.append(known.arn)
    return found


def other_group(context: Context, group: Mapping[str, Any], serving: str) -> str:
    """The target group of the pair that does not serve production.

    Raises:
        TrafficError: the serving one is not of the pair, or not behind the production listener.

    """
    pair, listener = pair_of(context, group), _listeners(group)["production"]
    if serving not in pair:
        raise TrafficError(f"The primary task set's target group {serving} is not of the deployment group's pair.")
    if all(use.listener_arn != listener for use in balancer_of(context).uses(context, serving)):
        raise TrafficError(f"Primary taskset target group must be behind listener {listener}")
    return next(arn for arn in pair if arn != serving)


def route(context: Context, group: Mapping[str, Any], green: str, blue: str, wanted: Weights) -> None:
    """Have green get these shares of production and test traffic; what is as wanted already is not touched.

    Every rule of a listener that forwards to one of the pair moves, the default one included.

    Raises:
        TrafficError: a listener forwards to neither group, or something is gone.

    """
    listeners = _listeners(group)
    for traffic, percent in (("production", wanted.production), ("test", wanted.test)):
        listener = listeners.get(traffic)
        if listener is None or percent is None:
            continue
        rules = {
            use.rule.arn: None
            for arn in (blue, green)
            for use in balancer_of(context).uses(context, arn)
            if use.listener_arn == listener
        }
        if not rules:
            raise TrafficError(f"The listener {listener} forwards to neither target group of the deployment group.")
        for rule in rules:
            try:
                move(context, rule, weights_of(green, blue, percent))
            except RoutingError as error:
                raise TrafficError(str(error).removeprefix(f"{INVALID}. ")) from error


def has_test_route(group: Mapping[str, Any]) -> bool:
    """Whether there is test traffic to move."""
    return "test" in _listeners(group)


def _pair(group: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = group["loadBalancerInfo"]["targetGroupPairInfoList"][0]
    return found


def _listeners(group: Mapping[str, Any]) -> dict[str, str]:
    routes = {"production": "prodTrafficRoute", "test": "testTrafficRoute"}
    pair = _pair(group)
    return {
        traffic: pair[route]["listenerArns"][0]
        for traffic, route in routes.items()
        if pair.get(route, {}).get("listenerArns")
    }

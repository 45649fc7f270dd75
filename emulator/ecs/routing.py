"""Moves traffic between the target groups of two revisions: the weights of the production and test listener rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.balancer.model import Forward
from emulator.balancer.ports import RuleNotFoundError, TargetGroupNotFoundError
from emulator.context import Context
from emulator.ecs.task_targets import balancer_of
from emulator.state.ecs import DeploymentRow, ServiceDeploymentRow, ServiceRow
from scheduler.reconcile.traffic_shift import Weights

_MOST = 999
"""The greatest weight that a listener rule takes."""
INVALID = "of invalid networking configuration"


class RoutingError(Exception):
    """Traffic cannot be moved as asked; completes "Service deployment rolled back because …"."""


def check_rules(context: Context, service: ServiceRow, row: ServiceDeploymentRow) -> None:
    """Before anything moves, each production rule must serve by one of the pair's groups alone.

    Raises:
        RoutingError: one does not.

    """
    for item in service.body.get("loadBalancers", []):
        advanced = item.get("advancedConfiguration")
        if advanced is None:
            continue
        arn, pair = advanced["productionListenerRule"], [item["targetGroupArn"], advanced["alternateTargetGroupArn"]]
        shares = _shares(context, arn)
        serving = [group for group, weight in shares.items() if weight > 0]
        if len(serving) > 1 and len(row.source_ids) <= 1:
            raise RoutingError(
                f"{INVALID}. productionListenerRule {arn} should have exactly one target group serving traffic but "
                f"found {len(serving)} target groups which are serving traffic"
            )
        for group in serving:
            if group not in pair:
                raise RoutingError(
                    f"{INVALID}. Production listener rule is forwarding traffic to unexpected target group {group}. "
                    f"Expected traffic to be forwarded to either targetGroupArn: {pair[0]} or "
                    f"alternateTargetGroupArn: {pair[1]}"
                )


def route(context: Context, service: ServiceRow, green: DeploymentRow, wanted: Weights) -> None:
    """Have green's target groups get these shares; what is as wanted already is not touched.

    Raises:
        RoutingError: a rule or a group is gone.

    """
    groups: Sequence[Mapping[str, Any]] = green.body.get("targetGroups", [])
    pairs = {
        (item["containerName"], item["containerPort"]): item
        for item in service.body.get("loadBalancers", [])
        if "advancedConfiguration" in item
    }
    for group in groups:
        item = pairs.get((group["containerName"], group["containerPort"]))
        if item is None:
            continue
        pair = {item["targetGroupArn"], item["advancedConfiguration"]["alternateTargetGroupArn"]}
        other = next(iter(pair - {group["targetGroupArn"]}), None)
        for member, percent in (("productionListenerRule", wanted.production), ("testListenerRule", wanted.test)):
            rule = item["advancedConfiguration"].get(member)
            if rule is not None and percent is not None and other is not None:
                move(context, rule, weights_of(group["targetGroupArn"], other, percent))


def weights_of(green: str, blue: str, percent: float) -> dict[str, int]:
    """Percent as whole weights: tenths where they are needed."""
    scale = 1 if percent == int(percent) else 10
    share = round(percent * scale)
    return {green: min(share, _MOST), blue: min(100 * scale - share, _MOST)}


def move(context: Context, rule: str, weights: Mapping[str, int]) -> None:
    """Have a rule forward with these weights; one that does so already is not touched.

    Raises:
        RoutingError: the rule or a group is gone.

    """
    if {arn: weight for arn, weight in _shares(context, rule).items() if weight} == {
        arn: weight for arn, weight in weights.items() if weight
    }:
        return
    try:
        balancer_of(context).set_rule_weights(context, rule, weights)
    except TargetGroupNotFoundError as error:
        raise RoutingError(f"{INVALID}. Target group {error} does not exist.") from error  # (unconfirmed) text


def _shares(context: Context, rule: str) -> dict[str, int]:
    try:
        action = balancer_of(context).rule(context, rule).rule.action
    except RuleNotFoundError as error:
        raise RoutingError(f"{INVALID}. Listener rule {rule} does not exist.") from error  # (unconfirmed) text
    return {share.target_group_arn: share.weight for share in action.shares} if isinstance(action, Forward) else {}

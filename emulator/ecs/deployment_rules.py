"""What a deployment configuration may ask for. Texts that the reference does not quote are (unconfirmed)."""

from collections.abc import Mapping
from typing import Any

from emulator.ecs.errors import InvalidParameterException
from scheduler.reconcile.circuit_breaker import ThresholdType
from scheduler.reconcile.traffic_shift import WITHOUT_HOOKS, WITHOUT_PAUSES, Stage

_DAY_MINUTES = 1440
_MOST_TIMEOUT = 20160
_STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
_SHIFTING = _STRATEGIES[1:]
_CLEANUPS = ("BLOCKING", "DEFERRED")
_BELONGS = {
    "linearConfiguration": ("LINEAR",),
    "canaryConfiguration": ("CANARY",),
    "lifecycleHooks": _SHIFTING,
    "bakeTimeInMinutes": _SHIFTING,
    "earlySuccessCriteria": ("ROLLING",),
}
"""Members that are of some strategies only; a bake time of 0 does no harm."""


def deployment_configuration(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`before` with what `given` gives, checked."""
    merged = {**before, **given}
    merged["deploymentCircuitBreaker"] = {
        "enable": False,
        "rollback": False,
        **(given.get("deploymentCircuitBreaker") or before["deploymentCircuitBreaker"]),
    }
    if merged["maximumPercent"] < 100 or not 0 <= merged["minimumHealthyPercent"] <= 100:
        raise InvalidParameterException(
            "maximumPercent must be at least 100 and minimumHealthyPercent between 0 and 100."
        )
    _check_threshold(merged["deploymentCircuitBreaker"].get("thresholdConfiguration"))
    strategy = merged["strategy"]
    if strategy not in _STRATEGIES:
        raise InvalidParameterException(f"strategy should be one of [{','.join(_STRATEGIES)}]")
    if strategy != before.get("strategy"):
        of_one = {"linearConfiguration", "canaryConfiguration", "lifecycleHooks", "earlySuccessCriteria"}
        for member in of_one - given.keys():
            merged.pop(member, None)
    _check_strategy(strategy, merged, given)
    _check_early_success(merged)
    for hook in merged.get("lifecycleHooks", []):
        _check_hook(hook)
    return merged


def _check_early_success(merged: Mapping[str, Any]) -> None:
    """Members and bounds as the model's documentation says them."""
    criteria = merged.get("earlySuccessCriteria", {})
    if not criteria.get("enable"):
        return
    for member in ("healthyPercent", "sourceServiceRevisionCleanup"):
        if member not in criteria:
            raise InvalidParameterException(f"{member} must be specified when earlySuccessCriteria is enabled.")
    _between("healthyPercent", criteria["healthyPercent"], 0, 100)
    if criteria["healthyPercent"] < merged["minimumHealthyPercent"]:
        raise InvalidParameterException("healthyPercent must be greater than or equal to minimumHealthyPercent.")
    if criteria["sourceServiceRevisionCleanup"] not in _CLEANUPS:
        raise InvalidParameterException(f"sourceServiceRevisionCleanup should be one of [{','.join(_CLEANUPS)}]")


def _check_threshold(document: Mapping[str, Any] | None) -> None:
    if document is None:
        return
    if document["type"] not in set(ThresholdType):
        raise InvalidParameterException(f"thresholdConfiguration type should be one of [{','.join(ThresholdType)}]")
    if document["value"] < 1:
        raise InvalidParameterException("The value of thresholdConfiguration must be at least 1.")


def _check_strategy(strategy: str, merged: dict[str, Any], given: Mapping[str, Any]) -> None:
    for member, needed in _BELONGS.items():
        if given.get(member) and strategy not in needed:
            raise InvalidParameterException(f"{member} is not supported with the {strategy} deployment strategy.")
    if strategy == "BLUE_GREEN" and "bakeTimeInMinutes" not in given and not merged.get("bakeTimeInMinutes"):
        raise InvalidParameterException("bakeTimeInMinutes must be specified with the BLUE_GREEN deployment strategy.")
    _between("bakeTimeInMinutes", merged.get("bakeTimeInMinutes", 0), 0, _DAY_MINUTES)
    if strategy == "LINEAR":
        linear = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6, **merged.get("linearConfiguration", {})}
        _tenths("stepPercent", linear["stepPercent"], 3.0)
        _between("stepBakeTimeInMinutes", linear["stepBakeTimeInMinutes"], 0, _DAY_MINUTES)
        merged["linearConfiguration"] = linear
    if strategy == "CANARY":
        canary = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10, **merged.get("canaryConfiguration", {})}
        _tenths("canaryPercent", canary["canaryPercent"], 0.1)
        _between("canaryBakeTimeInMinutes", canary["canaryBakeTimeInMinutes"], 0, _DAY_MINUTES)
        merged["canaryConfiguration"] = canary


def _check_hook(hook: Mapping[str, Any]) -> None:
    pause = hook.get("targetType", "AWS_LAMBDA") == "PAUSE"
    if not pause and not hook.get("hookTargetArn"):
        raise InvalidParameterException("hookTargetArn must be specified for an AWS_LAMBDA lifecycle hook.")
    if pause and hook.get("hookTargetArn"):
        raise InvalidParameterException("hookTargetArn is not supported for a PAUSE lifecycle hook.")
    stages = hook.get("lifecycleStages", [])
    if not stages:
        raise InvalidParameterException("lifecycleStages must be specified for a lifecycle hook.")
    refused = WITHOUT_PAUSES if pause else WITHOUT_HOOKS
    for stage in stages:
        if stage not in set(Stage) or Stage(stage) in refused:
            kind = "PAUSE" if pause else "AWS_LAMBDA"
            raise InvalidParameterException(f"The lifecycle stage {stage} is not supported for {kind} lifecycle hooks.")
    timeout = hook.get("timeoutConfiguration", {})
    _between("timeoutInMinutes", timeout.get("timeoutInMinutes", 1), 1, _MOST_TIMEOUT)


def _between(member: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidParameterException(f"{member} must be between {least} and {most}.")


def _tenths(member: str, value: float, least: float) -> None:
    if not least <= value <= 100 or round(value * 10) != round(value * 10, 6):
        raise InvalidParameterException(f"{member} must be a multiple of 0.1 between {least} and 100.0.")

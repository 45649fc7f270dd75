"""The alarms that target tracking makes for ECS services: moto's have a threshold of its own and know two metrics only.

High: above the target for 3 minutes; low: below 90 % of it for 15 (counts are (unconfirmed)).
"""

from collections.abc import Mapping
from typing import Any

from emulator.neighbours.scalable_target_rules import keep_rules

_METRICS = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}
_LOW = 0.9


def metric_of(configuration: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """namespace, metric_name, statistic and dimensions of what a policy tracks."""
    custom = configuration.get("CustomizedMetricSpecification")
    if custom:
        return {
            "namespace": custom.get("Namespace", ""),
            "metric_name": custom.get("MetricName", ""),
            "statistic": custom.get("Statistic", "Average"),
            "dimensions": [dict(item) for item in custom.get("Dimensions", [])],
        }
    predefined = configuration.get("PredefinedMetricSpecification", {})
    if predefined.get("PredefinedMetricType") == "ALBRequestCountPerTarget":
        balancer, _, group = predefined.get("ResourceLabel", "").partition("/targetgroup/")
        return {
            "namespace": "AWS/ApplicationELB",
            "metric_name": "RequestCountPerTarget",
            "statistic": "Sum",
            "dimensions": [
                {"Name": "LoadBalancer", "Value": balancer},
                {"Name": "TargetGroup", "Value": f"targetgroup/{group}"},
            ],
        }
    _, cluster, service = resource.split("/")
    return {
        "namespace": "AWS/ECS",
        "metric_name": _METRICS.get(predefined.get("PredefinedMetricType", ""), "CPUUtilization"),
        "statistic": "Average",
        "dimensions": [{"Name": "ClusterName", "Value": cluster}, {"Name": "ServiceName", "Value": service}],
    }


def adapt_application_auto_scaling() -> None:
    """Have moto make these alarms, and ask us whether a service exists (`emulator.autoscaling.front`); safe to repeat."""
    from moto.applicationautoscaling.models import (  # noqa: PLC0415 - moto is imported at first use only
        ApplicationAutoscalingBackend,
        FakeApplicationAutoscalingPolicy,
    )

    policy_class: Any = FakeApplicationAutoscalingPolicy
    backend_class: Any = ApplicationAutoscalingBackend
    if getattr(policy_class, "ashore", False):
        return

    def replace(backend: Any, **members: Any) -> Any:
        """PutScalingPolicy of a known name: the alarms of before go, the ARN stays."""
        key = policy_class.formulate_key(
            members["service_namespace"], members["resource_id"], members["scalable_dimension"], members["policy_name"]
        )
        earlier = backend.policies.get(key)
        made = put(backend, **members)
        if earlier is not None and made is not earlier:
            earlier.delete_alarms(backend.account_id, backend.region_name)
            made.policy_arn = earlier.policy_arn
        return made

    put = backend_class.put_scaling_policy
    backend_class.put_scaling_policy = replace
    keep_rules(backend_class)
    backend_class._ecs_service_exists_for_target = lambda _backend, _resource: True  # noqa: SLF001 - moto's ECS is empty
    policy_class._generate_ecs_alarms = _alarms  # noqa: SLF001 - there is no other way in
    policy_class.ashore = True


def _alarms(policy: Any) -> list[Any]:
    from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415 - as above
    from moto.moto_api._internal import mock_random  # noqa: PLC0415 - as above

    cloudwatch: Any = cloudwatch_backends[policy.account_id][policy.region_name]
    configuration = policy.target_tracking_scaling_policy_configuration or {}
    target = float(configuration.get("TargetValue", 0))
    action = f"{policy.policy_arn}:createdBy/{mock_random.uuid4()}"
    kinds = [("High", "GreaterThanThreshold", 3, target)]
    if not configuration.get("DisableScaleIn"):
        kinds.append(("Low", "LessThanThreshold", 15, target * _LOW))
    return [
        cloudwatch.put_metric_alarm(
            name=f"TargetTracking-{policy.resource_id}-Alarm{kind}-{mock_random.uuid4()}",
            comparison_operator=comparison,
            evaluation_periods=periods,
            period=60,
            threshold=threshold,
            description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}",
            alarm_actions=[action],
            **metric_of(configuration, policy.resource_id),
        )
        for kind, comparison, periods, threshold in kinds
    ]

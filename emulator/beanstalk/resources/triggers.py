"""`aws:autoscaling:trigger`: two policies of the group, and the alarms that have them carried out."""

from emulator.beanstalk.option_values import GROUP, TRIGGER
from emulator.beanstalk.resources.facts import Facts
from emulator.neighbours.environment_ports import TriggerSpec

_OF_BALANCER = {"Latency", "RequestCount", "HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime"}
_CALLED = {"Latency": "TargetResponseTime", "UnhealthyHostCount": "UnHealthyHostCount"}


def trigger_specs(facts: Facts) -> tuple[TriggerSpec, TriggerSpec]:
    """Up and down. A worker has no load balancer: its measures are those of its instances."""
    values, group = facts.values, str(facts.resources["group"])
    worker = {"MeasureName": "CPUUtilization", "Unit": "Percent", "Upper": "75", "Lower": "10"} if facts.worker else {}
    measure = values.get(TRIGGER, "MeasureName", worker.get("MeasureName", "NetworkOut"))
    unit = values.get(TRIGGER, "Unit", worker.get("Unit", "Bytes"))
    dimensions = {"AutoScalingGroupName": group}
    namespace = "AWS/EC2"
    balancer = facts.resources.get("balancer")
    if measure in _OF_BALANCER and balancer is not None:
        namespace = "AWS/NetworkELB" if "/net/" in balancer["arn"] else "AWS/ApplicationELB"
        dimensions = {"LoadBalancer": str(balancer["arn"]).partition(":loadbalancer/")[2]}

    def spec(word: str, level: str, increment: int, threshold: float, comparison: str) -> TriggerSpec:
        return TriggerSpec(
            policy=facts.named(f"AWSEBAutoScalingScale{word}Policy"),
            alarm=facts.named(f"AWSEBCloudwatchAlarm{level}"),
            group=group,
            increment=increment,
            cooldown=values.number(GROUP, "Cooldown", 360),
            namespace=namespace,
            metric=_CALLED.get(measure, measure),
            dimensions=dimensions,
            statistic=values.get(TRIGGER, "Statistic", "Average"),
            unit=unit,
            period=60 * values.number(TRIGGER, "Period", 5),
            periods=values.number(TRIGGER, "EvaluationPeriods", 1),
            threshold=threshold,
            comparison=comparison,
        )

    upper = float(values.get(TRIGGER, "UpperThreshold", worker.get("Upper", "6000000")))
    lower = float(values.get(TRIGGER, "LowerThreshold", worker.get("Lower", "2000000")))
    up = values.number(TRIGGER, "UpperBreachScaleIncrement", 1)
    down = values.number(TRIGGER, "LowerBreachScaleIncrement", -1)
    return (
        spec("Down", "Low", down, lower, "LessThanThreshold"),
        spec("Up", "High", up, upper, "GreaterThanThreshold"),
    )

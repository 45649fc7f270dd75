"""Options of groups, instances and their updates (reference: beanstalk.md §6.2)."""

from functools import partial

from emulator.beanstalk.options.model import Option, Severity, Trait, ValueType

_BALANCED = frozenset({Trait.BALANCED})
_group = partial(Option, "aws:autoscaling:asg", resource="AWSEBAutoScalingGroup")
_launch = partial(
    Option,
    "aws:autoscaling:launchconfiguration",
    severity=Severity.REPLACE,
    resource="AWSEBAutoScalingLaunchConfiguration",
)
_action = partial(Option, "aws:autoscaling:scheduledaction", traits=_BALANCED)
_trigger = partial(Option, "aws:autoscaling:trigger", resource="AWSEBCloudwatchAlarmLow", traits=_BALANCED)
_update = partial(Option, "aws:autoscaling:updatepolicy:rollingupdate", resource="AWSEBAutoScalingGroup")
_instances = partial(Option, "aws:ec2:instances", severity=Severity.REPLACE)
_vpc = partial(Option, "aws:ec2:vpc", severity=Severity.REPLACE)

OPTIONS: tuple[Option, ...] = (
    _group("Availability Zones", "Any", values=("Any", "Any 1", "Any 2", "Any 3")),
    _group("Cooldown", "360", minimum=0, maximum=10000),
    _group("Custom Availability Zones", kind=ValueType.LIST),
    _group("EnableCapacityRebalancing", "false", kind=ValueType.BOOLEAN),
    _group("MaxSize", "4", minimum=1, maximum=10000),
    _group("MinSize", "1", minimum=1, maximum=10000),
    _launch("BlockDeviceMappings"),
    _launch("DisableIMDSv1", "true", kind=ValueType.BOOLEAN),  # (unconfirmed) on Amazon Linux 2023
    _launch("EC2KeyName"),
    _launch("IamInstanceProfile"),
    _launch("ImageId"),
    _launch("InstanceType"),
    _launch("MonitoringInterval", "5 minute", values=("1 minute", "5 minute")),
    _launch("RootVolumeIOPS", minimum=100, maximum=20000),
    _launch("RootVolumeSize", minimum=8, maximum=16384),
    _launch("RootVolumeThroughput", minimum=125, maximum=1000),
    _launch("RootVolumeType", values=("standard", "gp2", "gp3", "io1")),
    _launch("SSHSourceRestriction", "tcp,22,22,0.0.0.0/0"),
    _launch("SecurityGroups", kind=ValueType.LIST),
    _action("DesiredCapacity", minimum=0, maximum=10000),
    _action("EndTime"),
    _action("MaxSize", minimum=0, maximum=10000),
    _action("MinSize", minimum=0, maximum=10000),
    _action("Recurrence"),
    _action("StartTime"),
    _action("Suspend", "false", kind=ValueType.BOOLEAN),
    _trigger("BreachDuration", "5", minimum=1, maximum=600),
    _trigger("EvaluationPeriods", "1", minimum=1, maximum=600),
    _trigger("LowerBreachScaleIncrement", "-1", resource="AWSEBAutoScalingScaleDownPolicy"),
    _trigger("LowerThreshold", "2000000", minimum=0, maximum=20000000, decimal=True),
    _trigger(
        "MeasureName",
        "NetworkOut",
        values=(
            "CPUUtilization", "NetworkIn", "NetworkOut", "DiskWriteOps", "DiskReadBytes", "DiskReadOps", "DiskWriteBytes",
            "Latency", "RequestCount", "HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime",
        ),
    ),
    _trigger("Period", "5", minimum=1, maximum=600),
    _trigger("Statistic", "Average", values=("Minimum", "Maximum", "Sum", "Average")),
    _trigger(
        "Unit",
        "Bytes",
        values=("Seconds", "Percent", "Bytes", "Bits", "Count", "Bytes/Second", "Bits/Second", "Count/Second", "None"),
    ),
    _trigger("UpperBreachScaleIncrement", "1", resource="AWSEBAutoScalingScaleUpPolicy"),
    _trigger(
        "UpperThreshold", "6000000", minimum=0, maximum=20000000, resource="AWSEBCloudwatchAlarmHigh", decimal=True
    ),
    _update("MaxBatchSize", minimum=1, maximum=10000, traits=_BALANCED),
    _update("MinInstancesInService", minimum=0, maximum=9999, traits=_BALANCED),
    _update("PauseTime"),
    _update("RollingUpdateEnabled", "false", kind=ValueType.BOOLEAN),
    _update("RollingUpdateType", "Time", values=("Time", "Health", "Immutable")),
    _update("Timeout", "PT30M"),
    _instances("EnableSpot", "false", kind=ValueType.BOOLEAN),
    _instances("InstanceTypes", kind=ValueType.COMMAS),
    _instances("SpotFleetOnDemandAboveBasePercentage", "70", minimum=0, maximum=100),
    _instances("SpotFleetOnDemandBase", "0", minimum=0),
    _instances("SpotMaxPrice", minimum=0.001, maximum=20.0, decimal=True),
    _instances("SupportedArchitectures", "x86_64", kind=ValueType.COMMAS),
    _vpc("AssociatePublicIpAddress", kind=ValueType.BOOLEAN),
    _vpc("DBSubnets", kind=ValueType.COMMAS),
    _vpc("ELBScheme", "public"),
    _vpc("ELBSubnets", kind=ValueType.COMMAS),
    _vpc("Subnets", kind=ValueType.COMMAS),
    _vpc("VPCId"),
)  # fmt: skip

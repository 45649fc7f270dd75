"""Options of load balancers: classic, application and network ones (reference: beanstalk.md §6.2)."""

from functools import partial

from emulator.beanstalk.options.model import Option, Trait, ValueType

_V2 = frozenset({Trait.BALANCED, Trait.WEB, Trait.APPLICATION, Trait.NETWORK})
_APPLICATION = frozenset({Trait.BALANCED, Trait.WEB, Trait.APPLICATION})
_CLASSIC = frozenset({Trait.BALANCED, Trait.WEB, Trait.CLASSIC})


def _process(namespace: str) -> tuple[Option, ...]:
    option = partial(Option, namespace, traits=_V2)
    return (
        option("DeregistrationDelay", "20", minimum=0, maximum=3600),
        option("HealthCheckInterval", "15", minimum=5, maximum=300),
        option("HealthCheckPath", "/"),
        option("HealthCheckTimeout", "5", minimum=1, maximum=60),
        option("HealthyThresholdCount", "3", minimum=2, maximum=10),
        option("MatcherHTTPCode"),
        option("Port", "80", minimum=1, maximum=65535),
        option("Protocol", "HTTP", values=("TCP", "HTTP", "HTTPS")),
        option("StickinessEnabled", "false", kind=ValueType.BOOLEAN),
        option("StickinessLBCookieDuration", "86400", minimum=1, maximum=604800),
        option("StickinessType", "lb_cookie"),
        option("UnhealthyThresholdCount", "5", minimum=2, maximum=10),
    )


def _listener(namespace: str) -> tuple[Option, ...]:
    option = partial(Option, namespace, traits=_V2)
    return (
        option("DefaultProcess", "default"),
        option("ListenerEnabled", "true", kind=ValueType.BOOLEAN),
        option("Protocol", "HTTP", values=("HTTP", "HTTPS", "TCP")),
        option("Rules", kind=ValueType.COMMAS),
        option("SSLCertificateArns", kind=ValueType.COMMAS),
        option("SSLPolicy"),
    )


def _classic_listener(namespace: str) -> tuple[Option, ...]:
    option = partial(Option, namespace, traits=_CLASSIC)
    return (
        option("InstancePort", "80", minimum=1, maximum=65535),
        option("InstanceProtocol"),
        option("ListenerEnabled", "true", kind=ValueType.BOOLEAN),
        option("ListenerProtocol", "HTTP"),
        option("PolicyNames", kind=ValueType.COMMAS),
        option("SSLCertificateId"),
    )


_rule = partial(Option, "aws:elbv2:listenerrule:*", traits=_APPLICATION)
_balancer = partial(Option, "aws:elbv2:loadbalancer", traits=_V2)
_check = partial(Option, "aws:elb:healthcheck", traits=_CLASSIC, resource="AWSEBLoadBalancer")
_classic = partial(Option, "aws:elb:loadbalancer", traits=_CLASSIC, resource="AWSEBLoadBalancer")
_policies = partial(Option, "aws:elb:policies", traits=_CLASSIC, resource="AWSEBLoadBalancer")

OPTIONS: tuple[Option, ...] = (
    *_process("aws:elasticbeanstalk:environment:process:default"),
    *_process("aws:elasticbeanstalk:environment:process:*"),
    *_listener("aws:elbv2:listener:default"),
    *_listener("aws:elbv2:listener:*"),
    _rule("HostHeaders", kind=ValueType.COMMAS),
    _rule("PathPatterns", kind=ValueType.COMMAS),
    _rule("Priority", "1", minimum=1, maximum=1000),
    _rule("Process", "default"),
    _balancer("AccessLogsS3Bucket"),
    _balancer("AccessLogsS3Enabled", "false", kind=ValueType.BOOLEAN),
    _balancer("AccessLogsS3Prefix"),
    _balancer("IdleTimeout", minimum=1, maximum=3600),
    _balancer("ManagedSecurityGroup"),
    _balancer("SecurityGroups", kind=ValueType.COMMAS),
    _balancer("SharedLoadBalancer"),
    _check("HealthyThreshold", "3", minimum=2, maximum=10),
    _check("Interval", "10", minimum=5, maximum=300),
    _check("Target", "TCP:80"),
    _check("Timeout", "5", minimum=2, maximum=60),
    _check("UnhealthyThreshold", "5", minimum=2, maximum=10),
    *_classic_listener("aws:elb:listener"),
    *_classic_listener("aws:elb:listener:*"),
    _classic("CrossZone", "false", kind=ValueType.BOOLEAN),
    _classic("LoadBalancerHTTPPort", "80", values=("OFF", "80")),
    _classic("LoadBalancerHTTPSPort", "OFF"),
    _classic("LoadBalancerPortProtocol", "HTTP"),
    _classic("LoadBalancerSSLPortProtocol", "HTTPS"),
    _classic("ManagedSecurityGroup"),
    _classic("SSLCertificateId"),
    _classic("SecurityGroups", kind=ValueType.COMMAS),
    _policies("ConnectionDrainingEnabled", "false", kind=ValueType.BOOLEAN),
    _policies("ConnectionDrainingTimeout", "20", minimum=1, maximum=3600),
    _policies("ConnectionSettingIdleTimeout", "60", minimum=1, maximum=3600),
    _policies("Stickiness Cookie Expiration", "0", minimum=0, maximum=1000000),
    _policies("Stickiness Policy", "false", kind=ValueType.BOOLEAN),
)

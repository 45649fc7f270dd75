"""A load balancer in front of a service, as tests make it: a production and a test rule over two target groups."""

import http.client
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.running import RunningServer, free_port

FAST = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2}
ROLE = "arn:aws:iam::000000000000:role/ecsInfrastructureRole"


@dataclass(slots=True)
class Front:
    """A load balancer with a production and a test rule over two groups, and how to ask it."""

    server: RunningServer
    dns_name: str
    port: int
    blue: str
    green: str
    production: str
    test: str

    def get(self, path: str = "/") -> tuple[int, str]:
        """Status and body; a simulated task answers with its revision."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Host": self.dns_name, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def share(self, revision: str, requests: int) -> float:
        """Percent of so many requests that a revision answered; every one must be answered by a task."""
        answers = [self.get() for _ in range(requests)]
        assert Counter(status for status, _ in answers) == {200: requests}
        return 100 * sum(revision in body for _, body in answers) / requests

    @property
    def single(self) -> list[dict[str, Any]]:
        """`loadBalancers` of a service that stays with one group."""
        return [{"targetGroupArn": self.blue, "containerName": "app", "containerPort": 80}]

    @property
    def pair(self) -> list[dict[str, Any]]:
        """`loadBalancers` of a service that shifts traffic."""
        advanced = {
            "alternateTargetGroupArn": self.green,
            "productionListenerRule": self.production,
            "testListenerRule": self.test,
            "roleArn": ROLE,
        }
        return [{**self.single[0], "advancedConfiguration": advanced}]


def make_front(server: RunningServer, **attributes: str) -> Front:
    """A load balancer; `attributes` are its target groups', with `_` for `.`."""
    elbv2, ec2 = server.client("elbv2"), server.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    members = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "instance", **FAST}
    blue, green = (
        str(elbv2.create_target_group(Name=name, **members)["TargetGroups"][0]["TargetGroupArn"])
        for name in ("blue", "green")
    )
    for group in (blue, green):
        given = [{"Key": name, "Value": value} for name, value in attributes.items()]
        if given:
            elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=given)
    made = elbv2.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]
    port = free_port()
    nothing = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = elbv2.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=port, DefaultActions=nothing
    )["Listeners"][0]["ListenerArn"]

    def rule(priority: int, path: str) -> str:
        groups = [{"TargetGroupArn": blue, "Weight": 1}, {"TargetGroupArn": green, "Weight": 0}]
        found = elbv2.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        return str(found["Rules"][0]["RuleArn"])

    test, production = rule(1, "/test*"), rule(2, "/*")
    return Front(server, made["DNSName"], port, blue, green, production, test)

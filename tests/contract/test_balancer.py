"""Load balancers with a data plane: boto3 asks for them, and requests really go through a proxy to real servers."""

import http.client
import os
import signal
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.balancer.backends import Backend, backend
from tests.fronts import FAST
from tests.generator import Requests
from tests.proxies import alive, proxies
from tests.running import RunningServer, free_port, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("balancer") / "state", runtime="simulated")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def empty(server: RunningServer) -> None:
    server.admin("POST", "reset")
    server.admin("POST", "clock", {"rate": 1})


@dataclass(slots=True)
class Web:
    """A load balancer and how to ask it."""

    server: RunningServer
    arn: str
    dns_name: str
    listener_arn: str
    port: int

    def get(self, path: str = "/", host: str | None = None, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Ask its listener, on a connection of its own."""
        return ask(self.port, path, host or self.dns_name, method, **headers)

    def shares(self, requests: int) -> Counter[str]:
        """Who answered how many of so many requests."""
        return Counter(self.get()[1].split(" ")[0] for _ in range(requests))


def ask(port: int, path: str, host: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers={"Host": host, "Connection": "close", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def target_group(server: RunningServer, name: str, *backends: Backend, **members: Any) -> str:
    """A group of these servers, registered by their addresses."""
    elbv2 = server.client("elbv2")
    vpc = server.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    settings = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", **FAST, **members}
    arn = str(elbv2.create_target_group(Name=name, **settings)["TargetGroups"][0]["TargetGroupArn"])
    if backends:
        elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": b.address, "Port": b.port} for b in backends])
    return arn


def balancer(server: RunningServer, actions: list[dict[str, Any]], name: str = "web", **listener: Any) -> Web:
    """A load balancer with one listener."""
    elbv2, ec2 = server.client("elbv2"), server.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:3]
    made = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]
    port = free_port()
    members = {"Protocol": "HTTP", "Port": port, **listener}
    arn = elbv2.create_listener(LoadBalancerArn=made["LoadBalancerArn"], DefaultActions=actions, **members)
    wait_until(lambda: _connects(int(members["Port"])))
    return Web(
        server, made["LoadBalancerArn"], made["DNSName"], arn["Listeners"][0]["ListenerArn"], int(members["Port"])
    )


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def to(*shares: tuple[str, int]) -> list[dict[str, Any]]:
    """A forward action."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def states(server: RunningServer, arn: str) -> dict[tuple[str, int], dict[str, Any]]:
    found = server.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {(item["Target"]["Id"], item["Target"]["Port"]): item["TargetHealth"] for item in found}


def healthy(server: RunningServer, arn: str, count: int) -> bool:
    return [health["State"] for health in states(server, arn).values()].count("healthy") == count


@contextmanager
def backends(*names: str) -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        yield [stack.enter_context(backend(name)) for name in names]


def test_requests_go_through_with_what_a_balancer_adds(server: RunningServer) -> None:
    with backends("a") as (a,):
        group = target_group(server, "one", a)
        web = balancer(server, to((group, 1)))
        assert web.dns_name.endswith(".us-east-1.elb.localhost")
        wait_until(lambda: healthy(server, group, 1))
        wait_until(lambda: web.get("/x?y=1")[0] == 200)
        status, text = web.get("/x?y=1")
        assert (status, text.split(" ")[:2]) == (200, ["a", "/x?y=1"])
        assert "'X-Forwarded-For': '127.0.0.1'" in text
        assert f"'X-Forwarded-Port': '{web.port}'" in text
        assert "'X-Forwarded-Proto': 'http'" in text
        with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)) as connection:
            connection.request("GET", "/", headers={"Host": web.dns_name})
            assert connection.getresponse().getheader("Via") is None
        # the main port answers for it, too, by the Host header
        assert ask(server.port, "/main", web.dns_name)[1].startswith("a /main")
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
            connection.request("GET", "/", headers={"Host": web.dns_name})
            assert len(connection.getresponse().headers.get_all("Server", [])) == 1  # the target's
        assert ask(server.port, "/", "nobody.us-east-1.elb.localhost")[0] == 404


def test_weights_are_what_clients_see_and_move_live(server: RunningServer) -> None:
    with backends("blue", "blue", "green") as (blue, azure, green):
        old, new = target_group(server, "blue", blue, azure), target_group(server, "green", green)
        web = balancer(server, to((old, 90), (new, 10)))
        wait_until(lambda: healthy(server, old, 2) and healthy(server, new, 1))
        wait_until(lambda: web.get()[0] == 200)
        assert abs(web.shares(400)["green"] / 400 - 0.10) <= 0.05
        elbv2 = server.client("elbv2")
        elbv2.modify_listener(ListenerArn=web.listener_arn, DefaultActions=to((old, 50), (new, 50)))
        wait_until(lambda: web.shares(20)["green"] >= 8)
        assert abs(web.shares(400)["green"] / 400 - 0.50) <= 0.05
        elbv2.modify_listener(ListenerArn=web.listener_arn, DefaultActions=to((old, 0), (new, 100)))
        wait_until(lambda: web.shares(20)["green"] == 20)


def test_rules_are_tried_in_their_order(server: RunningServer) -> None:
    elbv2 = server.client("elbv2")

    def fixed(text: str, status: str = "200") -> list[dict[str, Any]]:
        config = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": text}
        return [{"Type": "fixed-response", "FixedResponseConfig": config}]

    web = balancer(server, fixed("nobody", "404"))
    redirect = {"Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/new/#{path}", "StatusCode": "HTTP_301"}
    rules: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
        ([{"Field": "path-pattern", "Values": ["/A*"]}], fixed("path")),
        ([{"Field": "host-header", "Values": ["*.Example.com"]}], fixed("host")),
        ([_condition("http-header", HttpHeaderName="X-Kind", Values=["be?"])], fixed("header")),
        ([_condition("http-request-method", Values=["PUT"])], fixed("method")),
        ([_condition("query-string", Values=[{"Key": "v", "Value": "2*"}])], fixed("query")),
        (
            [_condition("source-ip", Values=["127.0.0.0/8"]), {"Field": "path-pattern", "Values": ["/local"]}],
            fixed("source"),
        ),
        ([{"Field": "path-pattern", "Values": ["/old"]}], [{"Type": "redirect", "RedirectConfig": redirect}]),
    ]
    for priority, (conditions, actions) in enumerate(rules, 1):
        elbv2.create_rule(ListenerArn=web.listener_arn, Conditions=conditions, Actions=actions, Priority=priority)
    wait_until(lambda: web.get("/old")[0] == 301)
    assert web.get("/Abc")[1] == "path"
    assert web.get("/abc") == (404, "nobody")
    assert web.get("/", host="www.example.COM")[1] == "host"
    assert web.get("/", **{"x-kind": "BEE"})[1] == "header"
    assert web.get("/", method="PUT")[1] == "method"
    assert web.get("/?v=21&w")[1] == "query"
    assert web.get("/local")[1] == "source"
    assert web.get("/", host="www.example.org") == (404, "nobody")


def _condition(field: str, **config: Any) -> dict[str, Any]:
    name = {
        "http-header": "HttpHeaderConfig",
        "http-request-method": "HttpRequestMethodConfig",
        "query-string": "QueryStringConfig",
        "source-ip": "SourceIpConfig",
    }[field]
    return {"Field": field, name: config}


def test_a_rule_that_cannot_be_carried_out_is_left_out_and_told(server: RunningServer) -> None:
    elbv2 = server.client("elbv2")

    def fixed(text: str) -> list[dict[str, Any]]:
        return [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": text}}]

    def put_rule(priority: int, text: str, *conditions: dict[str, Any]) -> str:
        members = {"ListenerArn": web.listener_arn, "Conditions": conditions, "Priority": priority}
        return str(elbv2.create_rule(Actions=fixed(text), **members)["Rules"][0]["RuleArn"])

    web = balancer(server, fixed("default"))
    anything = {"Field": "path-pattern", "Values": ["*"]}
    wait_until(lambda: web.get()[1] == "default")
    bad = put_rule(1, "bad", anything, _condition("source-ip", Values=["10.0.0.0/99"]))
    put_rule(2, "good", anything)
    wait_until(lambda: web.get()[1] == "good")
    (entry,) = server.admin("GET", f"journal?kind=fault&subject={bad}")["entries"]
    assert entry["detail"] == {"priority": 1, "leftOut": "'10.0.0.0/99' is no CIDR block"}
    (listener,) = server.admin("GET", "balancers")["balancers"][0]["listeners"]
    assert (listener["answersOnPort"], listener["rules"]) == (web.port, 3)
    assert listener["leftOut"] == [{"rule": bad, "priority": 1, "reason": "'10.0.0.0/99' is no CIDR block"}]
    assert f"left out: web HTTP {web.port}, rule 1: '10.0.0.0/99' is no CIDR block" in server.run("ashore", "balancers")
    elbv2.modify_rule(RuleArn=bad, Conditions=[anything, _condition("source-ip", Values=["127.0.0.1/32"])])
    wait_until(lambda: web.get()[1] == "bad")
    assert server.admin("GET", "balancers")["balancers"][0]["listeners"][0]["leftOut"] == []


def test_what_aws_would_refuse_is_refused(server: RunningServer) -> None:
    elbv2 = server.client("elbv2")
    group = target_group(server, "limits")
    web = balancer(server, to((group, 1)))
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}
    elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    attribute = {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "604801"}
    with pytest.raises(ClientError, match="'604801' must be between '1-604800' inclusive") as error:
        elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[attribute])
    assert error.value.response["Error"]["Code"] == "ValidationError"
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": "soon"}
    with pytest.raises(ClientError, match="ValidationError"):
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=web.arn, Attributes=[attribute])
    regular = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}}
    with pytest.raises(ClientError, match="does not carry out regular expressions"):
        elbv2.create_rule(ListenerArn=web.listener_arn, Conditions=[regular], Actions=to((group, 1)), Priority=1)
    rule = {"ListenerArn": web.listener_arn, "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}], "Priority": 1}
    long = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "x" * 1025}}
    rewrite = {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a", "Replace": "/b"}]}}
    for wrong, text in (
        ({"Priority": 50_001}, "at 'priority' failed to satisfy constraint: Member must have value less than or equal"),
        ({"Actions": [long]}, "messageBody' failed to satisfy constraint: Member must have length less than or equal"),
        ({"Transforms": [rewrite]}, "does not carry out transforms"),
    ):
        with pytest.raises(ClientError, match=text):
            elbv2.create_rule(**{"Actions": to((group, 1)), **rule, **wrong})
    attribute = {"Key": "stickiness.type", "Value": "honey"}
    with pytest.raises(ClientError, match="'honey' must be one of"):
        elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[attribute])


def test_health_is_what_checks_find(server: RunningServer) -> None:
    with backends("a", "b") as (a, b):
        group = target_group(server, "health", a, b, HealthCheckPath="/health", UnhealthyThresholdCount=2)
        place = (b.address, b.port)
        assert states(server, group)[place]["State"] in {"initial", "unused"}
        wait_until(lambda: states(server, group)[place]["State"] == "unused")
        assert states(server, group)[place]["Reason"] == "Target.NotInUse"
        web = balancer(server, to((group, 1)))
        wait_until(lambda: healthy(server, group, 2))
        assert "/health" in b.seen
        b.status = 503
        server.admin("POST", "clock", {"advance": 5})
        assert states(server, group)[place]["State"] == "healthy"
        server.admin("POST", "clock", {"advance": 5})
        assert states(server, group)[place] == {
            "State": "unhealthy",
            "Reason": "Target.ResponseCodeMismatch",
            "Description": "Health checks failed with these codes: [503]",
        }
        wait_until(lambda: set(web.shares(10)) == {"a"})
        b.status = 200
        server.admin("POST", "clock", {"advance": 5})
        assert states(server, group)[place]["State"] == "unhealthy"
        server.admin("POST", "clock", {"advance": 5})
        assert states(server, group)[place] == {"State": "healthy"}
        wait_until(lambda: set(web.shares(10)) == {"a", "b"})


def test_a_target_that_does_not_listen_is_unhealthy_and_nobody_answers(server: RunningServer) -> None:
    group = target_group(server, "nobody")
    web = balancer(server, to((group, 1)))
    wait_until(lambda: web.get()[0] == 503)
    closed = free_port()
    elbv2 = server.client("elbv2")
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.77.1.1", "Port": closed}])
    server.admin("POST", "clock", {"advance": 10})
    wait_until(lambda: states(server, group)["127.77.1.1", closed]["State"] == "unhealthy")
    assert states(server, group)["127.77.1.1", closed]["Reason"] == "Target.FailedHealthChecks"
    wait_until(lambda: web.get()[0] == 502)  # the group fails open


def test_draining_loses_no_request(server: RunningServer) -> None:
    with backends("a", "b") as (a, b):
        group = target_group(server, "drain", a, b)
        web = balancer(server, to((group, 1)))
        wait_until(lambda: healthy(server, group, 2))
        wait_until(lambda: web.get()[0] == 200)
        with generator(web) as told:
            slow: list[tuple[int, str]] = []
            askers = [threading.Thread(target=lambda: slow.append(web.get("/slow"))) for _ in range(4)]
            for asker in askers:
                asker.start()
            wait_until(a.entered.is_set)
            elbv2 = server.client("elbv2")
            elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": a.address, "Port": a.port}])
            found = states(server, group)[a.address, a.port]
            assert (found["State"], found["Reason"]) == ("draining", "Target.DeregistrationInProgress")
            wait_until(lambda: set(web.shares(10)) == {"b"})
            for one in (a, b):
                one.gate.set()
            for asker in askers:
                asker.join()
            assert [status for status, _ in slow] == [200] * 4
            server.admin("POST", "clock", {"advance": 300})
            wait_until(lambda: (a.address, a.port) not in states(server, group))
            elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": a.address, "Port": a.port}])
            wait_until(lambda: healthy(server, group, 2))
            wait_until(lambda: set(web.shares(10)) == {"a", "b"})
        assert set(told) == {200}, told


@contextmanager
def generator(web: Web) -> Iterator[Counter[int]]:
    """Requests without pause from another thread; what was answered, 0 for a failed connection."""
    told: Counter[int] = Counter()
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                told[web.get()[0]] += 1
            except (OSError, http.client.HTTPException):
                told[0] += 1

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_two_ports_of_one_instance_are_two_targets(server: RunningServer) -> None:
    host = server.admin("POST", "hosts", {"count": 1})["hosts"][0]
    instance, address = host["instance"], host["address"]
    with backend("a", address) as a, backend("b", address) as b:
        group = target_group(server, "inst", TargetType="instance")
        elbv2 = server.client("elbv2")
        targets = [{"Id": instance, "Port": one.port} for one in (a, b)]
        elbv2.register_targets(TargetGroupArn=group, Targets=targets)
        web = balancer(server, to((group, 1)))
        wait_until(lambda: healthy(server, group, 2))
        wait_until(lambda: set(web.shares(10)) == {"a", "b"})


def test_https_with_a_generated_certificate(server: RunningServer) -> None:
    acm = server.client("acm")
    certificate = acm.request_certificate(DomainName="www.example.com")["CertificateArn"]
    with backends("a") as (a,):
        group = target_group(server, "tls", a)
        certificates = [{"CertificateArn": certificate}]
        web = balancer(server, to((group, 1)), Protocol="HTTPS", Certificates=certificates)
        wait_until(lambda: healthy(server, group, 1))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", web.port, context=context, timeout=20)
        connection.request("GET", "/", headers={"Host": web.dns_name})
        assert "'X-Forwarded-Proto': 'https'" in connection.getresponse().read().decode()
        connection.close()


def test_a_network_balancer_forwards_tcp(server: RunningServer) -> None:
    with backends("a") as (a,):
        group = target_group(server, "tcp", a, Protocol="TCP", HealthCheckProtocol="TCP")
        elbv2, ec2 = server.client("elbv2"), server.client("ec2")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:1]
        made = elbv2.create_load_balancer(Name="net", Subnets=subnets, Type="network")["LoadBalancers"][0]
        assert ":loadbalancer/net/net/" in made["LoadBalancerArn"]
        port = free_port()
        elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"], Protocol="TCP", Port=port, DefaultActions=to((group, 1))
        )
        wait_until(lambda: healthy(server, group, 1))
        wait_until(lambda: _answers(port))
        assert ask(port, "/", "x")[1].startswith("a /")


def _answers(port: int) -> bool:
    try:
        return ask(port, "/", "x")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_stickiness_keeps_a_client_with_its_group(server: RunningServer) -> None:
    with backends("blue", "green") as (blue, green):
        old, new = target_group(server, "sticky-b", blue), target_group(server, "sticky-g", green)
        (action,) = to((old, 1), (new, 1))
        action["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": 60}
        web = balancer(server, [action])
        wait_until(lambda: healthy(server, old, 1) and healthy(server, new, 1))
        wait_until(lambda: web.get()[0] == 200)
        connection = http.client.HTTPConnection("127.0.0.1", web.port)
        connection.request("GET", "/")
        answer = connection.getresponse()
        first = answer.read().decode().split(" ")[0]
        cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
        connection.close()
        assert cookie.startswith("AWSALBTG=")
        assert {web.get("/", Cookie=cookie)[1].split(" ")[0] for _ in range(10)} == {first}


def test_metrics_are_published_each_minute(server: RunningServer) -> None:
    with backends("a") as (a,):
        group = target_group(server, "metrics", a)
        web = balancer(server, to((group, 1)))
        cloudwatch = server.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="asked",
            Namespace="AWS/ApplicationELB",
            MetricName="RequestCount",
            Dimensions=[{"Name": "LoadBalancer", "Value": web.arn.partition(":loadbalancer/")[2]}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        wait_until(lambda: healthy(server, group, 1))
        wait_until(lambda: web.get()[0] == 200)
        for _ in range(30):
            web.get()
        dimensions = [
            {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
            {"Name": "LoadBalancer", "Value": web.arn.partition(":loadbalancer/")[2]},
        ]

        def total(name: str) -> float:
            server.admin("POST", "clock", {"advance": 60})
            return float(sum(point["Sum"] for point in points_of(name)))

        def points_of(name: str) -> list[dict[str, Any]]:
            now = datetime.now(UTC)  # noqa: TID251 - the server's clock runs in real time but for what it was advanced
            found: list[dict[str, Any]] = cloudwatch.get_metric_statistics(
                Namespace="AWS/ApplicationELB",
                MetricName=name,
                Dimensions=dimensions,
                StartTime=now - timedelta(hours=2),
                EndTime=now + timedelta(hours=2),
                Period=60,
                Statistics=["Sum", "Maximum"],
            )["Datapoints"]
            return found

        wait_until(lambda: total("RequestCount") >= 31)
        entries = server.admin("GET", "journal?kind=state_change&limit=1000")["entries"]
        (alarmed,) = [item for item in entries if item["detail"].get("state") == "ALARM"]
        measured = min(point["Timestamp"] for point in points_of("RequestCount"))
        # evaluated once the minute was published, not a minute later
        assert datetime.fromisoformat(alarmed["at"]).replace(second=0, microsecond=0) == measured + timedelta(minutes=1)
        assert total("HTTPCode_Target_2XX_Count") >= 31
        assert total("HealthyHostCount") >= 1
        assert total("TargetResponseTime") > 0


def test_a_killed_server_leaves_no_proxy_and_carries_on(tmp_path: Path) -> None:
    running = RunningServer(tmp_path / "state", runtime="simulated")
    try:
        with ExitStack() as stack, backend("b") as b:
            a = stack.enter_context(backend("a"))
            group = target_group(running, "kill", a, b)
            web = balancer(running, to((group, 1)))
            wait_until(lambda: healthy(running, group, 2))
            wait_until(lambda: set(web.shares(4)) == {"a", "b"})
            mine = proxies(running)
            assert len(mine) == 2
            running.kill()
            wait_until(lambda: not any(alive(pid) for pid in mine))
            stack.close()  # a target ends, too, while nobody looks
            with Requests(web.port, web.dns_name) as requests:
                running.start()
                wait_until(lambda: len([one for one in requests.answers if not one.cut]) >= 10)
            assert {one.said.partition(" ")[0] for one in requests.answers if not one.cut} == {"b"}
    finally:
        running.stop()


def test_a_proxy_that_dies_comes_back_and_no_request_is_lost(tmp_path: Path) -> None:
    running = RunningServer(tmp_path / "state", runtime="simulated")
    try:
        with backends("a") as (a,):
            group = target_group(running, "router", a)
            web = balancer(running, to((group, 1)))
            wait_until(lambda: healthy(running, group, 1))
            wait_until(lambda: web.get()[0] == 200)
            before = proxies(running)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: _answers(web.port))
                assert web.get()[0] == 200
            wait_until(lambda: len(set(proxies(running)) - set(before)) == 2)
    finally:
        running.stop()


def test_errors_are_elbs(server: RunningServer) -> None:
    elbv2 = server.client("elbv2")
    missing = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/none/0123456789abcdef"
    with pytest.raises(ClientError) as raised:
        elbv2.register_targets(TargetGroupArn=missing, Targets=[{"Id": "10.0.0.1"}])
    assert raised.value.response["Error"]["Code"] == "TargetGroupNotFound"
    group = target_group(server, "errors")
    with pytest.raises(ClientError, match="not a valid IPv4 or IPv6"):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "i-0123456789abcdef0"}])
    described = elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.0.0.9", "Port": 80}])
    assert described["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"

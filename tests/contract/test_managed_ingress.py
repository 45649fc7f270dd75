"""Express services and gateways by boto3: everything that one request asks for is really made, answers, and is removed again."""

import http.client
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import RunningServer

ROLE = "arn:aws:iam::000000000000:role/ecsInfrastructureRole"
EXECUTION = "arn:aws:iam::000000000000:role/ecsTaskExecutionRole"
ASKED = {"executionRoleArn": EXECUTION, "infrastructureRoleArn": ROLE, "primaryContainer": {"image": "web:1"}}
MINUTE = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    state = tmp_path_factory.mktemp("express") / "state"
    running = RunningServer(state, runtime="simulated", preset="demo", clock="paused")
    yield running
    running.stop()


@pytest.fixture
def ecs(server: RunningServer) -> Any:
    server.admin("POST", "reset")
    return server.client("ecs")


def create(ecs: Any, name: str = "web", **members: Any) -> Any:
    return ecs.create_express_gateway_service(serviceName=name, **{**ASKED, **members})["service"]


def describe(ecs: Any, arn: str) -> Any:
    return ecs.describe_express_gateway_service(serviceArn=arn, include=["TAGS"])["service"]


def advance(server: RunningServer, minutes: float = 1) -> None:
    server.admin("POST", "clock", {"advance": minutes * MINUTE})


def newest(ecs: Any, arn: str) -> Any:
    return ecs.list_service_deployments(service=arn)["serviceDeployments"][0]


def deployed(server: RunningServer, ecs: Any, arn: str, minutes: int = 30) -> Any:
    """Let time pass until the newest deployment has succeeded; the service then."""
    for _ in range(minutes):
        found = ecs.list_service_deployments(service=arn)["serviceDeployments"]
        if found and found[0]["status"] == "SUCCESSFUL":
            return describe(ecs, arn)
        advance(server)
    raise AssertionError(newest(ecs, arn))


def endpoint(service: Any) -> str:
    return str(service["activeConfigurations"][0]["ingressPaths"][0]["endpoint"])


def ask(url: str, path: str = "/") -> tuple[int, str]:
    """Status and body; the certificate is signed by itself, and the name is this machine's."""
    name, _, port = url.removeprefix("https://").partition(":")
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", int(port or 443), timeout=20, context=trusting)
    try:
        connection.request("GET", path, headers={"Host": name, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**members)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_one_request_makes_a_service_that_answers_at_its_endpoint(server: RunningServer, ecs: Any) -> None:
    made = create(ecs, tags=[{"key": "team", "value": "blue"}])
    assert made["status"] == {"statusCode": "ACTIVE"}
    found = deployed(server, ecs, made["serviceArn"])
    (configuration,) = found["activeConfigurations"]
    assert found["tags"] == [{"key": "team", "value": "blue"}]
    assert found["currentDeployment"] == newest(ecs, made["serviceArn"])["serviceDeploymentArn"]
    assert (configuration["cpu"], configuration["memory"], configuration["healthCheckPath"]) == ("256", "512", "/ping")
    assert configuration["scalingTarget"]["maxTaskCount"] == 20
    url = endpoint(found)
    server.wait_until(lambda: ask(endpoint(describe(ecs, made["serviceArn"])))[0] == 200)
    assert configuration["serviceRevisionArn"] in ask(endpoint(describe(ecs, made["serviceArn"])))[1]
    elbv2 = server.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert balancer["LoadBalancerName"].startswith("ecs-express-gateway-alb-")
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    rule, default = elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    host = url.removeprefix("https://").partition(":")[0]
    assert rule["Conditions"][0]["HostHeaderConfig"]["Values"] == [host]
    assert default["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    groups = elbv2.describe_target_groups()["TargetGroups"]
    assert [(one["TargetType"], one["HealthCheckPath"]) for one in groups] == [("ip", "/ping")] * 2
    (service,) = ecs.describe_services(services=["web"])["services"]
    assert service["resourceManagementType"] == "ECS"
    assert service["deploymentConfiguration"]["strategy"] == "CANARY"
    assert service["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]
    definition = ecs.describe_task_definition(taskDefinition=configuration["taskDefinitionArn"])["taskDefinition"]
    assert definition["family"] == "default-web"
    (container,) = definition["containerDefinitions"]
    assert container["name"] == "Main"
    group = container["logConfiguration"]["options"]["awslogs-group"]
    assert server.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    scaling = server.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == ("service/default/web", 1, 20)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["TargetValue"] == 60
    (certificate,) = server.client("acm").list_certificates()["CertificateSummaryList"]
    assert (certificate["DomainName"], certificate["Status"]) == (host, "ISSUED")
    revision = ecs.describe_service_revisions(serviceRevisionArns=[configuration["serviceRevisionArn"]])
    managed = revision["serviceRevisions"][0]["ecsManagedResources"]
    assert managed["ingressPaths"][0]["rule"]["arn"] == rule["RuleArn"]
    assert managed["autoScaling"]["scalableTarget"]["maxCapacity"] == 20
    assert ecs.list_services(resourceManagementType="ECS")["serviceArns"] == [made["serviceArn"]]
    assert ecs.list_services(resourceManagementType="CUSTOMER")["serviceArns"] == []


def test_an_update_is_a_canary_whose_health_check_is_its_own_groups(server: RunningServer, ecs: Any) -> None:
    arn = create(ecs)["serviceArn"]
    first = deployed(server, ecs, arn)["activeConfigurations"][0]["serviceRevisionArn"]
    scaling = {"minTaskCount": 2, "autoScalingMetric": "REQUEST_COUNT_PER_TARGET", "autoScalingTargetValue": 500}
    updated = ecs.update_express_gateway_service(
        serviceArn=arn,
        primaryContainer={"image": "web:2", "containerPort": 8080},
        healthCheckPath="/health",
        scalingTarget=scaling,
    )["service"]
    target = updated["targetConfiguration"]
    assert target["primaryContainer"]["image"] == "web:2"
    assert target["taskDefinitionArn"].endswith("default-web:2")
    green = target["serviceRevisionArn"]
    shown = describe(ecs, arn)["activeConfigurations"]
    assert [one["serviceRevisionArn"] for one in shown] == [green, first]
    arns, shares = [newest(ecs, arn)["serviceDeploymentArn"]], [0.0]
    while shares[-1] == 0 and len(shares) < 20:
        advance(server, 0.5)
        (found,) = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        shares.append(found["targetServiceRevision"].get("requestedProductionTrafficWeight", 0.0))
    assert shares[-1] == 5.0
    elbv2 = server.client("elbv2")
    groups = elbv2.describe_target_groups()["TargetGroups"]
    assert sorted(one["HealthCheckPath"] for one in groups) == ["/health", "/ping"]
    after = deployed(server, ecs, arn)
    assert [one["serviceRevisionArn"] for one in after["activeConfigurations"]] == [green]
    server.wait_until(lambda: green in ask(endpoint(after))[1])
    (policy,) = server.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")[
        "ScalingPolicies"
    ]
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    healthy = next(one for one in groups if one["HealthCheckPath"] == "/health")
    assert tracked["PredefinedMetricType"] == "ALBRequestCountPerTarget"
    assert tracked["ResourceLabel"].endswith(healthy["TargetGroupArn"].rpartition(":")[2])
    assert ecs.describe_services(services=["web"])["services"][0]["desiredCount"] == 2


def test_errors_of_the_canary_roll_it_back(server: RunningServer, ecs: Any) -> None:
    arn = create(ecs)["serviceArn"]
    first = deployed(server, ecs, arn)["activeConfigurations"][0]["serviceRevisionArn"]
    cloudwatch = server.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["default/web/RollbackAlarm"])["MetricAlarms"]
    counts = {one["Id"]: one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert counts.keys() == {f"m{index}_{suffix}" for index in (0, 1) for suffix in ("4xx", "5xx", "total")}
    advance(server)
    assert cloudwatch.describe_alarms(AlarmNames=["default/web/RollbackAlarm"])["MetricAlarms"][0]["StateValue"] == "OK"
    changed = {"primaryContainer": {"image": "web:2"}, "scalingTarget": {"maxTaskCount": 4}}
    ecs.update_express_gateway_service(serviceArn=arn, **changed)

    def fails(suffix: str, value: float) -> None:
        for index in (0, 1):
            metric = counts[f"m{index}_{suffix}"]
            told = {"MetricName": metric["MetricName"], "Dimensions": metric["Dimensions"], "Value": value}
            cloudwatch.put_metric_data(Namespace=metric["Namespace"], MetricData=[told])

    for _ in range(6):
        fails("total", 100)
        fails("5xx", 50)
        advance(server)
    assert newest(ecs, arn)["status"] in {"ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"}
    for _ in range(10):
        advance(server)
    assert newest(ecs, arn)["status"] == "ROLLBACK_SUCCESSFUL"
    shown = describe(ecs, arn)["activeConfigurations"]
    assert [one["serviceRevisionArn"] for one in shown] == [first]
    scaling = server.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert target["MaxCapacity"] == 20
    told = server.admin("GET", "explain?target=web")["text"]
    assert f"{endpoint(describe(ecs, arn))} is ACTIVE." in told


def test_services_of_a_vpc_share_a_load_balancer_and_the_last_one_takes_it_along(
    server: RunningServer, ecs: Any
) -> None:
    first, second = create(ecs, "one")["serviceArn"], create(ecs, "two")["serviceArn"]
    elbv2 = server.client("elbv2")
    for arn in (first, second):
        deployed(server, ecs, arn)
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    url = endpoint(describe(ecs, second))
    server.wait_until(lambda: ask(url)[0] == 200)
    assert ask(url.replace("tw-", "no-"))[0] == 404
    deleted = ecs.delete_express_gateway_service(serviceArn=first)["service"]
    assert deleted["status"]["statusCode"] == "DRAINING"
    assert refused(ecs.update_express_gateway_service, serviceArn=first) == (
        "ServiceNotActiveException",
        "Service was not ACTIVE.",
    )
    assert refused(create, ecs=ecs, name="one")[1] == "Unable to Start a service that is still Draining."

    def gone(arn: str) -> bool:
        advance(server)
        return bool(describe(ecs, arn)["status"]["statusCode"] == "INACTIVE")

    server.wait_until(lambda: gone(first))
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    assert len(elbv2.describe_target_groups()["TargetGroups"]) == 2
    assert ask(url)[0] == 200
    ecs.delete_express_gateway_service(serviceArn=second)
    server.wait_until(lambda: gone(second))
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert server.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert server.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    groups = server.client("ec2").describe_security_groups()["SecurityGroups"]
    assert {one["GroupName"] for one in groups} == {"default"}
    assert describe(ecs, second)["activeConfigurations"] == []
    connect(server, ecs, serviceName="two", gatewayConnectors=[])
    assert ecs.list_services(resourceManagementType="CUSTOMER")["serviceArns"] == [second]
    ecs.delete_service(service="two", force=True)
    server.wait_until(lambda: ecs.describe_services(services=["two"])["services"][0]["status"] == "INACTIVE")
    assert deployed(server, ecs, create(ecs, "two")["serviceArn"])["status"]["statusCode"] == "ACTIVE"


def test_a_server_that_is_killed_in_between_carries_on(server: RunningServer, ecs: Any) -> None:
    made = create(ecs)
    server.kill()
    server.start()
    ecs = server.client("ecs")
    found = deployed(server, ecs, made["serviceArn"])
    assert len(server.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
    server.wait_until(lambda: ask(endpoint(describe(ecs, made["serviceArn"])))[0] == 200)
    ecs.delete_express_gateway_service(serviceArn=made["serviceArn"])
    server.kill()
    server.start()

    def gone() -> bool:
        advance(server)
        shown = server.client("ecs").describe_express_gateway_service(serviceArn=made["serviceArn"])["service"]
        return bool(shown["status"]["statusCode"] == "INACTIVE")

    server.wait_until(gone)
    assert server.client("elbv2").describe_target_groups()["TargetGroups"] == []
    assert server.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert found["status"]["statusCode"] == "ACTIVE"


def test_a_task_definition_of_ones_own(server: RunningServer, ecs: Any) -> None:
    ports = [{"containerPort": 3000, "name": "http"}]
    main = {"name": "Main", "image": "own:1", "portMappings": ports}
    members: Any = {
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "512",
        "memory": "1024",
        "containerDefinitions": [main, {"name": "sidecar", "image": "side:1"}],
    }
    ecs.register_task_definition(family="own", **members)
    made = ecs.create_express_gateway_service(
        serviceName="own", infrastructureRoleArn=ROLE, taskDefinitionArn="own", cluster="default"
    )["service"]
    found = deployed(server, ecs, made["serviceArn"])["activeConfigurations"][0]
    assert found["taskDefinitionArn"].endswith("task-definition/own:1")
    assert (found["cpu"], found["primaryContainer"]["containerPort"]) == ("512", 3000)
    assert "cpuArchitecture" not in found
    ecs.register_task_definition(family="bad", **{**members, "containerDefinitions": [{**main, "name": "app"}]})
    assert refused(ecs.create_express_gateway_service, infrastructureRoleArn=ROLE, taskDefinitionArn="bad") == (
        "InvalidParameterException",
        "The task definition must have a container named Main.",
    )


def test_what_is_refused(ecs: Any) -> None:
    invalid = "InvalidParameterException"
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"infrastructureRoleArn": "role"}, invalid, "infrastructureRoleArn must be the ARN of an IAM role. Got: role"),
        ({"executionRoleArn": "role"}, invalid, "executionRoleArn must be the ARN of an IAM role. Got: role"),
        ({"healthCheckPath": "ping"}, invalid, "healthCheckPath must start with a forward slash."),
        ({"cluster": "other"}, "ClusterNotFoundException", "Cluster not found."),
        ({"taskDefinitionArn": "web"}, invalid, "primaryContainer, executionRoleArn cannot be specified together"),
        ({"cpu": "300"}, "ClientException", "No Fargate configuration exists for given values"),
        ({"scalingTarget": {"minTaskCount": 30}}, invalid, "minTaskCount must be at least 1 and not greater than"),
        ({"networkConfiguration": {"subnets": ["subnet-0"]}}, invalid, "Error retrieving subnet information"),
    ]  # fmt: skip
    for members, code, text in cases:
        found = refused(create, ecs=ecs, **members)
        assert found[0] == code, found
        assert found[1].startswith(text), found
    without = refused(ecs.create_express_gateway_service, infrastructureRoleArn=ROLE)
    assert without[1] == "executionRoleArn must be specified when taskDefinitionArn is not specified."
    nobody = "arn:aws:ecs:us-east-1:000000000000:service/default/nobody"
    assert refused(ecs.describe_express_gateway_service, serviceArn=nobody)[0] == "ResourceNotFoundException"
    assert refused(ecs.delete_express_gateway_service, serviceArn=nobody)[0] == "ServiceNotFoundException"
    made = create(ecs)
    assert create(ecs)["serviceArn"] == made["serviceArn"]
    assert refused(create, ecs=ecs, cpu="512")[1] == "Creation of service was not idempotent."
    changed = {"deploymentConfiguration": {"strategy": "ROLLING"}}
    assert refused(ecs.update_service, service="web", **changed)[0] == invalid
    named = ecs.create_express_gateway_service(**{**ASKED, "primaryContainer": {"image": "team/shop:3"}})["service"]
    assert named["serviceName"].startswith("shop-")


SHARED = {"hostSharedAlb": {"testTrafficRules": {"header": {"name": "x-test", "values": ["yes"]}}}}


def make_gateway(ecs: Any, name: str = "front", **members: Any) -> str:
    """A gateway that services of the cluster `default` may use."""
    asked: dict[str, Any] = {"infrastructureRoleArn": ROLE, "configuration": SHARED, "deletionProtection": False}
    made = ecs.create_gateway(name=name, **{**asked, **members})
    assert made["status"] == "ACTIVE"
    associated = ecs.associate_gateway_with_cluster(gateway=name, cluster="default")
    assert associated["status"] == "ACTIVE"
    return str(made["gatewayArn"])


def connect(server: RunningServer, ecs: Any, **members: Any) -> str:
    """The service `web` behind the cluster's gateways; its ARN."""
    ports = [{"containerPort": 80, "name": "http"}]
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "web:1", "portMappings": ports}],
    )
    subnets = [one["SubnetId"] for one in server.client("ec2").describe_subnets()["Subnets"]][:2]
    network = {"awsvpcConfiguration": {"subnets": subnets}}
    asked: dict[str, Any] = {
        "launchType": "FARGATE",
        "networkConfiguration": network,
        "gatewayConnectors": [{"portName": "http"}],
    }
    asked |= {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1}
    made = ecs.create_service(**{**asked, **members})
    return str(made["service"]["serviceArn"])


def finished(server: RunningServer, ecs: Any, arn: str) -> Any:
    """Let time pass until the newest deployment has succeeded."""
    for _ in range(30):
        found = ecs.list_service_deployments(service=arn)["serviceDeployments"]
        if found and found[0]["status"] == "SUCCESSFUL":
            return found[0]
        advance(server)
    raise AssertionError(newest(ecs, arn))


def routes(ecs: Any, **members: Any) -> Any:
    return ecs.list_gateway_routes(**members)["gatewayRoutes"]


def test_a_service_answers_at_its_gateways_url(server: RunningServer, ecs: Any) -> None:
    gateway = make_gateway(ecs, tags=[{"key": "team", "value": "blue"}])
    assert ecs.describe_gateway(gateway="front")["gateway"]["configuration"]["hostSharedAlb"]["currentAlbCount"] == 0
    arn = connect(server, ecs)
    deployment = finished(server, ecs, arn)
    (route,) = routes(ecs, gateway="front", cluster="default", service="web", serviceContainerPortName="http")
    assert (route["status"], route["serviceArn"], route["gatewayArn"]) == ("ACTIVE", arn, gateway)

    def answers() -> bool:
        found = ecs.describe_gateway_route(gatewayRouteArn=route["gatewayRouteArn"])["gatewayRoute"]
        status, said = ask(found["serviceUrl"])
        return status == 200 and deployment["targetServiceRevisionArn"] in said

    server.wait_until(answers)
    shown = ecs.describe_gateway_route(gatewayRouteArn=route["gatewayRouteArn"])["gatewayRoute"]
    (made,) = shown["resources"]["hostSharedAlb"]
    elbv2 = server.client("elbv2")
    rules = {one["RuleArn"]: one for one in elbv2.describe_rules(ListenerArn=made["listenerArn"])["Rules"]}
    (test_rule,) = made["testListenerRuleArns"]
    assert [one["Field"] for one in rules[test_rule]["Conditions"]] == ["host-header", "http-header"]
    assert int(rules[test_rule]["Priority"]) < int(rules[made["listenerRuleArn"]]["Priority"])
    (shared,) = ecs.describe_gateway_resources(gateway="front")["gatewayResources"]["resources"]["hostSharedAlb"]
    assert shared["loadBalancerArn"] == made["loadBalancerArn"]
    assert shared["gatewayRouteArns"] == [route["gatewayRouteArn"]]
    tags = elbv2.describe_tags(ResourceArns=[made["loadBalancerArn"]])["TagDescriptions"][0]["Tags"]
    assert {"Key": "team", "Value": "blue"} in tags
    found = ecs.describe_service_revisions(serviceRevisionArns=[deployment["targetServiceRevisionArn"]])
    revision = found["serviceRevisions"][0]
    assert revision["gatewayConnectors"] == [{"portName": "http"}]
    (connection,) = revision["ecsManagedResources"]["gatewayConnections"]
    assert (connection["accessType"], connection["serviceUrl"]) == ("PUBLIC", shown["serviceUrl"])


def test_an_update_of_a_gateway_reaches_its_load_balancers_and_rules(server: RunningServer, ecs: Any) -> None:
    make_gateway(ecs)
    finished(server, ecs, connect(server, ecs))
    (shared,) = ecs.describe_gateway_resources(gateway="front")["gatewayResources"]["resources"]["hostSharedAlb"]
    changed = {"hostSharedAlb": {"httpDesync": "strictest", "testTrafficRules": {}}}
    updated = ecs.update_gateway(gateway="front", configuration=changed, deletionProtection=True)
    assert updated["status"] == "UPDATE_IN_PROGRESS"
    server.wait_until(lambda: ecs.describe_gateway(gateway="front")["gateway"]["status"] == "UPDATE_COMPLETE")
    server.wait_until(lambda: routes(ecs)[0]["status"] == "ACTIVE")
    elbv2 = server.client("elbv2")
    listed = elbv2.describe_load_balancer_attributes(LoadBalancerArn=shared["loadBalancerArn"])["Attributes"]
    attributes = {one["Key"]: one["Value"] for one in listed}
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"
    assert attributes["deletion_protection.enabled"] == "true"
    assert len(elbv2.describe_rules(ListenerArn=shared["listenerArn"])["Rules"]) == 2
    refusal = refused(ecs.delete_gateway, gateway="front")
    assert refusal[1] == "The gateway cannot be deleted while deletion protection is enabled."


def test_a_gateway_goes_once_no_service_uses_it(server: RunningServer, ecs: Any) -> None:
    make_gateway(ecs)
    arn = connect(server, ecs)
    finished(server, ecs, arn)
    refusal = refused(ecs.delete_gateway, gateway="front")
    assert refusal[1] == "The gateway cannot be deleted while it is associated with clusters."
    ended = ecs.disassociate_gateway_from_cluster(gateway="front", cluster="default")
    assert ended["status"] == "DISASSOCIATING"
    (association,) = ecs.list_gateway_cluster_associations(cluster="default")["gatewayClusterAssociations"]
    assert association["status"] == "DISASSOCIATING"
    server.kill()
    server.start()
    ecs.update_service(service="web", gatewayConnectors=[])

    def gone() -> bool:
        advance(server)
        return not ecs.list_gateway_cluster_associations(cluster="default")["gatewayClusterAssociations"]

    server.wait_until(gone)
    finished(server, ecs, arn)
    assert routes(ecs) == []
    assert server.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert server.client("elbv2").describe_target_groups()["TargetGroups"] == []
    assert ecs.describe_services(services=["web"])["services"][0]["runningCount"] == 1
    assert ecs.delete_gateway(gateway="front")["status"] == "DELETED"
    assert refused(ecs.describe_gateway, gateway="front")[0] == "GatewayNotFoundException"
    assert ecs.list_gateways()["gateways"] == []


def test_what_gateways_and_connectors_refuse(server: RunningServer, ecs: Any) -> None:
    invalid = "InvalidParameterException"
    refusal = refused(connect, server=server, ecs=ecs)
    assert refusal == (invalid, "No gateway is associated with the cluster of the service.")
    make_gateway(ecs)
    private = [{"portName": "http", "filters": {"accessTypes": ["PRIVATE"]}}]
    refusal = refused(connect, server=server, ecs=ecs, gatewayConnectors=private)
    assert refusal == (invalid, "No gateway of the cluster is compatible with the service.")
    other = refused(connect, server=server, ecs=ecs, gatewayConnectors=[{"portName": "grpc"}])
    assert other[1] == "The port name grpc is not the name of a port mapping of the task definition."
    cases: list[tuple[dict[str, Any], str]] = [
        ({"port": 80}, "A gateway supports only the protocol HTTPS at port 443."),
        ({"scheme": "hidden"}, "scheme should be one of [internet-facing,internal]"),
        ({"maxAlbCount": 0}, "maxAlbCount must be at least 1."),
        ({"webACLArn": "arn"}, "Not emulated: webACLArn of a gateway."),
    ]
    for shared, text in cases:
        members = {"name": "bad", "infrastructureRoleArn": ROLE, "configuration": {"hostSharedAlb": shared}}
        assert refused(ecs.create_gateway, **members)[1] == text
    again = {"name": "front", "infrastructureRoleArn": ROLE, "configuration": SHARED}
    assert refused(ecs.create_gateway, **again)[1] == "A gateway with the name front already exists."
    assert (
        refused(ecs.associate_gateway_with_cluster, gateway="none", cluster="default")[0] == "GatewayNotFoundException"
    )
    for number in range(4):
        make_gateway(ecs, f"more-{number}")
    page = ecs.list_gateways(maxResults=3)
    assert [one["name"] for one in page["gateways"]] == ["front", "more-0", "more-1"]
    assert len(ecs.list_gateways(maxResults=3, nextToken=page["nextToken"])["gateways"]) == 2
    ecs.create_gateway(**{**again, "name": "last"})
    refusal = refused(ecs.associate_gateway_with_cluster, gateway="last", cluster="default")
    assert refusal == (invalid, "A cluster can be associated with up to 5 gateways.")
    gone = server.client("ecs").describe_gateway(gateway="last")["gateway"]
    assert (gone["accessType"], gone["deletionProtection"]) == ("PUBLIC", True)

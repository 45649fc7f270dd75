"""Tasks with an address of their own, on EC2 hosts and on Fargate, over a real engine."""

import urllib.request
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.docker.engine_stage import PAUSE, Tasks, address_of, containers, docker, ids_of, inspect, networks_of
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]

WEB = {
    "name": "web",
    "command": ["sh", "-c", "echo $WHO > /index.html; exec httpd -f -p 80 -h /"],
    "portMappings": [{"containerPort": 80}],
    "healthCheck": {"command": ["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost/"], "interval": 5},
}
NEIGHBOUR = {
    "name": "neighbour",
    "essential": False,
    "command": ["sh", "-c", "until wget -q -O - http://localhost/ | grep -q me; do sleep 0.1; done"],
    "dependsOn": [{"containerName": "web", "condition": "START"}],
}


def subnet(server: RunningServer, cidr: str, vpc_cidr: str, zone: str = "us-east-1a") -> str:
    """A subnet of a VPC of its own."""
    ec2 = server.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=vpc_cidr)["Vpc"]["VpcId"]
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
    return made


def network(*subnets: str) -> dict[str, Any]:
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": list(subnets)}}}


def page(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
        text: bytes = answer.read()
    return text.decode().strip()


def pause_of(arn: str) -> dict[str, Any]:
    (found,) = ids_of(arn, f"label=com.amazonaws.ecs.container-name={PAUSE}")
    return inspect(found)


def test_containers_of_a_task_share_localhost_and_its_address(engine_server: RunningServer, tasks: Tasks) -> None:
    place = network(subnet(engine_server, "10.231.16.0/24", "10.231.0.0/16"))
    tasks.define({**WEB, "environment": [{"name": "WHO", "value": "me"}]}, NEIGHBOUR, networkMode="awsvpc")
    pair = [tasks.run(**place), tasks.run(**place)]
    server_id = inspect(ids_of(pair[0]["taskArn"])[0])["Config"]["Labels"]["ashore.server"]
    addresses = [address_of(task) for task in pair]
    assert len(set(addresses)) == 2
    for task, address in zip(pair, addresses, strict=True):
        (facts,) = pause_of(task["taskArn"])["NetworkSettings"]["Networks"].values()
        details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
        assert (facts["IPAddress"], facts["MacAddress"]) == (address, details["macAddress"])
        assert ip_address(address) in ip_network("10.231.16.0/24")
        assert {c["networkInterfaces"][0]["privateIpv4Address"] for c in task["containers"]} == {address}
        assert {tuple(c["networkBindings"]) for c in task["containers"]} == {()}
        assert page(address) == "me"
    arns = [task["taskArn"] for task in pair]

    def satisfied() -> bool:
        shown = [tasks.show(arn) for arn in arns]
        reached = {containers(task)["neighbour"].get("exitCode") for task in shown}
        return reached == {0} and {task["healthStatus"] for task in shown} == {"HEALTHY"}

    engine_server.wait_until(satisfied)

    engine_server.kill()
    engine_server.start()
    for task, address in zip(pair, addresses, strict=True):
        again = tasks.show(task["taskArn"])
        assert (again["lastStatus"], address_of(again)) == ("RUNNING", address)
        assert page(address) == "me"
    assert len(networks_of(server_id)) == 1
    for task in pair:
        stopped = tasks.stop(task["taskArn"])
        assert stopped["attachments"][0]["status"] == "DELETED"
        assert ids_of(task["taskArn"]) == []
    assert networks_of(server_id) == []


def test_vpcs_with_equal_ranges_are_networks_of_their_own(engine_server: RunningServer, tasks: Tasks) -> None:
    tasks.define({**WEB, "environment": [{"name": "WHO", "value": "me"}]}, networkMode="awsvpc")
    places = [network(subnet(engine_server, "10.232.0.0/24", "10.232.0.0/16")) for _ in range(2)]
    pair = [tasks.run(**place) for place in places]
    found = [set(pause_of(task["taskArn"])["NetworkSettings"]["Networks"]) for task in pair]
    assert found[0].isdisjoint(found[1])
    for task in pair:
        assert page(address_of(task)) == "me"
        tasks.stop(task["taskArn"])


def test_a_fargate_service_in_the_default_subnets(engine_server: RunningServer, tasks: Tasks) -> None:
    subnets = {
        item["SubnetId"]: item
        for item in engine_server.client("ec2").describe_subnets(
            Filters=[{"Name": "default-for-az", "Values": ["true"]}]
        )["Subnets"]
    }
    tasks.define(
        {**WEB, "environment": [{"name": "WHO", "value": "me"}]},
        family="fargate", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
    )  # fmt: skip
    ecs = tasks.ecs
    ecs.create_service(
        serviceName="web", taskDefinition="fargate", desiredCount=3, launchType="FARGATE", **network(*subnets)
    )

    def steady() -> bool:
        service = ecs.describe_services(services=["web"])["services"][0]
        return bool(service["runningCount"] == 3 and "steady state" in service["events"][0]["message"])

    engine_server.wait_until(steady, 60)
    arns = sorted(ecs.list_tasks(serviceName="web")["taskArns"])
    shown = ecs.describe_tasks(tasks=arns)["tasks"]
    assert len({task["availabilityZone"] for task in shown}) == 3
    for task in shown:
        assert (task["launchType"], task["platformVersion"], task["platformFamily"]) == ("FARGATE", "1.4.0", "Linux")
        assert (task["cpu"], task["memory"], task["ephemeralStorage"]) == ("256", "512", {"sizeInGiB": 20})
        assert "containerInstanceArn" not in task
        details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
        assert subnets[details["subnetId"]]["AvailabilityZone"] == task["availabilityZone"]
        assert page(address_of(task)) == "me"
        limits = inspect(task["containers"][0]["runtimeId"])["HostConfig"]
        assert (limits["Memory"], limits["CpuQuota"]) == (32 << 20, 25_000)

    addresses = {task["taskArn"]: address_of(task) for task in shown}
    engine_server.kill()
    engine_server.start()
    again = ecs.describe_tasks(tasks=arns)["tasks"]
    assert {task["lastStatus"] for task in again} == {"RUNNING"}
    assert {task["taskArn"]: address_of(task) for task in again} == addresses
    ecs.delete_service(service="web", force=True)
    for arn in arns:
        tasks.when(arn, "STOPPED")
        assert ids_of(arn) == []


def test_a_reset_leaves_no_namespace_and_the_server_still_knows_its_containers(
    engine_server: RunningServer, tasks: Tasks
) -> None:
    place = network(subnet(engine_server, "10.233.0.0/24", "10.233.0.0/16"))
    tasks.define({"image": "localhost:1/missing:1", "essential": True}, networkMode="awsvpc")
    (arn,) = tasks.start(**place)
    engine_server.wait_until(lambda: bool(ids_of(arn)) or tasks.show(arn)["lastStatus"] == "STOPPED")
    engine_server.admin("POST", "reset")
    tasks.define()
    task = tasks.run()
    engine_server.kill()
    labels = inspect(task["containers"][0]["runtimeId"])["Config"]["Labels"]
    left = f"ashore.server={labels['ashore.server']}"
    docker("network", "create", "--label", left, "--subnet", "10.234.0.0/24", "ashore-test-left-by-a-kill")
    engine_server.start()
    assert networks_of(labels["ashore.server"]) == []
    assert tasks.show(task["taskArn"])["lastStatus"] == "RUNNING"
    assert ids_of(arn) == []
    assert docker("inspect", "-f", "{{.State.Running}}", task["containers"][0]["runtimeId"]).strip() == "true"
    tasks.stop(task["taskArn"])

"""Simulated hosts: registered, shown, listed, drained, taken away."""

from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster, find_cluster
from emulator.ecs.container_instances import (
    HostSpec,
    add_host,
    deregister_container_instance,
    describe_container_instances,
    find_container_instance,
    list_container_instances,
    update_container_instances_state,
)
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.emulator import Emulator
from emulator.state.ecs import ContainerInstanceRow, TaskRow
from tests.emulator.ecs.control_plane import ACCOUNT, PREFIX, REGION, add_hosts, add_task


def describe(context: Context, *hosts: str, include: Any = ()) -> list[Any]:
    request: Any = {"containerInstances": list(hosts), "include": list(include)}
    return list(describe_container_instances(context, request)["containerInstances"])


def resources(document: Any, which: str) -> dict[str, Any]:
    return {item["name"]: item.get("stringSetValue", item["integerValue"]) for item in document[which]}


def test_a_host_shows_its_types_resources_and_what_tasks_leave_of_them(server: Emulator) -> None:
    (host,) = add_hosts(server, instance_type="m4.large")
    with server.transaction(ACCOUNT, REGION) as context:
        add_task(context, host)
        add_task(context, host, last_status="PENDING", demand={
            "group": "family:web", "cpu": 256, "memory": 128, "tcp_ports": [], "udp_ports": [53], "gpus": 0,
            "needs_eni": False, "required_attributes": [],
        })  # fmt: skip
    with server.transaction(ACCOUNT, REGION) as context:
        (document,) = describe(context, host)
    reserved = ["22", "2375", "2376", "51678", "51679"]
    assert resources(document, "registeredResources") == {
        "CPU": 2048, "MEMORY": 7985, "PORTS": reserved, "PORTS_UDP": []
    }  # fmt: skip
    assert resources(document, "remainingResources") == {
        "CPU": 1280, "MEMORY": 7601, "PORTS": [*reserved, "8080"], "PORTS_UDP": ["53"]
    }  # fmt: skip
    assert (document["runningTasksCount"], document["pendingTasksCount"]) == (1, 1)
    assert document["registeredResources"][0] == {
        "name": "CPU", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": 2048
    }  # fmt: skip


def test_a_simulated_host_says_so(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        (document,) = describe(context, host, include=["CONTAINER_INSTANCE_HEALTH"])
    assert document["versionInfo"]["dockerVersion"] == "DockerVersion: simulated"
    assert document["healthStatus"]["overallStatus"] == "OK"
    assert document["agentConnected"]


def test_gpus_tags_and_the_capacity_provider_are_shown_where_there_are_any(server: Emulator) -> None:
    tags = [{"key": "team", "value": "a"}]
    (host,) = add_hosts(server, instance_type="g4dn.12xlarge", tags=tags, capacity_provider="mine")
    with server.transaction(ACCOUNT, REGION) as context:
        add_task(context, host, demand={
            "group": "a", "cpu": 0, "memory": 0, "tcp_ports": [], "udp_ports": [], "gpus": 3, "needs_eni": False,
            "required_attributes": [],
        })  # fmt: skip
    with server.transaction(ACCOUNT, REGION) as context:
        (document,) = describe(context, host, include=["TAGS"])
        assert describe(context, host)[0]["tags"] == []
    assert len(resources(document, "registeredResources")["GPU"]) == 4
    assert len(resources(document, "remainingResources")["GPU"]) == 1
    assert (document["tags"], document["capacityProviderName"]) == (tags, "mine")


def test_every_host_has_an_address_of_its_own_which_is_not_given_out_again(server: Emulator) -> None:
    hosts = add_hosts(server, 300)
    with server.transaction(ACCOUNT, REGION) as context:
        deregister_container_instance(context, {"containerInstance": hosts[0]})
    hosts += add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        addresses = {context.session.get_one(ContainerInstanceRow, host).address for host in hosts}
    assert len(addresses) == 301
    assert all(address.startswith("127.10.") for address in addresses)


def test_built_in_attributes_tell_what_the_host_is(server: Emulator) -> None:
    (host,) = add_hosts(server, instance_type="t4g.small", attributes={"stack": "prod"})
    with server.transaction(ACCOUNT, REGION) as context:
        attributes = {item["name"]: item.get("value") for item in describe(context, host)[0]["attributes"]}
    assert attributes["ecs.instance-type"] == "t4g.small"
    assert attributes["ecs.availability-zone"] == f"{REGION}a"
    assert attributes["ecs.cpu-architecture"] == "arm64"
    assert attributes["stack"] == "prod"
    assert attributes["ecs.capability.task-eni"] is None


def test_hosts_are_found_by_id_arn_and_ec2_id_in_their_own_cluster_only(server: Emulator) -> None:
    (host,) = add_hosts(server, ec2_instance_id="i-0123456789abcdef0")
    with server.transaction(ACCOUNT, REGION) as context:
        cluster = find_cluster(context, None)
        for identifier in (host, host.rpartition("/")[2], "i-0123456789abcdef0"):
            row = find_container_instance(context, cluster, identifier)
            assert row is not None
            assert row.arn == host
        assert find_container_instance(context, cluster, host.replace(ACCOUNT, "9" * 12)) is None
        result = describe_container_instances(context, {"containerInstances": ["none"]})
    arn = f"{PREFIX}container-instance/default/none"
    assert result == {"containerInstances": [], "failures": [{"arn": arn, "reason": "MISSING"}]}


def test_an_unknown_instance_type_is_refused(server: Emulator) -> None:
    with pytest.raises(InvalidParameterException, match=r"x9\.huge"):
        add_hosts(server, instance_type="x9.huge")


def test_a_list_can_be_filtered_and_paged(server: Emulator) -> None:
    a = add_hosts(server, 5, attributes={"stack": "prod"})
    b = add_hosts(server, 2)
    with server.transaction(ACCOUNT, REGION) as context:
        update_container_instances_state(context, {"containerInstances": [b[0]], "status": "DRAINING"})
    with server.transaction(ACCOUNT, REGION) as context:
        assert list_container_instances(context, {})["containerInstanceArns"] == sorted([*a, *b])
        assert list_container_instances(context, {"status": "DRAINING"}) == {"containerInstanceArns": [b[0]]}
        request: Any = {"filter": "attribute:stack == prod", "maxResults": 2}
        shown: list[str] = []
        page: Any = list_container_instances(context, request)
        while "nextToken" in page:
            shown += page["containerInstanceArns"]
            request["nextToken"] = page["nextToken"]
            page = list_container_instances(context, request)
        assert [*shown, *page["containerInstanceArns"]] == sorted(a)


def test_a_filter_that_cannot_be_parsed_is_refused_also_where_there_is_no_host(server: Emulator) -> None:
    hosts = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        deregister_container_instance(context, {"containerInstance": hosts[0]})
        with pytest.raises(InvalidParameterException, match="Invalid filter"):
            list_container_instances(context, {"filter": "attribute:stack =="})


def test_hosts_are_drained_and_set_active_again(server: Emulator) -> None:
    first, second = add_hosts(server, 2)
    with server.transaction(ACCOUNT, REGION) as context:
        deregister_container_instance(context, {"containerInstance": second})
        names = [first, second, "none"]
        drained = update_container_instances_state(context, {"containerInstances": names, "status": "DRAINING"})
        assert [item["status"] for item in drained["containerInstances"]] == ["DRAINING"]
        assert [failure["reason"] for failure in drained["failures"]] == ["INACTIVE", "MISSING"]
        active = update_container_instances_state(context, {"containerInstances": [first], "status": "ACTIVE"})
        assert [item["status"] for item in active["containerInstances"]] == ["ACTIVE"]
        with pytest.raises(InvalidParameterException, match=r"status should be one of \[ACTIVE, DRAINING\]"):
            update_container_instances_state(context, {"containerInstances": [first], "status": "REGISTERING"})


def test_a_host_with_tasks_goes_only_by_force_and_its_tasks_stop(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        task = add_task(context, host).arn
    with server.transaction(ACCOUNT, REGION) as context:
        with pytest.raises(InvalidParameterException, match="Found running tasks on the instance"):
            deregister_container_instance(context, {"containerInstance": host})
        result = deregister_container_instance(context, {"containerInstance": host, "force": True})
        assert result["containerInstance"]["status"] == "INACTIVE"
        row = context.session.get_one(TaskRow, task)
        assert (row.desired_status, row.stop_code) == ("STOPPED", "UserInitiated")
        assert row.stopped_reason == "Container instance deregistration forced by user"
    with server.transaction(ACCOUNT, REGION) as context:
        assert list_container_instances(context, {}) == {"containerInstanceArns": []}
        assert describe(context, host)[0]["status"] == "INACTIVE"


def test_empty_and_overlong_lists_are_refused(server: Emulator) -> None:
    add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        with pytest.raises(ClientException, match="Container Instances cannot be empty"):
            describe_container_instances(context, {"containerInstances": []})
        with pytest.raises(InvalidParameterException, match="more than 100"):
            describe_container_instances(context, {"containerInstances": [str(number) for number in range(101)]})


def test_the_answer_of_a_registration_shows_the_host_before_it_is_committed(context: Context) -> None:
    row = add_host(context, ensure_default_cluster(context), HostSpec("t3.micro", "eu-west-1a", "hosts"))
    (document,) = describe(context, row.arn)
    assert document["remainingResources"] == document["registeredResources"]

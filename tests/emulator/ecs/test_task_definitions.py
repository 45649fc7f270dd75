"""Task definitions from registration to deletion."""

from datetime import timedelta
from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.errors import ClientException, InvalidParameterException
from emulator.ecs.task_definitions import (
    delete_task_definitions,
    deregister_task_definition,
    describe_task_definition,
    find_task_definition,
    list_task_definition_families,
    list_task_definitions,
    register_task_definition,
)
from emulator.emulator import Emulator
from tests.emulator.ecs.control_plane import ACCOUNT, PREFIX, REGION, add_hosts, add_task, definition


def register(context: Context, family: str, count: int = 1) -> None:
    for _ in range(count):
        register_task_definition(context, definition(family=family))


def test_each_registration_is_the_next_revision_and_none_comes_twice(context: Context) -> None:
    register(context, "web", 2)
    deregister_task_definition(context, {"taskDefinition": "web:2"})
    delete_task_definitions(context, {"taskDefinitions": ["web:2"]})
    request = definition(tags=[{"key": "team", "value": "a"}])
    result = register_task_definition(context, request)
    assert result["taskDefinition"]["taskDefinitionArn"] == f"{PREFIX}task-definition/web:3"
    assert result["taskDefinition"]["registeredBy"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert result["tags"] == [{"key": "team", "value": "a"}]
    assert "tags" not in result["taskDefinition"]


def test_a_family_is_its_latest_active_revision(context: Context) -> None:
    register(context, "web", 3)
    deregister_task_definition(context, {"taskDefinition": "web:3"})
    found = find_task_definition(context, "web")
    assert found is not None
    assert found.revision == 2
    described = describe_task_definition(context, {"taskDefinition": f"{PREFIX}task-definition/web:3"})
    assert described["taskDefinition"]["status"] == "INACTIVE"
    assert described["taskDefinition"]["deregisteredAt"] == context.now


@pytest.mark.parametrize("name", ["none", "web:9", "web:x", f"arn:aws:ecs:{REGION}:{'9' * 12}:task-definition/web:1"])
def test_what_is_unknown_cannot_be_described(context: Context, name: str) -> None:
    register(context, "web")
    with pytest.raises(ClientException, match="Unable to describe task definition"):
        describe_task_definition(context, {"taskDefinition": name})


def test_deregistering_needs_a_revision(context: Context) -> None:
    register(context, "web")
    with pytest.raises(ClientException, match="Revision is missing"):
        deregister_task_definition(context, {"taskDefinition": "web"})
    with pytest.raises(InvalidParameterException, match=r"Invalid revision number\. Number: foo"):
        deregister_task_definition(context, {"taskDefinition": "web:foo"})
    with pytest.raises(ClientException, match="does not exist"):
        deregister_task_definition(context, {"taskDefinition": "web:2"})


def test_only_inactive_revisions_are_deleted(context: Context) -> None:
    register(context, "web", 2)
    deregister_task_definition(context, {"taskDefinition": "web:1"})
    result = delete_task_definitions(context, {"taskDefinitions": ["web:1", "web:2", "web:3", "web"]})
    assert [(item["revision"], item["status"]) for item in result["taskDefinitions"]] == [(1, "DELETE_IN_PROGRESS")]
    assert result["taskDefinitions"][0]["deleteRequestedAt"] == context.now
    reasons = [failure["reason"] for failure in result["failures"]]
    assert "still in ACTIVE status" in reasons[0]
    assert all("does not exist" in reason for reason in reasons[1:])
    with pytest.raises(ClientException, match="cannot exceed 10"):
        delete_task_definitions(context, {"taskDefinitions": ["web:1"] * 11})
    with pytest.raises(ClientException, match="must be greater than 0"):
        delete_task_definitions(context, {"taskDefinitions": []})


def test_a_deleted_revision_goes_once_nothing_refers_to_it(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        register(context, "web", 2)
        deregister_task_definition(context, {"taskDefinition": "web:1"})
        delete_task_definitions(context, {"taskDefinitions": ["web:1"]})
        task = add_task(context, host)
        server.clock.rewind_to(context.now + timedelta(hours=2))
        register(context, "web")
        assert find_task_definition(context, "web:1") is not None
        task.last_status = "STOPPED"
        register(context, "web")
        assert find_task_definition(context, "web:1") is None


def arns(*revisions: str) -> list[str]:
    return [f"{PREFIX}task-definition/{revision}" for revision in revisions]


def test_lists_are_by_family_then_by_number_both_ways(context: Context) -> None:
    register(context, "web", 11)
    register(context, "api", 2)
    everything = arns("api:1", "api:2", *(f"web:{number}" for number in range(1, 12)))
    assert list_task_definitions(context, {})["taskDefinitionArns"] == everything
    assert list_task_definitions(context, {"sort": "DESC"})["taskDefinitionArns"] == everything[::-1]
    assert list_task_definitions(context, {"familyPrefix": "api"})["taskDefinitionArns"] == everything[:2]
    assert list_task_definitions(context, {"familyPrefix": "ap"})["taskDefinitionArns"] == []
    assert list_task_definitions(context, {"status": "INACTIVE"})["taskDefinitionArns"] == []


@pytest.mark.parametrize("sort", ["ASC", "DESC"])
def test_pages_show_each_revision_once(context: Context, sort: Any) -> None:
    register(context, "web", 7)
    register(context, "api", 4)
    page: Any = list_task_definitions(context, {"maxResults": 3, "sort": sort})
    shown = page["taskDefinitionArns"]
    while "nextToken" in page:
        request: Any = {"maxResults": 3, "sort": sort, "nextToken": page["nextToken"]}
        page = list_task_definitions(context, request)
        shown = [*shown, *page["taskDefinitionArns"]]
    assert shown == list_task_definitions(context, {"sort": sort})["taskDefinitionArns"]


def test_a_token_of_another_list_is_refused(context: Context) -> None:
    register(context, "api")
    register(context, "web")
    token = list_task_definition_families(context, {"maxResults": 1})["nextToken"]
    with pytest.raises(InvalidParameterException, match="Invalid token"):
        list_task_definitions(context, {"nextToken": token})


def test_families_are_inactive_without_an_active_revision(context: Context) -> None:
    for family in ("api", "web", "Web", "we_b"):
        register(context, family)
    deregister_task_definition(context, {"taskDefinition": "web:1"})
    assert list_task_definition_families(context, {"familyPrefix": "we"}) == {"families": ["we_b"]}
    assert list_task_definition_families(context, {"status": "INACTIVE"}) == {"families": ["web"]}
    assert list_task_definition_families(context, {"status": "ALL"}) == {"families": ["Web", "api", "we_b", "web"]}


def test_accounts_and_regions_know_nothing_of_each_other(server: Emulator) -> None:
    with server.transaction(ACCOUNT, REGION) as context:
        register(context, "web", 3)
    for account, region in ((ACCOUNT, "us-east-1"), ("9" * 12, REGION)):
        with server.transaction(account, region) as context:
            assert find_task_definition(context, "web") is None
            assert find_task_definition(context, f"{PREFIX}task-definition/web:1") is None
            assert register_task_definition(context, definition())["taskDefinition"]["revision"] == 1

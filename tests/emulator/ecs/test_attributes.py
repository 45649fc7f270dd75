"""Attributes that people put on hosts."""

from typing import Any

import pytest

from emulator.ecs.attributes import delete_attributes, list_attributes, put_attributes
from emulator.ecs.container_instances import list_container_instances
from emulator.ecs.errors import AttributeLimitExceededException, InvalidParameterException, TargetNotFoundException
from emulator.emulator import Emulator
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, add_hosts


def on(host: str, name: str, value: str | None = None) -> Any:
    attribute = {"name": name, "targetId": host}
    return attribute if value is None else {**attribute, "value": value}


def test_attributes_are_put_changed_listed_and_deleted(server: Emulator) -> None:
    first, second = sorted(add_hosts(server, 2))
    with server.transaction(ACCOUNT, REGION) as context:
        attributes = [on(first, "stack", "prod"), on(second, "stack", "test"), on(second, "rack")]
        assert put_attributes(context, {"attributes": attributes}) == {"attributes": attributes}
        put_attributes(context, {"attributes": [on(first, "stack", "stage")]})
        request: Any = {"targetType": "container-instance", "attributeName": "stack"}
        expected = [on(first, "stack", "stage"), on(second, "stack", "test")]
        assert list_attributes(context, request) == {"attributes": expected}
        valued: Any = {**request, "attributeValue": "test"}
        assert list_attributes(context, valued) == {"attributes": expected[1:]}
        assert delete_attributes(context, {"attributes": [on(first, "stack", "prod")]}) == {"attributes": []}
        assert delete_attributes(context, {"attributes": [on(first, "stack")]}) == {"attributes": expected[:1]}
        assert list_attributes(context, request) == {"attributes": expected[1:]}


def test_the_scheduler_sees_a_new_attribute(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        assert list_container_instances(context, {"filter": "attribute:stack == prod"})["containerInstanceArns"] == []
        put_attributes(context, {"attributes": [on(host, "stack", "prod")]})
    with server.transaction(ACCOUNT, REGION) as context:
        found = list_container_instances(context, {"filter": "attribute:stack == prod"})
    assert found == {"containerInstanceArns": [host]}


def test_pages_show_every_attribute_once(server: Emulator) -> None:
    add_hosts(server, 3, attributes={"stack": "prod"})
    with server.transaction(ACCOUNT, REGION) as context:
        request: Any = {"targetType": "container-instance", "maxResults": 7}
        page: Any = list_attributes(context, request)
        shown = page["attributes"]
        while "nextToken" in page:
            request["nextToken"] = page["nextToken"]
            page = list_attributes(context, request)
            shown = [*shown, *page["attributes"]]
    keys = [(item["targetId"], item["name"]) for item in shown]
    assert keys == sorted(set(keys))
    assert len(keys) > 100


@pytest.mark.parametrize(
    ("attribute", "error"),
    [
        ({"name": "a b"}, InvalidParameterException),
        ({"name": "ecs.mine"}, InvalidParameterException),
        ({"name": "a", "value": " b"}, InvalidParameterException),
        ({"name": "a", "targetId": "short"}, InvalidParameterException),
        ({"name": "a", "targetId": "short", "targetType": "container-instance"}, TargetNotFoundException),
    ],
)
def test_bad_attributes_and_targets_are_refused(server: Emulator, attribute: Any, error: type[Exception]) -> None:
    (host,) = add_hosts(server)
    request: Any = {"attributes": [{"targetId": host, **attribute}]}
    with server.transaction(ACCOUNT, REGION) as context, pytest.raises(error):
        put_attributes(context, request)


def test_a_host_takes_ten_of_them(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        put_attributes(context, {"attributes": [on(host, f"a{number}") for number in range(10)]})
        with pytest.raises(AttributeLimitExceededException):
            put_attributes(context, {"attributes": [on(host, "one-more")]})
        with pytest.raises(InvalidParameterException, match="attributes can not be empty"):
            put_attributes(context, {"attributes": []})

"""Tags of ECS resources."""

from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.clusters import create_cluster, delete_cluster, find_cluster
from emulator.ecs.errors import InvalidParameterException, ResourceNotFoundException
from emulator.ecs.tags import list_tags_for_resource, tag_resource, untag_resource
from emulator.ecs.task_definitions import register_task_definition
from emulator.emulator import Emulator
from tests.emulator.ecs.control_plane import ACCOUNT, PREFIX, REGION, add_hosts, add_task, definition

CLUSTER = f"{PREFIX}cluster/default"


def test_every_kind_of_resource_takes_tags(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        register_task_definition(context, definition())
        task = add_task(context, host).arn
        for arn in (CLUSTER, host, task, f"{PREFIX}task-definition/web:1"):
            tag_resource(
                context, {"resourceArn": arn, "tags": [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]}
            )
            tag_resource(context, {"resourceArn": arn, "tags": [{"key": "b", "value": "3"}]})
            tags = list_tags_for_resource(context, {"resourceArn": arn})["tags"]
            assert tags == [{"key": "b", "value": "3"}, {"key": "a", "value": "2"}]
            untag_resource(context, {"resourceArn": arn, "tagKeys": ["b", "none"]})
            assert list_tags_for_resource(context, {"resourceArn": arn})["tags"] == [{"key": "a", "value": "2"}]


@pytest.mark.parametrize(
    "tags",
    [
        [{"key": "", "value": "1"}],
        [{"key": "k" * 129, "value": "1"}],
        [{"key": "k", "value": "v" * 257}],
        [{"key": "AWS:mine", "value": "1"}],
        [{"key": "a\tb", "value": "1"}],
        [{"key": "k", "value": "a;b"}],
        [{"key": f"k{number}", "value": ""} for number in range(51)],
    ],
)
def test_bad_tags_are_refused(context: Context, tags: Any) -> None:
    create_cluster(context, {})
    with pytest.raises(InvalidParameterException):
        tag_resource(context, {"resourceArn": CLUSTER, "tags": tags})


def test_letters_of_every_script_are_allowed(context: Context) -> None:
    create_cluster(context, {})
    tag_resource(context, {"resourceArn": CLUSTER, "tags": [{"key": "équipe 東京", "value": "a_b.c:/=+-@"}]})


def test_the_services_own_tags_do_not_hinder_new_ones(context: Context) -> None:
    create_cluster(context, {})
    find_cluster(context, None).tags = [{"key": "aws:ecs:clusterName", "value": "default"}]
    tag_resource(context, {"resourceArn": CLUSTER, "tags": [{"key": "a", "value": "1"}]})
    assert len(list_tags_for_resource(context, {"resourceArn": CLUSTER})["tags"]) == 2


def test_unknown_and_inactive_resources_have_no_tags(context: Context) -> None:
    create_cluster(context, {})
    for arn in (f"{PREFIX}cluster/none", CLUSTER.replace(ACCOUNT, "9" * 12)):
        with pytest.raises(ResourceNotFoundException):
            list_tags_for_resource(context, {"resourceArn": arn})
    with pytest.raises(InvalidParameterException):
        list_tags_for_resource(context, {"resourceArn": "default"})
    delete_cluster(context, {"cluster": "default"})
    with pytest.raises(InvalidParameterException, match="The specified cluster is inactive"):
        tag_resource(context, {"resourceArn": CLUSTER, "tags": [{"key": "a", "value": "1"}]})

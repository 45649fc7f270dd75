"""Resource tags of repositories."""

import pytest

from emulator.context import Context
from emulator.ecr.errors import (
    InvalidParameterException,
    InvalidTagParameterException,
    RepositoryNotFoundException,
    TooManyTagsException,
)
from emulator.ecr.repository_tags import list_tags_for_resource, tag_resource, untag_resource
from tests.emulator.ecr.emulators import ACCOUNT, REGION

ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"


def test_tags_are_added_replaced_and_removed(context: Context) -> None:
    tag_resource(context, {"resourceArn": ARN, "tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})
    tag_resource(context, {"resourceArn": ARN, "tags": [{"Key": "a", "Value": "3"}]})
    untag_resource(context, {"resourceArn": ARN, "tagKeys": ["b", "absent"]})
    assert list_tags_for_resource(context, {"resourceArn": ARN})["tags"] == [{"Key": "a", "Value": "3"}]


def test_there_are_fifty_at_most(context: Context) -> None:
    tag_resource(context, {"resourceArn": ARN, "tags": [{"Key": str(key), "Value": ""} for key in range(50)]})
    with pytest.raises(TooManyTagsException):
        tag_resource(context, {"resourceArn": ARN, "tags": [{"Key": "one more", "Value": ""}]})


def test_aws_keeps_its_own_keys(context: Context) -> None:
    with pytest.raises(InvalidTagParameterException):
        tag_resource(context, {"resourceArn": ARN, "tags": [{"Key": "aws:x", "Value": ""}]})


@pytest.mark.parametrize("arn", ["nonsense", f"arn:aws:s3:{REGION}:{ACCOUNT}:repository/team/app"])
def test_other_arns(context: Context, arn: str) -> None:
    with pytest.raises(InvalidParameterException) as error:
        list_tags_for_resource(context, {"resourceArn": arn})
    assert error.value.message == "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'"


def test_an_absent_repository(context: Context) -> None:
    with pytest.raises(RepositoryNotFoundException, match="'team/none' does not exist"):
        list_tags_for_resource(context, {"resourceArn": ARN.replace("app", "none")})

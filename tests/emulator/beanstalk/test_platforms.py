"""The catalogue of platforms, and what names and ARNs mean."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.platform_catalogue import branches
from emulator.beanstalk.platforms import Platform, dotted, platform_of_arn, platform_of_stack, trait_of

REGION = "us-east-1"
EB_CLI = re.compile(r"^arn:[^:]+:elasticbeanstalk:[^:]+:([^:]*):platform/([^/]+)/(\d+\.\d+\.\d+)$")


def test_names_differ() -> None:
    found = [Platform(branch, branch.newest) for branch in branches()]
    assert len({one.stack_name for one in found}) == len({one.branch.name for one in found}) == len(found)
    assert all(EB_CLI.match(one.arn(REGION)) for one in found)
    assert found[0].stack_name == "64bit Amazon Linux 2023 v4.6.0 running Docker"
    assert found[0].arn(REGION) == (
        "arn:aws:elasticbeanstalk:us-east-1::platform/Docker running on 64bit Amazon Linux 2023/4.6.0"
    )


@given(st.sampled_from(branches()), st.integers(0, 20), st.integers(0, 20))
def test_every_version_up_to_the_newest_is_known(branch: object, minor: int, patch: int) -> None:
    known = next(one for one in branches() if one == branch)
    version = (known.newest[0], minor, patch)
    platform = Platform(known, version)
    if version <= known.newest:
        assert platform_of_stack(platform.stack_name) == platform
        assert platform_of_arn(platform.arn(REGION)) == platform
    else:
        with pytest.raises(InvalidParameterValue, match="No Solution Stack named"):
            platform_of_stack(platform.stack_name)
        with pytest.raises(InvalidParameterValue):
            platform_of_arn(platform.arn(REGION))


@given(st.text())
def test_nothing_else_is(text: str) -> None:
    for find in (platform_of_stack, platform_of_arn):
        with pytest.raises(InvalidParameterValue):
            find(text)


def test_an_arn_without_a_version_means_the_newest() -> None:
    arn = "arn:aws:elasticbeanstalk:us-east-1::platform/ECS running on 64bit Amazon Linux 2023"
    assert dotted(platform_of_arn(arn).version) == "4.2.0"
    assert trait_of(arn) is Trait.ECS


def test_windows_cannot_run_here() -> None:
    windows = next(branch for branch in branches() if branch.trait is None)
    with pytest.raises(InvalidParameterValue):
        trait_of(Platform(windows, windows.newest).arn(REGION))

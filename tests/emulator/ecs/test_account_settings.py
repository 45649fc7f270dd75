"""Account settings: the principal's, the account's, ECS's own."""

from typing import Any

import pytest

from emulator.ecs.account_settings import (
    SETTINGS,
    delete_account_setting,
    effective_value,
    list_account_settings,
    put_account_setting,
    put_account_setting_default,
)
from emulator.ecs.errors import InvalidParameterException
from emulator.emulator import Emulator
from tests.emulator.ecs.control_plane import ACCOUNT, REGION

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"


def test_the_nearest_choice_holds(server: Emulator) -> None:
    with server.transaction(ACCOUNT, REGION, ADA) as context:
        assert effective_value(context, "awsvpcTrunking") == "disabled"
        put_account_setting_default(context, {"name": "awsvpcTrunking", "value": "enabled"})
        assert effective_value(context, "awsvpcTrunking") == "enabled"
        result = put_account_setting(context, {"name": "awsvpcTrunking", "value": "disabled"})
        expected = {"name": "awsvpcTrunking", "value": "disabled", "principalArn": ADA, "type": "user"}
        assert result == {"setting": expected}
        assert effective_value(context, "awsvpcTrunking") == "disabled"
        assert effective_value(context, "awsvpcTrunking", ROOT) == "enabled"
        deleted = delete_account_setting(context, {"name": "awsvpcTrunking"})
        assert deleted["setting"].get("value") == "enabled"


def test_only_what_was_chosen_is_listed_unless_effective_settings_are_asked_for(server: Emulator) -> None:
    with server.transaction(ACCOUNT, REGION) as context:
        assert list_account_settings(context, {}) == {"settings": []}
        put_account_setting(context, {"name": "containerInsights", "value": "enabled"})
        (setting,) = list_account_settings(context, {"name": "containerInsights"})["settings"]
        assert setting.get("principalArn") == ROOT
        first = list_account_settings(context, {"effectiveSettings": True})
        rest = list_account_settings(context, {"effectiveSettings": True, "nextToken": first["nextToken"]})
        assert len(first["settings"]) == 10
        assert {item.get("name") for item in [*first["settings"], *rest["settings"]]} == set(SETTINGS)
        assert "nextToken" not in rest


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"name": "unknown", "value": "on"}, r"unknown should be one of \[serviceLongArnFormat,taskLongArnFormat,"),
        ({"name": "awsvpcTrunking", "value": "maybe"}, r"maybe should be one of \[enabled,disabled\]"),
        ({"name": "guardDutyActivate", "value": "on"}, "guardDutyActivate"),
        ({"name": "awsvpcTrunking", "value": "enabled", "principalArn": "ada"}, "Invalid principalArn"),
    ],
)
def test_bad_settings_are_refused(server: Emulator, request_: Any, message: str) -> None:
    with server.transaction(ACCOUNT, REGION) as context, pytest.raises(InvalidParameterException, match=message):
        put_account_setting(context, request_)

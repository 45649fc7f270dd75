"""Account settings (reference: ecs.md §7.11): what a principal chose, else what its account chose, else ECS's own default.

The account's choice is the setting of its root principal; there is no separate record of defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sqlalchemy import select

from emulator.arns import parse_arn
from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException
from emulator.ecs.pages import cut, page_size, start_after
from emulator.journal import Kind
from emulator.state.ecs import AccountSettingRow

if TYPE_CHECKING:
    from types_boto3_ecs.type_defs import (
        DeleteAccountSettingRequestTypeDef,
        ListAccountSettingsRequestTypeDef,
        PutAccountSettingDefaultRequestTypeDef,
        PutAccountSettingRequestTypeDef,
        SettingTypeDef,
    )


@dataclass(frozen=True, slots=True)
class _Setting:
    values: tuple[str, ...]
    default: str
    managed: bool = False
    """Set by AWS; read-only."""


_SWITCH = ("enabled", "disabled")
SETTINGS: Mapping[str, _Setting] = {
    "serviceLongArnFormat": _Setting(_SWITCH, "enabled"),
    "taskLongArnFormat": _Setting(_SWITCH, "enabled"),
    "containerInstanceLongArnFormat": _Setting(_SWITCH, "enabled"),
    "awsvpcTrunking": _Setting(_SWITCH, "disabled"),
    "containerInsights": _Setting(("enabled", "enhanced", "disabled"), "disabled"),
    "fargateFIPSMode": _Setting(_SWITCH, "disabled"),
    "tagResourceAuthorization": _Setting(("on", "off"), "on"),
    "fargateTaskRetirementWaitPeriod": _Setting(("0", "7", "14"), "7"),
    "guardDutyActivate": _Setting(("on", "off"), "off", managed=True),
    "defaultLogDriverMode": _Setting(("blocking", "non-blocking"), "non-blocking"),
    "fargateEventWindows": _Setting(_SWITCH, "disabled"),
}
"""Name → what it can be. Defaults beside fargateTaskRetirementWaitPeriod's are general knowledge (unconfirmed)."""


class SettingResult(TypedDict):
    """One setting."""

    setting: "SettingTypeDef"


class ListAccountSettingsResult(TypedDict):
    """A page of settings."""

    settings: "list[SettingTypeDef]"
    nextToken: NotRequired[str]


def effective_value(context: Context, name: str, principal: str | None = None) -> str:
    """What holds for `principal`, by default the caller."""
    row = _row(context, principal or context.principal, name) or _row(context, _root(context), name)
    return SETTINGS[name].default if row is None else row.value


def put_account_setting(context: Context, request: "PutAccountSettingRequestTypeDef") -> SettingResult:
    """Set what holds for one principal, by default the caller; the root's setting is the account's default."""
    principal = _principal(context, request.get("principalArn"))
    return _put(context, principal, request["name"], request["value"])


def put_account_setting_default(context: Context, request: "PutAccountSettingDefaultRequestTypeDef") -> SettingResult:
    """Set what holds for all principals that chose nothing themselves."""
    return _put(context, _root(context), request["name"], request["value"])


def delete_account_setting(context: Context, request: "DeleteAccountSettingRequestTypeDef") -> SettingResult:
    """Forget a principal's choice; the answer is what holds for it from now on (unconfirmed)."""
    name, principal = request["name"], _principal(context, request.get("principalArn"))
    _known(name)
    row = _row(context, principal, name)
    if row is not None:
        context.session.delete(row)
        context.session.flush()
        context.record(Kind.STATE_CHANGE, principal, {"accountSetting": name, "value": None})
    return {"setting": _describe(name, effective_value(context, name, principal), principal)}


def list_account_settings(context: Context, request: "ListAccountSettingsRequestTypeDef") -> ListAccountSettingsResult:
    """A page of what one principal chose or, with `effectiveSettings`, of what holds for it."""
    size = page_size(request.get("maxResults"), default=10, most=10)
    after = start_after(request.get("nextToken"))
    principal = _principal(context, request.get("principalArn"))
    if "name" in request:
        _known(request["name"])
    elif "value" in request:
        raise InvalidParameterException("You must specify a setting name to filter by value.")  # (unconfirmed) text
    if request.get("effectiveSettings", False):
        values = {name: effective_value(context, name, principal) for name in SETTINGS}
    else:
        values = _chosen(context, principal)
    names = sorted(
        name
        for name, value in values.items()
        if name > after and name == request.get("name", name) and value == request.get("value", value)
    )
    shown, more = cut(names, size)
    settings = [_describe(name, values[name], principal) for name in shown]
    result: ListAccountSettingsResult = {"settings": settings}
    if more:
        result["nextToken"] = more["nextToken"]
    return result


def _put(context: Context, principal: str, name: str, value: str) -> SettingResult:
    setting = _known(name)
    if setting.managed:
        raise InvalidParameterException(f"You can't change the setting {name}.")  # (unconfirmed) text
    if value not in setting.values:
        raise InvalidParameterException(f"{value} should be one of [{','.join(setting.values)}]")  # (unconfirmed) text
    row = _row(context, principal, name)
    if row is None:
        row = AccountSettingRow(account=context.account, region=context.region, principal_arn=principal, name=name)
        context.session.add(row)
    row.value = value
    context.session.flush()
    context.record(Kind.STATE_CHANGE, principal, {"accountSetting": name, "value": value})
    return {"setting": _describe(name, value, principal)}


def _known(name: str) -> _Setting:
    if name not in SETTINGS:
        raise InvalidParameterException(f"{name} should be one of [{','.join(SETTINGS)}]")
    return SETTINGS[name]


def _describe(name: str, value: str, principal: str) -> "SettingTypeDef":
    kind = "aws_managed" if SETTINGS[name].managed else "user"
    return {"name": name, "value": value, "principalArn": principal, "type": kind}  # type: ignore[typeddict-item]  # the keys of SETTINGS are the model's names


def _chosen(context: Context, principal: str) -> dict[str, str]:
    mine = select(AccountSettingRow).where(
        AccountSettingRow.account == context.account,
        AccountSettingRow.region == context.region,
        AccountSettingRow.principal_arn == principal,
    )
    return {row.name: row.value for row in context.session.scalars(mine)}


def _row(context: Context, principal: str, name: str) -> AccountSettingRow | None:
    return context.session.get(AccountSettingRow, (context.account, context.region, principal, name))


def _root(context: Context) -> str:
    return f"arn:aws:iam::{context.account}:root"


def _principal(context: Context, asked: str | None) -> str:
    if asked is None:
        return context.principal
    arn = parse_arn(asked)
    if arn is None or arn.service != "iam" or arn.account != context.account:
        raise InvalidParameterException("Invalid principalArn.")  # (unconfirmed) text
    return asked

"""A registry's own settings (GetAccountSetting, PutAccountSetting)."""

from typing import TYPE_CHECKING, TypedDict

from emulator.context import Context
from emulator.ecr.errors import ValidationException
from emulator.state.ecr import RegistrySettingRow

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import GetAccountSettingRequestTypeDef, PutAccountSettingRequestTypeDef

_VALUES = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
    "REGISTRY_POLICY_SCOPE": ("V2", "V1"),
}
"""The values of each setting, the default first."""


class AccountSetting(TypedDict):
    """A setting and its value."""

    name: str
    value: str


def get_account_setting(context: Context, request: "GetAccountSettingRequestTypeDef") -> AccountSetting:
    """GetAccountSetting."""
    name = _checked(request["name"])
    return {"name": name, "value": setting(context, name)}


def put_account_setting(context: Context, request: "PutAccountSettingRequestTypeDef") -> AccountSetting:
    """PutAccountSetting. BASIC_SCAN_TYPE_VERSION is kept and changes nothing: there is one scanner here."""
    name, value = _checked(request["name"]), request["value"]
    if value not in _VALUES[name]:
        raise ValidationException(f"Invalid value '{value}' for the account setting '{name}'.")  # (unconfirmed)
    row = RegistrySettingRow(account=context.account, region=context.region, name=name, value=value)
    context.session.merge(row)
    return {"name": name, "value": value}


def setting(context: Context, name: str) -> str:
    """The value of a setting, or its default."""
    return setting_of(context, context.account, context.region, name)


def setting_of(context: Context, account: str, region: str, name: str) -> str:
    """The value of a setting of any registry, or its default."""
    row = context.session.get(RegistrySettingRow, (account, region, name))
    return row.value if row is not None else _VALUES[name][0]


def _checked(name: str) -> str:
    if name not in _VALUES:
        raise ValidationException(f"Invalid account setting '{name}'.")  # (unconfirmed)
    return name

"""How many of each thing an account may have in a region: the defaults, (unconfirmed) but for the versions."""

from typing import Any

from sqlalchemy import func, select

from emulator.beanstalk.errors import (
    TooManyApplicationsException,
    TooManyApplicationVersionsException,
    TooManyConfigurationTemplatesException,
    TooManyEnvironmentsException,
    TooManyPlatformsException,
)
from emulator.context import Context
from emulator.errors import AwsError
from emulator.state.beanstalk import (
    ApplicationRow,
    ApplicationVersionRow,
    ConfigurationTemplateRow,
    EnvironmentRow,
    PlatformVersionRow,
)

Counted = ApplicationRow | ApplicationVersionRow | ConfigurationTemplateRow | EnvironmentRow | PlatformVersionRow

_QUOTAS: dict[type[Counted], tuple[int, str, type[AwsError]]] = {
    ApplicationRow: (75, "Application", TooManyApplicationsException),
    ApplicationVersionRow: (1000, "Application Version", TooManyApplicationVersionsException),
    EnvironmentRow: (200, "Environment", TooManyEnvironmentsException),
    ConfigurationTemplateRow: (2000, "Configuration Template", TooManyConfigurationTemplatesException),
    PlatformVersionRow: (50, "Custom Platform", TooManyPlatformsException),
}


def check_quota(context: Context, kind: type[Counted]) -> None:
    """Whether one more may be made.

    Raises:
        AwsError: `TooMany…Exception` of the kind.

    """
    most, name, error = _QUOTAS[kind]
    mine = [kind.account == context.account, kind.region == context.region]
    if kind is EnvironmentRow:
        mine.append(EnvironmentRow.status != "Terminated")
    if (context.session.scalar(select(func.count()).select_from(kind).where(*mine)) or 0) >= most:
        raise error(
            f"You cannot have more than {most} {name}s. Either remove some {name}s or request a limit increase."
        )


def describe_account_attributes(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The quotas."""
    del context, request
    names: dict[str, type[Counted]] = {
        "ApplicationQuota": ApplicationRow,
        "ApplicationVersionQuota": ApplicationVersionRow,
        "EnvironmentQuota": EnvironmentRow,
        "ConfigurationTemplateQuota": ConfigurationTemplateRow,
        "CustomPlatformQuota": PlatformVersionRow,
    }
    return {"ResourceQuotas": {name: {"Maximum": _QUOTAS[kind][0]} for name, kind in names.items()}}

"""CreateEnvironment: everything is checked, the row is written, the loop makes it true."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from emulator.beanstalk import cnames
from emulator.beanstalk.configurations import WEB_TIER, find_living_application
from emulator.beanstalk.deployments import new_deployment, version_of
from emulator.beanstalk.endings import starting
from emulator.beanstalk.environment_finding import by_name
from emulator.beanstalk.environment_links import awaited, properties_of
from emulator.beanstalk.environment_manifests import by_manifest
from emulator.beanstalk.environment_options import check, put_together
from emulator.beanstalk.environment_sources import Source, source_of
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.environment_views import describe
from emulator.beanstalk.errors import (
    InvalidParameterValue,
    TooManyEnvironmentsException,
    dns_name_taken,
    environment_exists,
)
from emulator.beanstalk.events import tell_environment
from emulator.beanstalk.operation_documents import Operation, OperationName, Stage
from emulator.beanstalk.tag_rules import MOST_OF_ENVIRONMENT, RESERVED, checked_tags
from emulator.context import Context
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.model import OperationKind

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import CreateEnvironmentMessageTypeDef

LOOP = "environments"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]")
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_QUOTA = 200
_WORKER = {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"}
LAUNCH_STAGES = (Stage.READ, Stage.MAKE, Stage.CARRY, Stage.END)


def create_environment(context: Context, request: "CreateEnvironmentMessageTypeDef") -> dict[str, Any]:
    """Begin to launch an environment; without a name, the one that the version's env.yaml describes."""
    whole: Mapping[str, Any] = request
    if request.get("EnvironmentName") is None:
        whole = by_manifest(context, request)
    return describe(context, create(context, whole))


def create(context: Context, request: Mapping[str, Any]) -> EnvironmentRow:
    """Begin to launch an environment.

    Args:
        context: the transaction.
        request: CreateEnvironment's, and with `EnvironmentLinks` what the environment links to.

    """
    application, name = request["ApplicationName"], request.get("EnvironmentName")
    find_living_application(context, application)
    _check_name(context, name)
    source = source_of(context, request)
    tier = tier_of(request.get("Tier") or source.tier)
    label = request.get("VersionLabel")
    version = version_of(context, application, label) if label is not None else None
    links = request.get("EnvironmentLinks", [])
    removed = request.get("OptionsToRemove", [])
    given = [*request.get("OptionSettings", []), *properties_of(context, links)]
    settings = put_together(put_together(source.settings, removed=removed), given)
    check([*source.settings, *given], settings, source.platform_arn)  # files of saved configurations are anyone's
    row = _row(context, request, source, tier, settings)
    row.cname = _cname(context, request, str(name), worker=tier["Name"] == "Worker")
    context.session.add(row)
    context.session.flush()
    number = new_deployment(context, row, version, settings, row.platform_arn)
    row.version_label = label
    row.links = [dict(link) for link in links]
    launch(
        context,
        row,
        OperationName.CREATE,
        number,
        (Stage.LINK, *LAUNCH_STAGES) if awaited(context, row) else LAUNCH_STAGES,
    )
    bucket = f"elasticbeanstalk-{context.region}-{context.account}"
    message = f"Using {bucket} as Amazon S3 storage bucket for environment data."
    tell_environment(context, row, message, request_id=context.request_id)
    return row


def launch(context: Context, row: EnvironmentRow, name: OperationName, number: int, stages: Sequence[Stage]) -> None:
    """Have the loop launch the environment."""
    facts = {"kind": OperationKind.LAUNCH.value}
    starting(context, row, Operation(name, context.request_id, tuple(stages), deployment=number, facts=facts))
    context.wake(LOOP, row.id)


def _check_name(context: Context, name: str | None) -> None:
    if name is None:
        raise InvalidParameterValue("You must specify an EnvironmentName.")  # (unconfirmed) text
    if _NAME.fullmatch(name) is None:
        raise InvalidParameterValue(
            f"Value {name} at 'EnvironmentName' failed to satisfy constraint: Member must be from 4 to 40 characters in "
            "length. The name can contain only letters, numbers, and hyphens. It cannot start or end with a hyphen."
        )  # (unconfirmed) text
    if by_name(context, name) is not None:
        raise environment_exists(name)
    mine = (
        EnvironmentRow.account == context.account,
        EnvironmentRow.region == context.region,
        EnvironmentRow.status != Status.TERMINATED,
    )
    if (context.session.scalar(select(func.count()).where(*mine)) or 0) >= _QUOTA:
        raise TooManyEnvironmentsException(f"You cannot have more than {_QUOTA} Environments.")  # (unconfirmed)


def tier_of(given: Mapping[str, Any] | None) -> dict[str, str]:
    """The tier that is asked for, whole; the web server's by default.

    Raises:
        InvalidParameterValue: there is none such.

    """
    if not given:
        return WEB_TIER
    for known in (WEB_TIER, _WORKER):
        if given.get("Name") == known["Name"] and given.get("Type", known["Type"]) == known["Type"]:
            return known
    raise InvalidParameterValue(f"Environment tier {given.get('Name')}/{given.get('Type')} not found.")  # (unconfirmed)


def _cname(context: Context, request: Mapping[str, Any], name: str, *, worker: bool) -> str | None:
    prefix = request.get("CNAMEPrefix")
    if worker:
        return None
    if prefix is None:
        return cnames.made_up(context, name)
    if not cnames.is_prefix(prefix):
        raise InvalidParameterValue(
            f"Value {prefix} at 'CNAMEPrefix' failed to satisfy constraint: Member must be from 4 to 63 characters in length."
        )  # (unconfirmed) text
    cname = cnames.cname_of(prefix, context.region)
    if cnames.is_taken(context, cname):
        raise dns_name_taken(cname)
    return cname


def _row(
    context: Context,
    request: Mapping[str, Any],
    source: Source,
    tier: dict[str, str],
    settings: list[dict[str, Any]],
) -> EnvironmentRow:
    return EnvironmentRow(
        id=_new_id(context),
        account=context.account,
        region=context.region,
        application=request["ApplicationName"],
        name=request["EnvironmentName"],
        group_name=request.get("GroupName"),
        description=request.get("Description"),
        tier=tier,
        platform_arn=source.platform_arn,
        status=Status.LAUNCHING.value,
        abortable=False,
        version_label=None,
        cname=None,
        endpoint_url=None,
        settings=settings,
        bundle_settings=[],
        draft=None,
        links=[],
        operations_role=request.get("OperationsRole"),
        operation=None,
        deployment=0,
        next_deployment=1,
        generation=1,
        resources={},
        health={},
        last_event_at=None,
        created_at=context.now,
        updated_at=context.now,
        terminated_at=None,
        tags=checked_tags(request.get("Tags", []), MOST_OF_ENVIRONMENT, reserved=RESERVED),
    )


def _new_id(context: Context) -> str:
    number, letters = context.emulator.ids.seed(), ""
    for _ in range(10):
        number, index = divmod(number, len(_ID_ALPHABET))
        letters += _ID_ALPHABET[index]
    return f"e-{letters}"

"""DeleteApplication: at once, or once the environments that are terminated with it are gone."""

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import select

from emulator.beanstalk.applications import arn_of
from emulator.beanstalk.configurations import find_application
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.environments import terminate
from emulator.beanstalk.errors import InvalidParameterValue, OperationInProgressException
from emulator.beanstalk.events import About, tell
from emulator.beanstalk.saved_configurations import forget
from emulator.beanstalk.version_uses import environments_of
from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.beanstalk import ApplicationRow, ApplicationVersionRow, ConfigurationTemplateRow

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import DeleteApplicationMessageTypeDef

LOOP = "beanstalk-applications"
_LOOK_AGAIN = timedelta(seconds=5)
_TERMINABLE = {Status.READY.value, Status.LAUNCHING.value, Status.TERMINATING.value}


class NoResult(TypedDict):
    """Nothing to say."""


def delete_application(context: Context, request: "DeleteApplicationMessageTypeDef") -> NoResult:
    """Remove an application with its versions and saved configurations; source bundles in S3 stay."""
    row = find_application(context, request["ApplicationName"])
    if row.deletion is not None:
        raise OperationInProgressException(f"Application {row.name} is being deleted.")  # (unconfirmed) text
    living = environments_of(context, row.name)
    if living and not request.get("TerminateEnvByForce", False):
        raise InvalidParameterValue(
            f"Unable to delete application {row.name} because it has a version that is deployed to a running environment."
        )
    for environment in living:
        if environment.status not in _TERMINABLE:
            raise OperationInProgressException(
                f"Environment {environment.name} is being changed."  # (unconfirmed) text
            )
    row.deletion = context.request_id
    for environment in living:
        if environment.status != Status.TERMINATING:
            terminate(context, environment)
    if living:
        context.wake(LOOP, f"{row.account}/{row.region}/{row.name}")
    else:
        _remove(context, row)
    return {}


def _remove(context: Context, row: ApplicationRow) -> None:
    """Remove the rows and tell that it is done."""
    for kind in (ApplicationVersionRow, ConfigurationTemplateRow):
        mine = (kind.account == row.account, kind.region == row.region, kind.application == row.name)
        for found in context.session.scalars(select(kind).where(*mine)):
            if isinstance(found, ConfigurationTemplateRow):
                forget(context, found)  # the file alone would be a saved configuration of the next one called so
            context.session.delete(found)
    context.session.delete(row)
    about = About(application=row.name)
    tell(context, "The application has been deleted successfully.", about, request_id=row.deletion)
    context.record(Kind.STATE_CHANGE, arn_of(context, row.name), {"deleted": row.name})


class DeletionsLoop:
    """Removes applications whose environments have ended; keys are account/region/application."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def start(self) -> None:
        """Look at all that were being deleted when the server ended."""
        with self._emulator.store.begin() as session:
            rows = session.scalars(select(ApplicationRow).where(ApplicationRow.deletion.is_not(None)))
            keys = [f"{row.account}/{row.region}/{row.name}" for row in rows]
        self._emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """Remove each, or look again later."""
        for key in keys:
            account, region, name = key.split("/")
            with self._emulator.transaction(account, region) as context:
                row = context.session.get(ApplicationRow, (account, region, name))
                if row is None or row.deletion is None:
                    continue
                if environments_of(context, name):
                    self._emulator.loops.wake_at(LOOP, key, context.now + _LOOK_AGAIN)
                else:
                    _remove(context, row)

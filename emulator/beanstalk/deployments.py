"""Deployments of an environment: each number says what instances that are told it carry out."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.beanstalk.environment_options import put_together
from emulator.beanstalk.errors import no_application_version
from emulator.context import Context
from emulator.state.beanstalk import ApplicationVersionRow, DeploymentRow, EnvironmentRow


def version_of(context: Context, application: str, label: str) -> ApplicationVersionRow:
    """A version of an application.

    Raises:
        InvalidParameterValue: there is none.

    """
    key = (context.account, context.region, application, label)
    found = context.session.get(ApplicationVersionRow, key)
    if found is None:
        raise no_application_version(label)
    return found


def new_deployment(
    context: Context,
    row: EnvironmentRow,
    version: ApplicationVersionRow | None,
    settings: Sequence[Mapping[str, Any]],
    platform_arn: str,
) -> int:
    """Write down what is to be carried out; it is prepared in the background. None: the sample application."""
    number = row.next_deployment
    row.next_deployment += 1
    context.session.add(
        DeploymentRow(
            environment_id=row.id,
            number=number,
            version_label=version.label if version is not None else None,
            bucket=version.bucket if version is not None else None,
            key=version.key if version is not None else None,
            platform_arn=platform_arn,
            settings=[dict(item) for item in settings],
            status="Reading",
            failure=None,
            task_definition_arn=None,
            port=None,
            outcome={},
            created_at=context.now,
        )
    )
    context.session.flush()
    return number


def again(context: Context, row: EnvironmentRow) -> int:
    """The last deployment once more, under a new number: the application starts anew, by the settings of now."""
    last = context.session.get_one(DeploymentRow, (row.id, row.deployment))
    number = row.next_deployment
    row.next_deployment += 1
    names = [column.name for column in DeploymentRow.__table__.columns]
    values = {name: getattr(last, name) for name in names}
    outcome = {name: value for name, value in last.outcome.items() if name != "ended"}
    settings = put_together(row.bundle_settings, row.settings)
    new = {"number": number, "created_at": context.now, "outcome": outcome, "settings": settings}
    context.session.add(DeploymentRow(**{**values, **new}))
    context.session.flush()
    return number

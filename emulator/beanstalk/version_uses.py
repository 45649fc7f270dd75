"""Which versions of an application environments run, or are about to."""

from sqlalchemy import select

from emulator.context import Context
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow


def environments_of(context: Context, application: str, *, remembered: bool = False) -> list[EnvironmentRow]:
    """The application's environments that are not terminated; with `remembered` those that are still known, too."""
    query = select(EnvironmentRow).where(
        EnvironmentRow.account == context.account,
        EnvironmentRow.region == context.region,
        EnvironmentRow.application == application,
    )
    if not remembered:
        query = query.where(EnvironmentRow.status != "Terminated")
    return list(context.session.scalars(query))


def labels_in_use(context: Context, application: str, *, remembered: bool = False) -> set[str]:
    """Labels of versions that these environments show, are about to run, or run on some instance after a failed deployment."""
    rows = environments_of(context, application, remembered=remembered)
    found = {row.version_label for row in rows}
    for row in rows:
        number = (row.operation or {}).get("deployment", 0)
        deployment = context.session.get(DeploymentRow, (row.id, number)) if number else None
        if deployment is not None:
            found.add(deployment.version_label)
    ids = [row.id for row in rows]
    mine = BeanstalkInstanceRow.environment_id.in_(ids), BeanstalkInstanceRow.terminated_at.is_(None)
    found.update(context.session.scalars(select(BeanstalkInstanceRow.version_label).where(*mine)))
    return {label for label in found if label is not None}

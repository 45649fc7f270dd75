"""An environment's rows and groups as the policies see them."""

from collections.abc import Sequence
from dataclasses import replace

from emulator.beanstalk.instances import Groups
from emulator.beanstalk.option_values import deployment_settings, values_of
from emulator.beanstalk.serving import serving_of
from emulator.context import Context
from emulator.state.beanstalk import BeanstalkInstanceRow, DeploymentRow, EnvironmentRow
from scheduler.beanstalk.model import Command, Fleet, Instance, Temporary, View

SAMPLE = "Sample Application"
"""What AWS calls the version of an environment that was made without one."""


def view_of(
    context: Context, row: EnvironmentRow, groups: Groups, instances: Sequence[BeanstalkInstanceRow], deployment: int
) -> View:
    """The environment now; `deployment` is the one that is being carried out (0: none)."""
    permanent = groups.permanent
    found = context.session.get(DeploymentRow, (row.id, deployment or row.deployment))
    settings = found.settings if found is not None else [*row.bundle_settings, *row.settings]
    return View(
        name=row.name,
        now=context.now,
        desired=permanent.desired if permanent is not None else 0,
        minimum=permanent.minimum if permanent is not None else 0,
        maximum=permanent.maximum if permanent is not None else 0,
        settings=replace(
            deployment_settings(values_of(settings), worker=row.tier["Name"] == "Worker"),
            load_balanced=bool(row.resources.get("target_groups")),  # since the deployment it may have become so
        ),
        instances=tuple(_instance(context, row, item) for item in instances),
        version=(found.version_label if found is not None else row.version_label) or SAMPLE,
        current=row.deployment,
        current_generation=row.resources.get("current_generation", 1),
        launches=_launches(row, groups),
        group=str(row.resources.get("group") or ""),
        cname=row.cname,
        temporary=_temporary(row, groups),
        prepared=found is None or found.status not in {"Reading", "Preparing"},
    )


def _launches(row: EnvironmentRow, groups: Groups) -> int:
    name = groups.permanent.launch_template if groups.permanent is not None else ""
    templates = row.resources.get("templates") or {}
    return next((int(number) for number, made in templates.items() if made["name"] == name), row.generation)


def _temporary(row: EnvironmentRow, groups: Groups) -> Temporary | None:
    document = row.resources.get("temporary")
    if not document or groups.temporary is None:
        return None
    return Temporary(document["group"], groups.temporary.desired, document.get("weight", 0))


def _instance(context: Context, row: EnvironmentRow, item: BeanstalkInstanceRow) -> Instance:
    return Instance(
        id=item.id,
        fleet=Fleet(item.fleet),
        launched_at=item.launched_at,
        deployment=item.deployment,
        command=Command(item.command),
        serving=serving_of(context, row, item),
        healthy_checks=item.healthy_checks,
        failed_checks=item.failed_checks,
        generation=item.generation,
        leaving=item.leaving,
    )

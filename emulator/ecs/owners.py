"""In whose name a task pulls images, reads secrets and writes logs."""

from emulator.context import Context
from emulator.ecs.names import environment_of
from emulator.state.beanstalk import EnvironmentRow
from emulator.state.ecs import TaskRow


def owner_of(context: Context, row: TaskRow) -> str:
    """The task's account. The tasks of applications of Elastic Beanstalk may be in an account of the service's own: theirs is the
    environment's.
    """
    environment_id = environment_of(row.started_by)
    environment = context.session.get(EnvironmentRow, environment_id) if environment_id is not None else None
    return row.account if environment is None else environment.account

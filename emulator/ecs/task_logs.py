"""Where the containers of a task write, by the log driver `awslogs` (reference: ecs.md §7.2)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from emulator.beanstalk.log_streams import PATHS, container_group
from emulator.context import Context
from emulator.ecs.names import environment_of
from emulator.ecs.owners import owner_of
from emulator.ecs.task_specs import definition_of
from emulator.neighbours.ports import LogGroupNotFoundError, Neighbours
from emulator.runtime.awslogs import LogStream
from emulator.runtime.faults import ResourceInitializationError
from emulator.state.beanstalk import BeanstalkInstanceRow, EnvironmentRow
from emulator.state.ecs import TaskRow


@dataclass(frozen=True, slots=True)
class TaskLog:
    """Where one container writes."""

    account: str
    region: str
    group: str
    stream: str | None
    """None: it is named after the container's id, which the engine gives."""
    create_group: bool

    def of(self, runtime_id: str) -> LogStream:
        """The stream of the container that the engine calls so."""
        return LogStream(self.account, self.region, self.group, self.stream or runtime_id)

    def prepare(self, neighbours: Neighbours, runtime_id: str | None = None) -> None:
        """Make sure that the stream is there, or the group alone as long as the stream has no name.

        Raises:
            ResourceInitializationError: its group is missing and may not be created.

        """
        try:
            neighbours.create_log_stream(
                self.account, self.region, self.group, self.stream or runtime_id, create_group=self.create_group
            )
        except LogGroupNotFoundError as error:
            raise ResourceInitializationError(
                "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch "
                "log stream: ResourceNotFoundException: The specified log group does not exist."
            ) from error


def task_logs(context: Context, row: TaskRow) -> dict[str, TaskLog]:
    """Container name → where it writes, for containers with the driver `awslogs`."""
    logs = {}
    for container in definition_of(context, row).body["containerDefinitions"]:
        logging = container.get("logConfiguration", {})
        if logging.get("logDriver") == "awslogs":
            options = logging["options"]
            prefix = options.get("awslogs-stream-prefix")
            logs[container["name"]] = TaskLog(
                owner_of(context, row),
                options["awslogs-region"],
                options["awslogs-group"],
                f"{prefix}/{container['name']}/{row.id}" if prefix else None,
                options.get("awslogs-create-group") == "true",
            )
    return logs | _of_environment(context, row, logs)


def _of_environment(context: Context, row: TaskRow, own: Collection[str]) -> dict[str, TaskLog]:
    """Where containers of an application of Elastic Beanstalk write that have no driver of their own, if its logs are streamed."""
    environment_id = environment_of(row.started_by)
    environment = context.session.get(EnvironmentRow, environment_id) if environment_id is not None else None
    if environment is None or not environment.resources.get(PATHS):
        return {}
    its = (
        BeanstalkInstanceRow.environment_id == environment_id,
        BeanstalkInstanceRow.host_arn == row.container_instance_arn,
    )
    instance_id = context.session.scalar(select(BeanstalkInstanceRow.id).where(*its))
    names = [container["name"] for container in row.containers if container["name"] not in own]
    groups = {name: container_group(environment.name, environment.resources, name) for name in names}
    return {
        name: TaskLog(environment.account, environment.region, group, instance_id, create_group=True)
        for name, group in groups.items()
        if group is not None and instance_id is not None
    }

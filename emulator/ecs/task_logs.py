"""Where the containers of a task write, by the log driver `awslogs` (reference: ecs.md §7.2)."""

from dataclasses import dataclass

from emulator.context import Context
from emulator.ecs.task_specs import definition_of
from emulator.neighbours.ports import LogGroupNotFoundError, Neighbours
from emulator.runtime.awslogs import LogStream
from emulator.runtime.ports import ResourceInitializationError
from emulator.state.ecs import TaskRow


@dataclass(frozen=True, slots=True)
class TaskLog:
    """The stream of one container."""

    to: LogStream
    create_group: bool

    def prepare(self, neighbours: Neighbours) -> None:
        """Make sure that the stream is there.

        Raises:
            ResourceInitializationError: its group is missing and may not be created.

        """
        try:
            neighbours.create_log_stream(
                self.to.account, self.to.region, self.to.group, self.to.stream, create_group=self.create_group
            )
        except LogGroupNotFoundError as error:
            raise ResourceInitializationError(
                "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch "
                "log stream: ResourceNotFoundException: The specified log group does not exist."
            ) from error


def task_logs(context: Context, row: TaskRow) -> dict[str, TaskLog]:
    """Container name → its stream, for containers with the driver `awslogs`.

    Without a prefix AWS names the stream after the engine's container id; here it is the container's name and task, which
    are known before the container is.
    """
    logs = {}
    for container in definition_of(context, row).body["containerDefinitions"]:
        logging = container.get("logConfiguration", {})
        if logging.get("logDriver") == "awslogs":
            options = logging["options"]
            name = "/".join(filter(None, [options.get("awslogs-stream-prefix"), container["name"], row.id]))
            stream = LogStream(row.account, options["awslogs-region"], options["awslogs-group"], name)
            logs[container["name"]] = TaskLog(stream, options.get("awslogs-create-group") == "true")
    return logs

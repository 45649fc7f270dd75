"""What goes wrong with containers, under the names that the ECS agent has for it: they end in `stoppedReason`."""


class RuntimeFault(Exception):
    """A container's failure, under the name that the ECS agent gives it; `reason` ends in the container's `reason`."""

    @property
    def reason(self) -> str:
        """`NAME: message`, as DescribeTasks shows it."""
        return f"{type(self).__name__}: {self}"


class CannotPullContainerError(RuntimeFault):
    """The image cannot be had."""


class CannotBuildImageError(RuntimeFault):
    """The engine cannot build an image; the agent has no name for this one."""

    def __init__(self, message: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.lines = lines
        """What the builder said last."""


class CannotCreateContainerError(RuntimeFault):
    """The engine refuses to create the container."""


class CannotStartContainerError(RuntimeFault):
    """The container was created but its process cannot be started."""


class CannotStopContainerError(RuntimeFault):
    """The engine cannot stop the container."""


class ContainerNetworkingError(RuntimeFault):
    """The task's network cannot be made."""


class ResourceInitializationError(RuntimeFault):
    """Something that the task needs before its containers (a log group, a secret) cannot be had."""


class CannotExecuteCommandError(RuntimeFault):
    """A command cannot be executed in a container; the agent has no name for this one."""


class DockerTimeoutError(RuntimeFault):
    """The engine did not answer in time."""


class OutOfMemoryError(RuntimeFault):
    """The kernel killed the container for using more memory than its limit."""

    def __init__(self, message: str = "Container killed due to memory usage") -> None:
        super().__init__(message)

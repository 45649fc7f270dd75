"""What Fargate demands of a task definition (reference: ecs.md §2.5)."""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.ecs.errors import ClientException
from emulator.ecs.requires_attributes import is_ecr_image

SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
"""Task CPU units → the MiB that go with them."""


_LOG_DRIVERS = frozenset({"awslogs", "splunk", "awsfirelens"})
_LINUX_PARAMETERS = ("devices", "sharedMemorySize", "maxSwap", "swappiness", "tmpfs")

Body = Mapping[str, Any]


def check_fargate(body: Body, port: int) -> None:
    """Raise ClientException for the first rule of Fargate's that `body` breaks. `port` is that of the emulated ECR."""
    broken = next(_broken(body, port), None)
    if broken is not None:
        raise ClientException(broken)


def suits_fargate(body: Body, port: int) -> bool:
    """Whether FARGATE belongs to the computed `compatibilities`."""
    return next(_broken(body, port), None) is None


def _broken(body: Body, port: int) -> Iterator[str]:
    """The message of every broken rule."""
    yield from _network(body)
    yield from _size(body)
    yield from _modes(body)
    yield from _role(body, port)
    yield from _task(body)
    for container in body["containerDefinitions"]:
        yield from _container(container)


def _network(body: Body) -> Iterator[str]:
    if body.get("networkMode") != "awsvpc":
        yield "Fargate only supports network mode \N{LEFT SINGLE QUOTATION MARK}awsvpc\N{RIGHT SINGLE QUOTATION MARK}."


def _size(body: Body) -> Iterator[str]:
    missing = [member for member in ("cpu", "memory") if member not in body]
    for member in missing:
        yield f"Fargate requires that '{member}' be defined at the task level."
    if missing:
        return
    cpu = int(body["cpu"])
    windows = body.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX") != "LINUX"
    offered = {1024, 2048, 4096} if windows else SIZES.keys()
    if cpu not in offered or int(body["memory"]) not in SIZES[cpu]:
        yield "No Fargate configuration exists for given values."


def _modes(body: Body) -> Iterator[str]:
    if body.get("ipcMode"):
        yield "Tasks using the Fargate launch type do not support ipcMode."
    if body.get("pidMode") == "host":
        yield (
            "Tasks using the Fargate launch type do not support pidMode 'host'. "
            "The supported value for pidMode is 'task'."
        )


def _role(body: Body, port: int) -> Iterator[str]:
    if body.get("executionRoleArn"):
        return
    for container in body["containerDefinitions"]:
        if is_ecr_image(container["image"], port):
            yield "Fargate requires task definition to have execution role ARN to support ECR images."
        driver = container.get("logConfiguration", {}).get("logDriver")
        if driver == "awslogs":
            yield f"Fargate requires task definition to have execution role ARN to support log driver {driver}."


def _task(body: Body) -> Iterator[str]:
    """Texts are (unconfirmed)."""
    for member in ("placementConstraints", "inferenceAccelerators"):
        if body.get(member):
            yield f"Tasks using the Fargate launch type do not support {member}."
    for volume in body["volumes"]:
        if volume.get("host", {}).get("sourcePath"):
            yield "Tasks using the Fargate launch type do not support host.sourcePath."
        if volume.get("dockerVolumeConfiguration"):
            yield "Tasks using the Fargate launch type do not support dockerVolumeConfiguration."
    if not 21 <= body.get("ephemeralStorage", {}).get("sizeInGiB", 21) <= 200:
        yield "The ephemeral storage size must be between 21 and 200 GiB."


def _container(container: Body) -> Iterator[str]:
    """Texts are (unconfirmed)."""
    prefix = "Tasks using the Fargate launch type do not support"
    yield from (f"{prefix} {m}." for m in ("privileged", "links", "dockerSecurityOptions") if container.get(m))
    if any(requirement.get("type") == "GPU" for requirement in container.get("resourceRequirements", [])):
        yield f"{prefix} GPU resource requirements."
    driver = container.get("logConfiguration", {}).get("logDriver")
    if driver is not None and driver not in _LOG_DRIVERS:
        yield f"{prefix} log driver {driver}."
    if driver == "awslogs" and not container["logConfiguration"].get("options", {}).get("awslogs-stream-prefix"):
        yield "Log driver awslogs requires options: awslogs-stream-prefix"
    linux = container.get("linuxParameters", {})
    yield from (f"{prefix} linuxParameters.{member}." for member in _LINUX_PARAMETERS if linux.get(member))
    if set(linux.get("capabilities", {}).get("add", [])) - {"SYS_PTRACE"}:
        yield f"{prefix} added capabilities other than SYS_PTRACE."
    if any(limit.get("name") != "nofile" for limit in container.get("ulimits", [])):
        yield f"{prefix} ulimits other than nofile."
    if not 2 <= container.get("startTimeout", 2) <= 120:
        yield f"Invalid 'startTimeout' setting for container '{container['name']}'."
    if container.get("stopTimeout", 0) > 120:
        yield f"Invalid 'stopTimeout' setting for container '{container['name']}'."

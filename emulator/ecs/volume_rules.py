"""Volumes of a task definition (reference: ecs.md §2.7). Texts are (unconfirmed)."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.ecs.errors import ClientException
from emulator.ecs.names import is_name

KINDS = (
    "host", "dockerVolumeConfiguration", "efsVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration",
    "s3filesVolumeConfiguration",
)  # fmt: skip
"""The members of which a volume has at most one."""


def check_volumes(volumes: Sequence[Mapping[str, Any]]) -> None:
    """Names are unique, and each volume is of one kind.

    Raises:
        ClientException: the first rule violated.

    """
    names = [volume.get("name", "") for volume in volumes]
    for volume, name in zip(volumes, names, strict=True):
        if not is_name(name):
            raise ClientException(f"Invalid volume name '{name}'.")
        kinds = [kind for kind in KINDS if volume.get(kind)]
        if len(kinds) + bool(volume.get("configuredAtLaunch")) > 1:
            raise ClientException(f"Volume '{name}' has more than one configuration.")
        _check_docker(volume.get("dockerVolumeConfiguration", {}), name)
    if len(set(names)) < len(names):
        raise ClientException("Volume names must be unique within a task definition.")
    if sum(1 for volume in volumes if volume.get("configuredAtLaunch")) > 1:
        raise ClientException("Only one volume can be configured at launch.")


def _check_docker(configuration: Mapping[str, Any], name: str) -> None:
    scope = configuration.get("scope", "task")
    if scope not in {"task", "shared"}:
        raise ClientException("scope should be one of [task,shared]")
    if configuration.get("autoprovision") and scope != "shared":
        raise ClientException(f"Volume '{name}' can only be autoprovisioned with scope shared.")

"""Paths of an instance → folders of this machine. An instance has no file system of its own: the unpacked bundle stands for
`/var/app/current`, and a folder of the instance for everything else, so that no bundle reaches this machine's own files.
"""

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emulator.beanstalk.bundles.plan import CURRENT


def on_this_machine(
    volumes: Iterable[Mapping[str, Any]], bundle: Path, instance: Path
) -> tuple[Mapping[str, Any], ...]:
    """The volumes with `host.sourcePath` replaced.

    Args:
        volumes: of a plan.
        bundle: the unpacked bundle.
        instance: where files of the instance are; folders in it are made by the engine when they are first mounted.

    """
    return tuple(_placed(volume, bundle, instance) for volume in volumes)


def _placed(volume: Mapping[str, Any], bundle: Path, instance: Path) -> Mapping[str, Any]:
    path = (volume.get("host") or {}).get("sourcePath")
    if not path:
        return volume
    return {**volume, "host": {"sourcePath": str(machine_path(path, bundle, instance))}}


def machine_path(path: str, bundle: Path, instance: Path) -> Path:
    """Where a path of the instance is here: never outside the two folders (links in the bundle were checked)."""
    normal = posixpath.normpath(f"/{path.lstrip('/')}")  # `..` ends at the root
    for current in (CURRENT, "/var/app/staging"):
        if normal == current or normal.startswith(f"{current}/"):
            return bundle.joinpath(normal[len(current) :].lstrip("/"))
    return instance.joinpath(normal.lstrip("/"))

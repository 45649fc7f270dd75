"""AWS's machine images are written once; what became of each is known after every restart."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from emulator.clock import Clock
from emulator.neighbours.snapshot_file import SnapshotFile
from emulator.neighbours.world import MotoWorld

ACCOUNT, REGION = "000000000000", "us-east-1"
SMALL = 50_000
"""Bytes: all images together take twenty times as many."""


@contextmanager
def opened(path: Path) -> Iterator[tuple[MotoWorld, Any]]:
    """A world that begins with what `path` keeps, and its EC2."""
    with closing(MotoWorld(Clock(), ACCOUNT, path)) as world:
        yield world, world.backend("ec2", ACCOUNT, REGION)


def shown(ec2: Any) -> dict[str, dict[str, Any]]:
    """Images and snapshots as they can be told apart."""
    images = {
        name: (image.state, image.name, image.launch_permissions, image.ebs_snapshot.id, image.creation_date)
        for name, image in ec2.amis.items()
    }
    snapshots = {
        name: (shot.status, shot.volume_id, sorted(shot.create_volume_permission_userids), shot.from_ami)
        for name, shot in ec2.snapshots.items()
    }
    return {"images": images, "snapshots": snapshots}


def segment(path: Path) -> bytes:
    with closing(SnapshotFile(path)) as file:
        return file.segments()["compute"]


def test_images_are_written_once_and_are_there_again(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.db"
    with opened(path) as (world, ec2):
        world.save()
        before = shown(ec2)
    assert len(before["images"]) > 1000
    assert len(segment(path)) < SMALL
    for _ in range(2):  # the second time they come from what was read
        with opened(path) as (world, ec2):
            assert shown(ec2) == before
            a = next(iter(ec2.amis.values()))
            assert ec2.snapshots[a.ebs_snapshot.id] is a.ebs_snapshot
            assert a.ec2_backend is ec2
            world.save()
        assert len(segment(path)) < SMALL


def test_what_was_changed_added_and_removed_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.db"
    with opened(path) as (world, ec2):
        first, second, third, *_ = ec2.amis
        world.save()
        ec2.amis[first].launch_permissions.append({"UserId": "111111111111"})
        ec2.disable_image(second)
        shot = ec2.amis[third].ebs_snapshot
        ec2.deregister_image(third)
        ec2.delete_snapshot(shot.id)
        made = ec2.register_image("mine", "")
        world.save()
        before = shown(ec2)
    assert made.id in before["images"]
    assert third not in ec2.amis
    with opened(path) as (world, ec2):
        assert shown(ec2) == before
        ec2.amis[first].launch_permissions.clear()
        world.save()
        before = shown(ec2)
    with opened(path) as (_, ec2):
        assert shown(ec2) == before
        assert ec2.amis[first].launch_permissions == []
        assert ec2.amis[second].state == "disabled"
        assert shot.id not in ec2.snapshots

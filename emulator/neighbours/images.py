"""EC2's machine images: moto makes AWS's 1,300 for each region, each with its snapshot, and hardly anybody changes one.

They are written once, as a body of the snapshot file; a save leaves out those that are as they were. Pickled each time,
they were nine tenths of what a change of EC2 cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TABLES = ("amis", "snapshots")
"""Where an EC2 backend keeps them, by their ids."""
LEFT_OUT = "_ashore_left_out"
"""Among a backend's written fields: the key of the body, and which of its images have gone since."""
_MARK = "_ashore_images"
_Tables = Mapping[str, Mapping[str, Any]]
"""Table → id → image or snapshot."""


@dataclass(frozen=True, slots=True)
class WrittenImages:
    """AWS's images of a backend as they were written.

    Args:
        key: of the body that holds them.
        shapes: table → id → its fields then.

    """

    key: str
    shapes: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def unchanged(self, backend: Any) -> dict[str, dict[str, Any]]:
        """Those that are as they were."""
        return {
            table: {name: item for name, item in getattr(backend, table).items() if vars(item) == shapes.get(name)}
            for table, shapes in self.shapes.items()
        }

    def rest(self, backend: Any, unchanged: _Tables) -> dict[str, Any]:
        """The backend's fields without them."""
        fields = {name: value for name, value in vars(backend).items() if name != _MARK}
        for table in TABLES:
            fields[table] = {name: item for name, item in fields[table].items() if name not in unchanged[table]}
        gone = {table: sorted(self.shapes[table].keys() - getattr(backend, table).keys()) for table in TABLES}
        return {**fields, LEFT_OUT: (self.key, gone)}


def of_aws(backend: Any) -> dict[str, dict[str, Any]]:
    """AWS's own images and their snapshots."""
    images = {name: image for name, image in backend.amis.items() if image.owner_alias == "amazon"}
    kept = backend.snapshots
    shots = [image.ebs_snapshot for image in images.values()]
    return {"amis": images, "snapshots": {shot.id: shot for shot in shots if kept.get(shot.id) is shot}}


def written(key: str, tables: _Tables) -> WrittenImages:
    """How they are now; lists and sets are copied, as moto changes them in place."""
    shapes = {table: {name: _shape(item) for name, item in items.items()} for table, items in tables.items()}
    return WrittenImages(key, shapes)


def marked(backend: Any) -> WrittenImages | None:
    """What has been written of the backend's images."""
    found: WrittenImages | None = vars(backend).get(_MARK)
    return found


def mark(backend: Any, images: WrittenImages) -> None:
    """Remember what has been written."""
    setattr(backend, _MARK, images)


def whole(fields: Mapping[str, Any], tables: _Tables) -> dict[str, Any]:
    """A backend's fields with the images that a save had left out."""
    key, gone = fields[LEFT_OUT]
    found = {name: value for name, value in fields.items() if name != LEFT_OUT}
    for table in TABLES:
        kept = {name: item for name, item in tables[table].items() if name not in set(gone[table])}
        found[table] = {**kept, **found[table]}
    return {**found, _MARK: written(key, tables)}


def _shape(item: Any) -> dict[str, Any]:
    return {name: value.copy() if isinstance(value, list | set | dict) else value for name, value in vars(item).items()}

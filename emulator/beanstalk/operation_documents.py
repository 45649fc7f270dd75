"""What an environment is busy with, as its row keeps it: enough to carry on after the process was killed at any instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from scheduler.beanstalk.model import OperationKind, Progress


class OperationName(StrEnum):
    """The request that began it, as its events call it."""

    CREATE = "createEnvironment"
    UPDATE = "updateEnvironment"
    RESTART = "restartAppServer"
    REBUILD = "rebuildEnvironment"
    RESTORE = "restoreEnvironment"
    TERMINATE = "terminateEnvironment"
    TAG = "Environment tag update"


class Stage(StrEnum):
    """A part of an operation."""

    LINK = "link"
    """Environments that it links to are launched or updated first."""
    READ = "read"
    """The version's bundle is read: it holds option settings."""
    MAKE = "make"
    """Resources are made, one after another."""
    ADJUST = "adjust"
    """Resources that are there take new settings over."""
    TAG = "tag"
    """Resources and instances get changed tags."""
    CARRY = "carry"
    """Instances carry a deployment out, by a policy."""
    REMOVE = "remove"
    """Resources are removed."""
    END = "end"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation under way."""

    name: OperationName
    request_id: str
    stages: tuple[Stage, ...]
    """What is still to be done; the first one is being done."""
    done: tuple[str, ...] = ()
    """Names of the steps of the present stage that are done."""
    progress: Progress | None = None
    """Of the policy, while instances carry something out."""
    deployment: int = 0
    """What they carry out; 0: nothing."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Settings that were changed, and how it will end."""
    waits_for: str = ""
    """What the policy waited for when it was looked at last, in words."""


def document_of(operation: Operation) -> dict[str, Any]:
    """As the row keeps it."""
    return {
        "name": operation.name.value,
        "request_id": operation.request_id,
        "stages": [stage.value for stage in operation.stages],
        "done": list(operation.done),
        "progress": None if operation.progress is None else _progress_document(operation.progress),
        "deployment": operation.deployment,
        "facts": dict(operation.facts),
        "waits_for": operation.waits_for,
    }


def operation_of(document: Mapping[str, Any] | None) -> Operation | None:
    """As the loop uses it."""
    if document is None:
        return None
    progress = document["progress"]
    return Operation(
        name=OperationName(document["name"]),
        request_id=document["request_id"],
        stages=tuple(Stage(stage) for stage in document["stages"]),
        done=tuple(document["done"]),
        progress=None if progress is None else _progress(progress),
        deployment=document["deployment"],
        facts=document["facts"],
        waits_for=document.get("waits_for", ""),
    )


def _progress_document(progress: Progress) -> dict[str, Any]:
    found = {item.name: getattr(progress, item.name) for item in fields(progress)}
    for name in ("started_at", "stage_since"):
        found[name] = None if found[name] is None else found[name].isoformat()
    return {**found, "kind": progress.kind.value, "batches": [list(batch) for batch in progress.batches]}


def _progress(document: Mapping[str, Any]) -> Progress:
    since = document["stage_since"]
    return Progress(
        **{
            **document,
            "kind": OperationKind(document["kind"]),
            "started_at": datetime.fromisoformat(document["started_at"]),
            "stage_since": None if since is None else datetime.fromisoformat(since),
            "batches": tuple(tuple(batch) for batch in document["batches"]),
            "told": tuple(document["told"]),
        }
    )

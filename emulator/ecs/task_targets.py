"""Where load balancers reach a task: its targets, from their registration until nothing is under way to them any more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from emulator.balancer.ports import Balancer, Target, TargetGroupNotFoundError, TargetHealth, TargetKey
from emulator.context import Context
from emulator.state.ecs import ContainerInstanceRow, TaskRow

_ORDERLY = {"ServiceSchedulerInitiated", "UserInitiated"}
"""Stop codes of tasks whose containers run on until their connections have been drained; a Spot task's get SIGTERM at once."""


class TargetDocument(TypedDict):
    """One target, as `targets` of a task's row keeps it."""

    targetGroupArn: str
    id: str
    """An instance id or an IP address."""
    port: int
    state: str
    """registered, draining or drained."""
    told: bool
    """The service has told of its deregistration."""


def balancer_of(context: Context) -> Balancer:
    """The load balancers; whoever asks has made sure that the server has some (`service_rules.refuse_unsupported`)."""
    found = context.emulator.balancer
    if found is None:
        raise RuntimeError("this server is built without load balancers")
    return found


def addresses(context: Context, row: TaskRow, groups: Iterable[Mapping[str, Any]]) -> list[TargetDocument]:
    """What is to be registered for a task that runs; nothing where a port is not known yet."""
    found: list[TargetDocument] = []
    for group in groups:
        key = key_for(context, row, group["containerName"], group["containerPort"])
        if key is None:
            return []
        found.append(
            {
                "targetGroupArn": group["targetGroupArn"],
                "id": key.id,
                "port": key.port,
                "state": "registered",
                "told": False,
            }
        )
    return found


def key_for(context: Context, row: TaskRow, container: str, port: int) -> TargetKey | None:
    """How a container's port of a task is reached; None while that is not known."""
    if row.network_mode == "awsvpc":
        details = {item["name"]: item["value"] for attached in row.attachments for item in attached["details"]}
        address = details.get("privateIPv4Address")
        return None if address is None else TargetKey(address, port)
    host = context.session.get(ContainerInstanceRow, row.container_instance_arn or "")
    if host is None:
        return None
    if row.network_mode == "host":
        return TargetKey(host.ec2_instance_id, port)
    bindings = [
        binding
        for document in row.containers
        if document["name"] == container
        for binding in document.get("networkBindings", [])
    ]
    ports = [binding["hostPort"] for binding in bindings if binding["containerPort"] == port]
    return TargetKey(host.ec2_instance_id, ports[0]) if ports else None


def register(
    context: Context, rows: Sequence[TaskRow], revision: str, groups: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Register what is not yet; target group → how many.

    Raises:
        TargetGroupNotFoundError: a group has been deleted.

    """
    wanted: dict[str, list[Target]] = {}
    known: dict[str, list[dict[str, Any]]] = {}
    simulated = context.emulator.runtime.kind == "simulated"
    for row in rows:
        documents = addresses(context, row, groups)
        for document in documents:
            key = TargetKey(document["id"], document["port"])
            wanted.setdefault(document["targetGroupArn"], []).append(Target(key, row.zone, revision, simulated))
        known[row.arn] = [dict(document) for document in documents]
    for arn, targets in wanted.items():
        balancer_of(context).register_targets(context, arn, targets)
    for row in rows:  # only now: what could not be registered is tried again
        row.targets = known[row.arn]
    return {arn: len(targets) for arn, targets in wanted.items()}


def leave(context: Context, row: TaskRow) -> None:
    """The task is to stop: no new requests come to it."""
    if row.targets:
        row.targets = [_left(context, document) for document in row.targets]


def _left(context: Context, document: Mapping[str, Any]) -> dict[str, Any]:
    """A target, deregistered; one whose group is gone has nothing to drain."""
    if document["state"] != "registered":
        return dict(document)
    key = TargetKey(document["id"], document["port"])
    try:
        balancer_of(context).deregister_targets(context, document["targetGroupArn"], [key])
    except TargetGroupNotFoundError:
        return {**document, "state": "drained"}
    return {**document, "state": "draining"}


def look_at_drains(context: Context, row: TaskRow) -> bool:
    """Note which targets have nothing under way any more; whether that changed something."""
    draining = [document for document in row.targets if document["state"] == "draining"]
    done = {(item["targetGroupArn"], item["id"], item["port"]) for item in draining if _drained(context, item)}
    if done:
        row.targets = [
            {**item, "state": "drained"} if (item["targetGroupArn"], item["id"], item["port"]) in done else item
            for item in row.targets
        ]
    return bool(done)


def _drained(context: Context, document: Mapping[str, Any]) -> bool:
    found = balancer_of(context).target_health(context, document["targetGroupArn"])
    health = found.get(TargetKey(document["id"], document["port"]))
    return health is None or health.state != "draining" or health.drained


def held_by_drains(row: TaskRow) -> bool:
    """Whether the task's containers run on because requests to them may be under way."""
    return row.stop_code in _ORDERLY and any(document["state"] == "draining" for document in row.targets)


def health_of(targets: Iterable[Mapping[str, Any]], found: Mapping[str, Mapping[TargetKey, TargetHealth]]) -> str:
    """UNHEALTHY if any target is; HEALTHY if all are; else UNKNOWN, also while none is registered."""
    states = {
        health.state
        if (health := found[item["targetGroupArn"]].get(TargetKey(item["id"], item["port"])))
        else "unknown"
        for item in targets
    }
    if "unhealthy" in states:
        return "UNHEALTHY"
    return "HEALTHY" if states == {"healthy"} else "UNKNOWN"

"""A worker environment's queue, how much waits in it, and who leads, in words: for `ashore explain`."""

from collections.abc import Iterator

from emulator.beanstalk.resources.queues import DEAD_LETTERS, QUEUE
from emulator.beanstalk.workers import is_worker, queues_of
from emulator.context import Context
from emulator.state.beanstalk import DeploymentRow, EnvironmentRow, PeriodicTasksRow


def explain_worker(context: Context, row: EnvironmentRow) -> Iterator[str]:
    """Nothing of an environment of another tier."""
    if not is_worker(row):
        return
    known, queues = queues_of(row), context.emulator.queues
    depths = {name: queues.depth(queue) for name, queue in known.items()} if queues is not None else {}
    if QUEUE not in known:
        yield "It has no queue yet."
        return
    yield f"Its queue {known[QUEUE].name} {_waiting(depths.get(QUEUE))}."
    if queues is not None and (hidden := queues.next_visible(known[QUEUE])) is not None:
        yield f"  Others are under way, or wait: the next is visible again at {hidden.isoformat(timespec='seconds')}."
    if DEAD_LETTERS in known:
        yield f"Its dead-letter queue {known[DEAD_LETTERS].name} {_waiting(depths.get(DEAD_LETTERS))}."
    yield from _of_tasks(context, row)


def _waiting(depth: int | None) -> str:
    if depth is None:
        return "is not there"
    return f"has {depth} message{'s' if depth != 1 else ''} to be received"


def _of_tasks(context: Context, row: EnvironmentRow) -> Iterator[str]:
    found = context.session.get(PeriodicTasksRow, row.id)
    if found is None or found.leader is None:
        yield "No instance leads: nobody puts periodic tasks into the queue."
        return
    deployment = context.session.get(DeploymentRow, (row.id, found.deployment))
    tasks = (deployment.outcome if deployment is not None else {}).get("periodic", [])
    told = ", ".join(f"{task['name']} ({task['schedule']})" for task in tasks) or "none"
    yield f"Instance {found.leader} leads; periodic tasks of deployment {found.deployment}: {told}."

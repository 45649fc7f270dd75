"""The queues of a worker environment: its own with a dead-letter queue, or the one that `WorkerQueueURL` names.

The row's `resources["queues"]` holds logical name → name of a queue that was made, or the URL that was given.
"""

from urllib.parse import urlsplit

from emulator.beanstalk.option_values import SQSD
from emulator.beanstalk.resources.facts import Facts
from emulator.beanstalk.resources.step import Made
from emulator.neighbours.environment_ports import EnvironmentResources, Place, QueueSpec
from emulator.neighbours.worker_ports import Queue

QUEUE, DEAD_LETTERS = "WorkerQueue", "WorkerDeadLetterQueue"


def ensure(resources: EnvironmentResources, facts: Facts) -> Made:
    """Both queues, with the attributes that the options of the daemon say; a queue of the user's stays as it is.

    Once the user names one, those that were made go, as what a stack holds no more (unconfirmed).
    """
    values = facts.values
    given = values.get(SQSD, "WorkerQueueURL")
    if given:
        remove(resources, facts)
        return Made({"queues": {QUEUE: given}})
    spec = QueueSpec(
        name=facts.named("AWSEBWorkerQueue"),
        dead_letter_name=facts.named("AWSEBWorkerDeadLetterQueue"),
        visibility_timeout=values.number(SQSD, "VisibilityTimeout", 300),
        retention=values.number(SQSD, "RetentionPeriod", 345600),
        max_receives=values.number(SQSD, "MaxRetries", 10),
    )
    resources.ensure_queues(facts.place, spec, facts.tags)
    return Made({"queues": {QUEUE: spec.name, DEAD_LETTERS: spec.dead_letter_name}})


def planned_queue(facts: Facts) -> str:
    """The entry of the worker's queue, also before it is made: its name is the same each time."""
    made = (facts.resources.get("queues") or {}).get(QUEUE)
    return str(made or facts.values.get(SQSD, "WorkerQueueURL") or facts.named("AWSEBWorkerQueue"))


def remove(resources: EnvironmentResources, facts: Facts) -> Made:
    """Those that were made; a queue of the user's stays."""
    for name in (facts.resources.get("queues") or {}).values():
        if not is_url(name):
            resources.delete_queue(facts.place, name)
    return Made({"queues": None})


def is_url(queue: str) -> bool:
    """Whether an entry is the URL of a queue that the user has given."""
    return "://" in queue


def queue_of(queue: str, place: Place) -> Queue:
    """An entry's queue; a URL tells the account, and at AWS's host names the region, too."""
    if not is_url(queue):
        return Queue(place, queue)
    parts = urlsplit(queue)
    account, _, name = parts.path.strip("/").rpartition("/")
    host = (parts.hostname or "").split(".")
    region = host[1] if host[0] == "sqs" and len(host) > 2 else place.region
    return Queue(Place(account if account.isdigit() else place.account, region), name)


def url_of(queue: str, account: str, port: int) -> str:
    """Where clients reach an entry's queue, at the server's port."""
    return queue if is_url(queue) else f"http://localhost:{port}/{account}/{queue}"

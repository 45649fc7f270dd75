"""What the daemon of a worker environment does with a message: where it goes, how it is posted, what the answer means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

USER_AGENT = "aws-sqsd/3.0"
BODY = "elasticbeanstalk scheduled job"
"""Of every message of a periodic task."""
TASK_NAME, TASK_PATH, TASK_TIME = (
    "beanstalk.sqsd.task_name",
    "beanstalk.sqsd.path",
    "beanstalk.sqsd.scheduled_time",
)
"""Attributes of messages that a periodic task has put into the queue."""
BATCH = 10
"""Messages that SQS gives at once."""
_TIME = "%Y-%m-%d %H:%M:%S UTC"
_LINES = str.maketrans("\r\n", "  ")
"""A header is one line."""


@dataclass(frozen=True, slots=True)
class Message:
    """As SQS gives it."""

    id: str
    body: str
    queue_url: str
    received: int
    """ApproximateReceiveCount."""
    first_received_at: datetime
    sender_id: str = ""
    attributes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Name → data type and value, of message attributes."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """`aws:elasticbeanstalk:sqsd`; durations in seconds."""

    path: str = "/"
    mime_type: str = "application/json"
    connections: int = 50
    connect_timeout: int = 5
    inactivity_timeout: int = 299
    visibility_timeout: int = 300
    error_visibility_timeout: int = 2
    retention: int = 345600
    max_retries: int = 10


@dataclass(frozen=True, slots=True)
class Post:
    """A request to the application."""

    path: str
    headers: Mapping[str, str]
    body: str


def post(message: Message, settings: WorkerSettings) -> Post:
    """The request that hands a message over; that of a periodic task has no body."""
    values = {name: value.translate(_LINES) for name, (_, value) in message.attributes.items()}
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": settings.mime_type.translate(_LINES),
        "X-Aws-Sqsd-Msgid": message.id,
        "X-Aws-Sqsd-Queue": message.queue_url.rsplit("/", 1)[-1],
        "X-Aws-Sqsd-First-Received-At": instant(message.first_received_at),
        "X-Aws-Sqsd-Receive-Count": str(message.received),
        "X-Aws-Sqsd-Sender-Id": message.sender_id,
    }
    own = {TASK_NAME, TASK_PATH, TASK_TIME}
    for name, (kind, _) in message.attributes.items():
        if name not in own and kind.split(".")[0] in {"String", "Number"}:
            headers[f"X-Aws-Sqsd-Attr-{name}"] = values[name]
    periodic = TASK_TIME in values
    if periodic:
        headers["X-Aws-Sqsd-Taskname"] = values.get(TASK_NAME, "")
        headers["X-Aws-Sqsd-Scheduled-At"] = _scheduled(values[TASK_TIME])
    path = values.get(TASK_PATH) if periodic else None
    path = path or settings.path
    return Post(path if path.startswith("/") else f"/{path}", headers, "" if periodic else message.body)


def task_attributes(name: str, path: str, at: datetime) -> dict[str, str]:
    """Those of a periodic task's message that was due `at`."""
    return {TASK_NAME: name, TASK_PATH: path, TASK_TIME: at.astimezone(UTC).strftime(_TIME)}


def _scheduled(text: str) -> str:
    """ISO 8601 of what a periodic task wrote; as it stands where somebody else wrote it otherwise."""
    try:
        return instant(datetime.strptime(text, _TIME).replace(tzinfo=UTC))
    except ValueError:
        return text


def instant(at: datetime) -> str:
    """ISO 8601 in UTC, by the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Fate(Enum):
    """What becomes of a message."""

    DELETE = auto()
    VISIBLE_AGAIN = auto()
    """After `Verdict.seconds`; the queue moves it to the dead-letter queue when it was received too often."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the daemon tells the queue."""

    fate: Fate
    seconds: int = 0


def judge(status: int | None, settings: WorkerSettings) -> Verdict:
    """By the answer's HTTP status; None: no answer within InactivityTimeout, or no connection.

    The daemon treats both failures alike (unconfirmed for the present version).
    """
    return Verdict(Fate.DELETE) if status == 200 else Verdict(Fate.VISIBLE_AGAIN, settings.error_visibility_timeout)


def is_expired(message: Message, settings: WorkerSettings, now: datetime) -> bool:
    """Received for the first time longer ago than RetentionPeriod: it is deleted and not posted."""
    return now > message.first_received_at + timedelta(seconds=settings.retention)


def hand_out(under_way: Mapping[str, int], connections: int) -> tuple[str, ...]:
    """Instances for the next messages, one entry a message, at most `BATCH`: the least busy first, then by id.

    Args:
        under_way: instance that can take messages → requests that are under way there.
        connections: HttpConnections; no instance gets more at a time.

    """
    load, chosen = dict(under_way), list[str]()
    while load and len(chosen) < BATCH:
        least = min(sorted(load), key=lambda one: load[one])
        if load[least] >= connections:
            break
        load[least] += 1
        chosen.append(least)
    return tuple(chosen)

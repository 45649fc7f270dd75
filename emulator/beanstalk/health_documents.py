"""Health as rows keep it: of an instance and of an environment, the last judgement and what the next one needs to remember."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scheduler.beanstalk.basic_health import BasicHealth
from scheduler.beanstalk.health_history import History
from scheduler.beanstalk.health_model import Activities, Activity, Color, HealthStatus, Judgement
from scheduler.beanstalk.request_statistics import Requests

Document = Mapping[str, Any]


def requests_document(requests: Requests) -> dict[str, Any]:
    return {
        "classes": {str(key): count for key, count in requests.classes.items()},
        "latencies": {str(key): count for key, count in requests.latencies.items()},
    }


def requests_of(document: Document | None) -> Requests:
    found = document or {}
    return Requests(
        {int(key): count for key, count in found.get("classes", {}).items()},
        {int(key): count for key, count in found.get("latencies", {}).items()},
    )


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    return {"status": judgement.status.value, "color": judgement.color.value, "causes": list(judgement.causes)}


def instant_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def history_document(history: History) -> dict[str, Any]:
    return {
        "shown": history.shown,
        "told": history.told,
        "published_at": written(history.published_at),
        "worse": [at.isoformat() for at in history.worse],
    }


def history_of(document: Document | None) -> History:
    if not document:
        return History()
    return History(
        shown=None if document["shown"] is None else HealthStatus(document["shown"]),
        told=None if document["told"] is None else HealthStatus(document["told"]),
        published_at=instant_of(document["published_at"]),
        worse=tuple(datetime.fromisoformat(at) for at in document["worse"]),
    )


def basic_document(basic: BasicHealth) -> dict[str, Any]:
    return {"color": basic.color.value, "failures": basic.failures}


def basic_of(document: Document | None) -> BasicHealth:
    return BasicHealth(Color(document["color"]), document["failures"]) if document else BasicHealth()


def activities_document(activities: Activities, request_id: str) -> dict[str, Any]:
    return {
        "activity": activities.activity.value,
        "since": activities.since.isoformat(),
        "ended": written(activities.ended),
        "failed": activities.failed,
        "request_id": request_id,
    }


def activities_of(document: Document | None) -> Activities | None:
    if not document:
        return None
    since = datetime.fromisoformat(document["since"])
    return Activities(Activity(document["activity"]), since, instant_of(document["ended"]), document["failed"])

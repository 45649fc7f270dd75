"""What the daemon posts and what it makes of answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.beanstalk.worker_messages import (
    BATCH,
    BODY,
    Fate,
    Message,
    Verdict,
    WorkerSettings,
    hand_out,
    is_expired,
    judge,
    post,
    task_attributes,
)

MESSAGE = Message("m-1", '{"a": 1}', "http://sqs/1/queue", 3, datetime(2026, 1, 1, 12, 30, 5, tzinfo=UTC), "AIDA")


def test_headers() -> None:
    message = replace(
        MESSAGE, attributes={"color": ("String", "red"), "size": ("Number.int", "3"), "raw": ("Binary", "xx")}
    )
    found = post(message, WorkerSettings(path="/work"))
    assert found.path == "/work"
    assert found.body == '{"a": 1}'
    assert found.headers == {
        "User-Agent": "aws-sqsd/3.0",
        "Content-Type": "application/json",
        "X-Aws-Sqsd-Msgid": "m-1",
        "X-Aws-Sqsd-Queue": "queue",
        "X-Aws-Sqsd-First-Received-At": "2026-01-01T12:30:05Z",
        "X-Aws-Sqsd-Receive-Count": "3",
        "X-Aws-Sqsd-Sender-Id": "AIDA",
        "X-Aws-Sqsd-Attr-color": "red",
        "X-Aws-Sqsd-Attr-size": "3",
    }


def test_a_periodic_task_goes_to_its_own_path() -> None:
    written = task_attributes("backup", "/backup", datetime(2026, 1, 1, 12, 30, tzinfo=UTC))
    assert written["beanstalk.sqsd.scheduled_time"] == "2026-01-01 12:30:00 UTC"
    attributes = {name: ("String", value) for name, value in written.items()}
    found = post(replace(MESSAGE, body=BODY, attributes=attributes), WorkerSettings())
    assert (found.path, found.body) == ("/backup", "")
    assert found.headers["X-Aws-Sqsd-Taskname"] == "backup"
    assert found.headers["X-Aws-Sqsd-Scheduled-At"] == "2026-01-01T12:30:00Z"
    assert not any("Attr" in name for name in found.headers)


@given(st.text(), st.text())
def test_attributes_of_any_text_make_no_further_header(value: str, at: str) -> None:
    attributes = {"note": ("String", value), "beanstalk.sqsd.scheduled_time": ("String", at)}
    found = post(replace(MESSAGE, attributes=attributes), WorkerSettings())
    assert not any("\r" in text or "\n" in text for text in found.headers.values())


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 12), max_size=5), st.integers(1, 12))
def test_no_instance_gets_more_than_its_connections_and_none_idles(under_way: dict[str, int], connections: int) -> None:
    chosen = hand_out(under_way, connections)
    after = {one: count + chosen.count(one) for one, count in under_way.items()}
    assert all(after[one] <= max(connections, under_way[one]) for one in under_way)
    free = sum(max(0, connections - count) for count in under_way.values())
    assert len(chosen) == min(BATCH, free)
    got = [after[one] for one in under_way if one in chosen]
    assert not got or max(got) - min(after.values()) <= 1, "messages are spread evenly"


def test_what_was_seen_too_long_ago_is_not_posted() -> None:
    settings = WorkerSettings(retention=60)
    seen = MESSAGE.first_received_at
    assert not is_expired(MESSAGE, settings, seen + timedelta(seconds=60))
    assert is_expired(MESSAGE, settings, seen + timedelta(seconds=61))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict(Fate.DELETE)),
        (204, Verdict(Fate.VISIBLE_AGAIN, 7)),
        (500, Verdict(Fate.VISIBLE_AGAIN, 7)),
        (None, Verdict(Fate.VISIBLE_AGAIN, 7)),
    ],
)
def test_only_200_deletes(status: int | None, verdict: Verdict) -> None:
    assert judge(status, WorkerSettings(error_visibility_timeout=7)) == verdict

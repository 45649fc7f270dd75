"""A worker on a real engine: its container gets messages with their headers, fails, gets them again, and does periodic tasks."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.emulator.runtime import images
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

BASE = "ashore-test-worker:1"
SQSD = "aws:elasticbeanstalk:sqsd"
WORK = """#!/bin/sh
body=$(cat)
seen=$(echo "$REQUEST_METHOD $SCRIPT_NAME"; env | grep ^HTTP_; echo "CONTENT_TYPE=$CONTENT_TYPE"; echo "$body")
printf '%s\\n--\\n' "$seen" >> /seen
case "$body" in
*fail*) printf 'Status: 500 Failed\\r\\n\\r\\n' ;;
*) printf 'Status: 200 OK\\r\\n\\r\\ndone' ;;
esac
"""
DOCKERFILE = f"""FROM {BASE}
RUN mkdir -p /www/cgi-bin
COPY work /www/cgi-bin/work
RUN chmod 755 /www/cgi-bin/work && ln -s work /www/cgi-bin/cron
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]
"""
CRON = """version: 1
cron: [{name: every minute, url: /cgi-bin/cron, schedule: "* * * * *"}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    images.make(BASE)
    running = RunningServer(tmp_path / "state", runtime="docker", clock="x20")
    found = Shop(running)
    found.begin(bundle(**{"Dockerfile": DOCKERFILE, "work": WORK, "cron.yaml": CRON}))
    yield found
    found.eb.terminate_environment(EnvironmentName="jobs")
    gone = found.wait("jobs", "Terminated")
    built = ["docker", "images", "--quiet", "--filter", f"label=ashore.beanstalk.environment={gone['EnvironmentId']}"]
    running.wait_until(lambda: not subprocess.run(built, capture_output=True, text=True, check=True).stdout)
    running.stop()
    images.remove(BASE)


def seen(shop: Shop) -> list[list[str]]:
    """The requests that the container got, each as lines."""
    started = (re.fullmatch(r"Docker container (\w+) is running .*", text) for text in shop.messages("jobs"))
    container = next(found[1] for found in started if found)
    done = subprocess.run(["docker", "exec", container, "cat", "/seen"], capture_output=True, text=True, check=False)
    return [part.strip().splitlines() for part in done.stdout.split("--\n") if part.strip()]


@pytest.mark.timeout(180)
def test_messages_reach_the_container_and_are_tried_again(shop: Shop) -> None:
    settings = (option(SQSD, "HttpPath", "/cgi-bin/work"), option(SQSD, "MaxRetries", "2"))
    shop.create("jobs", *settings, single=True, Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    shop.wait("jobs")
    found = shop.eb.describe_environment_resources(EnvironmentName="jobs")["EnvironmentResources"]["Queues"]
    queues = {item["Name"]: item["URL"] for item in found}
    sqs = shop.server.client("sqs")
    colour = {"colour": {"DataType": "String", "StringValue": "red"}}
    sent = sqs.send_message(QueueUrl=queues["WorkerQueue"], MessageBody='{"order": 1}', MessageAttributes=colour)
    sqs.send_message(QueueUrl=queues["WorkerQueue"], MessageBody='{"order": "fail"}')

    def dead() -> list[Any]:
        received = sqs.receive_message(QueueUrl=queues["WorkerDeadLetterQueue"], VisibilityTimeout=0)
        return list(received.get("Messages", []))

    shop.server.wait_until(lambda: bool(dead()), 60)
    assert json.loads(dead()[0]["Body"]) == {"order": "fail"}
    requests = seen(shop)
    (first,) = (lines for lines in requests if '{"order": 1}' in lines)
    name = queues["WorkerQueue"].rsplit("/", 1)[1]
    assert {
        "POST /cgi-bin/work",
        "HTTP_USER_AGENT=aws-sqsd/3.0",
        "CONTENT_TYPE=application/json",
        f"HTTP_X_AWS_SQSD_MSGID={sent['MessageId']}",
        f"HTTP_X_AWS_SQSD_QUEUE={name}",
        "HTTP_X_AWS_SQSD_RECEIVE_COUNT=1",
        "HTTP_X_AWS_SQSD_ATTR_COLOUR=red",
    } <= set(first)
    failed = [lines for lines in requests if '{"order": "fail"}' in lines]
    counts = [line.rpartition("=")[2] for lines in failed for line in lines if "RECEIVE_COUNT" in line]
    assert counts == ["1", "2"]

    def tasks() -> list[list[str]]:
        return [lines for lines in seen(shop) if "HTTP_X_AWS_SQSD_TASKNAME=every minute" in lines]

    shop.server.wait_until(lambda: len(tasks()) >= 2, 30)
    assert all(lines[0] == "POST /cgi-bin/cron" for lines in tasks())
    times = [line.rpartition("=")[2] for lines in tasks() for line in lines if "SCHEDULED_AT" in line]
    assert all(time.endswith(":00Z") for time in times)
    assert len(times) == len(set(times))

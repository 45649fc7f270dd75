"""Worker environments by boto3 on the simulated runtime: queues, what the daemon posts, retries, periodic tasks, `kill -9`."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.running import RunningServer

WORKER = {"Name": "Worker", "Type": "SQS/HTTP"}
SQSD = "aws:elasticbeanstalk:sqsd"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("worker") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def resources(shop: Shop) -> Any:
    return shop.eb.describe_environment_resources(EnvironmentName="jobs")["EnvironmentResources"]


def queues(shop: Shop) -> dict[str, str]:
    return {item["Name"]: item["URL"] for item in resources(shop)["Queues"]}


def attributes(shop: Shop, url: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.server.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(found["Attributes"])


def names(shop: Shop) -> list[str]:
    return list(shop.server.client("sqs").list_queues().get("QueueUrls", []))


def jobs(shop: Shop, *settings: Any, **members: Any) -> None:
    """A worker environment `jobs` that is Ready."""
    shop.create("jobs", *settings, single=True, Tier=WORKER, **members)
    shop.until("jobs")


def daemon_health(shop: Shop) -> list[float]:
    """The metric that the daemons of an environment publish, by the minute."""
    now = datetime.fromisoformat(shop.server.admin("GET", "status")["clock"]["now"])
    points = shop.server.client("cloudwatch").get_metric_statistics(
        Namespace="ElasticBeanstalk/SQSD",
        MetricName="Health",
        Dimensions=[{"Name": "EnvironmentName", "Value": "jobs"}],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return [point["Maximum"] for point in sorted(points, key=lambda point: point["Timestamp"])]


def answers(shop: Shop, status: int, after: float = 0) -> None:
    script = {"pattern": "*", "answers": status, "answers_after": after}
    shop.server.admin("POST", "runtime/scripts", script)


def send(shop: Shop, *bodies: str, **members: Any) -> None:
    sqs, url = shop.server.client("sqs"), queues(shop)["WorkerQueue"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, **members)
    shop.advance(0)


def posted(shop: Shop) -> list[Any]:
    """What the daemon has posted, oldest first."""
    found = shop.server.admin("GET", "journal?kind=state_change&limit=1000")["entries"]
    return [entry["detail"] for entry in sorted(found, key=lambda entry: entry["seq"]) if "message" in entry["detail"]]


def counted(shop: Shop, name: str = "WorkerQueue") -> tuple[int, int]:
    """Messages of a queue that are visible, and those that are hidden."""
    found = attributes(shop, queues(shop)[name])
    return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])


def test_a_worker_has_queues_and_neither_balancer_nor_cname(shop: Shop) -> None:
    shop.create("jobs", option(SQSD, "MaxRetries", "3"), option(SQSD, "VisibilityTimeout", "40"), Tier=WORKER)
    environment = shop.until("jobs")
    assert "CNAME" not in environment
    assert resources(shop)["LoadBalancers"] == []
    found = queues(shop)
    assert list(found) == ["WorkerQueue", "WorkerDeadLetterQueue"]
    own, dead = (attributes(shop, url) for url in found.values())
    assert (own["VisibilityTimeout"], own["MessageRetentionPeriod"]) == ("40", "345600")
    redrive = json.loads(own["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 3}
    shop.server.client("sqs").send_message(QueueUrl=found["WorkerQueue"], MessageBody="a", DelaySeconds=900)

    shop.eb.update_environment(EnvironmentName="jobs", OptionSettings=[option(SQSD, "MaxRetries", "7")])
    shop.until("jobs")
    changed = attributes(shop, found["WorkerQueue"])
    assert json.loads(changed["RedrivePolicy"])["maxReceiveCount"] == 7
    assert changed["ApproximateNumberOfMessagesDelayed"] == "1", "the queue is the same"

    shop.eb.terminate_environment(EnvironmentName="jobs")
    shop.until("jobs", "Terminated")
    assert names(shop) == []


def test_a_queue_of_the_users_is_used_and_stays(shop: Shop) -> None:
    url = shop.server.client("sqs").create_queue(QueueName="mine")["QueueUrl"]
    shop.create("jobs", option(SQSD, "WorkerQueueURL", url), Tier=WORKER)
    shop.until("jobs")
    assert queues(shop) == {"WorkerQueue": url}
    assert len(names(shop)) == 1
    send(shop, "a")
    assert [one["status"] for one in posted(shop)] == [200]
    assert counted(shop) == (0, 0)
    shop.eb.terminate_environment(EnvironmentName="jobs")
    shop.until("jobs", "Terminated")
    assert len(names(shop)) == 1


def test_a_message_is_posted_with_awss_headers_and_deleted(shop: Shop) -> None:
    jobs(shop, option(SQSD, "HttpPath", "/work"), option(SQSD, "MimeType", "text/plain"))
    own = {"colour": {"DataType": "String", "StringValue": "red"}, "raw": {"DataType": "Binary", "BinaryValue": b"x"}}
    send(shop, "a", MessageAttributes=own)
    (one,) = posted(shop)
    assert (one["path"], one["status"], one["becomes"], one["simulated"]) == ("/work", 200, "deleted", True)
    headers = one["headers"]
    assert headers.pop("X-Aws-Sqsd-First-Received-At").endswith("Z")
    assert headers.pop("X-Aws-Sqsd-Sender-Id")
    assert headers == {
        "User-Agent": "aws-sqsd/3.0",
        "Content-Type": "text/plain",
        "X-Aws-Sqsd-Msgid": one["message"],
        "X-Aws-Sqsd-Queue": queues(shop)["WorkerQueue"].rsplit("/", 1)[1],
        "X-Aws-Sqsd-Receive-Count": "1",
        "X-Aws-Sqsd-Attr-colour": "red",
    }
    assert counted(shop) == (0, 0)
    for _ in range(8):
        send(shop, "b")
        shop.advance(10)
    metrics = shop.eb.describe_environment_health(EnvironmentName="jobs", AttributeNames=["All"])["ApplicationMetrics"]
    assert (metrics["RequestCount"], metrics["StatusCodes"]["Status2xx"]) == (1, 1), "of the last ten seconds"


def test_a_message_that_fails_is_tried_again_and_ends_in_the_dead_letter_queue(shop: Shop) -> None:
    jobs(shop, option(SQSD, "MaxRetries", "3"), option(SQSD, "ErrorVisibilityTimeout", "20"))
    shop.advance(180)
    answers(shop, 500)
    send(shop, "a")
    assert counted(shop) == (0, 1)
    assert posted(shop)[0]["becomes"] == "visible again in 20 seconds"
    shop.advance(19)
    assert len(posted(shop)) == 1
    shop.advance(100)
    assert [one["headers"]["X-Aws-Sqsd-Receive-Count"] for one in posted(shop)] == ["1", "2", "3"]
    assert (counted(shop), counted(shop, "WorkerDeadLetterQueue")) == ((0, 0), (1, 0))
    shop.advance(180)
    found = shop.eb.describe_environment_health(EnvironmentName="jobs", AttributeNames=["All"])
    cause = "1 messages in Dead Letter Queue (0 seconds ago)."
    assert (found["HealthStatus"], found["Causes"][0]) == ("Warning", cause)
    values = daemon_health(shop)
    assert (max(values), values[-1]) == (1, 0), "green, then yellow"


def test_no_more_is_posted_at_a_time_than_connections_allow(shop: Shop) -> None:
    jobs(shop, option(SQSD, "HttpConnections", "2"), option(SQSD, "InactivityTimeout", "60"))
    answers(shop, 200, after=10)
    send(shop, *"abcde")
    assert counted(shop) == (3, 2)
    shop.advance(10)
    assert (len(posted(shop)), counted(shop)) == (2, (1, 2))
    shop.advance(10)
    answers(shop, 200, after=100)  # longer than InactivityTimeout
    shop.advance(10)
    assert (len(posted(shop)), counted(shop)) == (5, (0, 0))
    send(shop, "f")
    shop.advance(60)
    assert (posted(shop)[-1]["status"], counted(shop)) == (None, (0, 1))
    answers(shop, 200)
    shop.advance(3)
    assert counted(shop) == (0, 0)


def test_a_fifo_queue_keeps_its_order(shop: Shop) -> None:
    sqs = shop.server.client("sqs")
    url = sqs.create_queue(QueueName="mine.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    jobs(shop, option(SQSD, "WorkerQueueURL", url))
    answers(shop, 200, after=10)
    sent = [
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0], MessageDeduplicationId=body)[
            "MessageId"
        ]
        for body in ("a1", "a2", "b1")
    ]
    shop.advance(0)
    assert counted(shop) == (1, 2), "one of each group at a time"
    shop.advance(20)
    assert [sent.index(one["message"]) for one in posted(shop)] == [0, 2, 1]


CRON = """version: 1
cron:
- {name: often, url: /often, schedule: "*/2 * * * *"}
- {name: hourly, url: hourly, schedule: "@hourly"}
"""


def periodic(shop: Shop, name: str) -> list[str]:
    """The minutes for which a task was posted and answered 200."""
    found = (one["headers"] for one in posted(shop) if one["status"] == 200)
    return [one["X-Aws-Sqsd-Scheduled-At"] for one in found if one.get("X-Aws-Sqsd-Taskname") == name]


def is_every_two_minutes(found: list[str]) -> bool:
    minutes = [datetime.fromisoformat(one) for one in found]
    return minutes == [minutes[0] + timedelta(minutes=2 * number) for number in range(len(minutes))]


def test_kill_9_loses_nothing_and_doubles_no_periodic_task(shop: Shop) -> None:
    shop.version("cron", bundle(**{"cron.yaml": CRON}))
    jobs(shop, option(SQSD, "VisibilityTimeout", "120"), option(SQSD, "InactivityTimeout", "60"), VersionLabel="cron")
    shop.advance(240)
    answers(shop, 200, after=30)
    send(shop, "a")
    before = len(posted(shop))
    assert counted(shop)[1] >= 1
    shop.server.kill()
    shop.server.start()
    shop.advance(0)
    assert len(posted(shop)) == before, "nobody has answered"
    answers(shop, 200)
    shop.advance(600)
    (one,) = (one for one in posted(shop) if "X-Aws-Sqsd-Taskname" not in one["headers"])
    assert (one["status"], one["headers"]["X-Aws-Sqsd-Receive-Count"]) == (200, "2")
    found = periodic(shop, "often")
    assert len(found) >= 6
    assert is_every_two_minutes(sorted(found))
    assert counted(shop) == (0, 0)


def test_one_instance_leads_and_another_takes_over(shop: Shop) -> None:
    shop.version("cron", bundle(**{"cron.yaml": CRON}))
    size = (option("aws:autoscaling:asg", "MinSize", "2"), option("aws:autoscaling:asg", "MaxSize", "2"))
    shop.create("jobs", *size, Tier=WORKER, VersionLabel="cron")
    shop.until("jobs")
    shop.advance(100)
    for item in shop.instances("jobs"):  # the leader is one of them
        shop.server.client("autoscaling").terminate_instance_in_auto_scaling_group(
            InstanceId=item, ShouldDecrementDesiredCapacity=False
        )
        shop.advance(300)
    shop.until("jobs")
    shop.advance(3600)
    assert is_every_two_minutes(periodic(shop, "often"))
    assert len(periodic(shop, "often")) > 30
    assert len(periodic(shop, "hourly")) == len(set(periodic(shop, "hourly"))) >= 1
    last = next(one for one in reversed(posted(shop)) if one["headers"]["X-Aws-Sqsd-Taskname"] == "hourly")
    assert last["path"] == "/hourly"
    entries = shop.server.admin("GET", "journal?kind=decision&limit=1000")["entries"]
    assert len({entry["detail"]["leader"] for entry in entries if "leader" in entry["detail"]}) >= 2

    shop.eb.update_environment(EnvironmentName="jobs", VersionLabel="v2")
    shop.until("jobs")
    before = len(periodic(shop, "often"))
    shop.advance(600)
    assert len(periodic(shop, "often")) == before, "this version has no cron.yaml"


def test_a_wrong_cron_yaml_fails_the_deployment(shop: Shop) -> None:
    shop.version("wrong", bundle(**{"cron.yaml": "version: 1\ncron: [{name: a, url: /, schedule: hourly}]"}))
    shop.create("jobs", single=True, Tier=WORKER, VersionLabel="wrong")
    shop.until("jobs")
    assert any("cron.yaml" in text and "not five fields" in text for text in shop.messages("jobs"))


def logs(shop: Shop) -> str:
    """The tail of the logs of the one instance of `jobs`."""
    shop.eb.request_environment_info(EnvironmentName="jobs", InfoType="tail")
    shop.advance(5)
    found = shop.eb.retrieve_environment_info(EnvironmentName="jobs", InfoType="tail")["EnvironmentInfo"]
    return shop.fetch(found[-1]["Message"]).decode()


def explained(shop: Shop) -> list[str]:
    return str(shop.server.admin("GET", "explain?target=jobs")["text"]).splitlines()


def test_the_daemon_has_a_log_and_is_explained(shop: Shop) -> None:
    shop.version("cron", bundle(**{"cron.yaml": CRON}))
    shop.create("jobs", option(SQSD, "HttpPath", "/work"), single=True, Tier=WORKER, VersionLabel="cron")
    assert "It has no queue yet." in explained(shop)
    shop.until("jobs")
    (instance,) = shop.instances("jobs")
    send(shop, "a")
    answers(shop, 500, after=2)
    send(shop, "b")
    shop.advance(2)
    shop.advance(600)
    (sent, *_), (failed, *_) = (
        [one["message"] for one in posted(shop) if one["status"] == status and one["path"] == "/work"]
        for status in (200, 500)
    )
    lines = logs(shop).partition("/var/log/aws-sqsd/default.log")[2].splitlines()
    told = [line.partition(" ")[2] for line in lines]
    assert f"leader-election: {instance} is leader" in told
    assert f"message: sent to http://localhost:80/work {sent} (1)" in told
    assert f"http-err: {failed} (1) 500 - 2.000" in told
    assert f"http-err: {failed} (2) 500 - 2.000" in told
    scheduled = [line for line in told if line.startswith("scheduler: job 'often' that was due at ")]
    assert len(scheduled) >= 4

    name = queues(shop)["WorkerQueue"].rsplit("/", 1)[1]
    text = explained(shop)
    assert f"Its queue {name} has {counted(shop)[0]} messages to be received." in text
    assert any(line.startswith("Its dead-letter queue ") for line in text)
    assert f"Instance {instance} leads; periodic tasks of deployment 1: often (*/2 * * * *), hourly (@hourly)." in text

"""CPU and memory of real containers in CloudWatch."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningServer, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

SPIN = ["/bin/busybox", "sh", "-c", "while :; do :; done"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """Every second is a minute."""
    running = RunningServer(tmp_path / "state", runtime="docker", preset="demo", clock="x60")
    yield running
    running.stop()


def test_what_a_container_uses_is_published(server: RunningServer, busybox: str) -> None:
    ecs, cloudwatch = server.client("ecs"), server.client("cloudwatch")
    app = {"name": "app", "image": busybox, "cpu": 512, "memory": 64, "command": SPIN}
    ecs.register_task_definition(family="busy", containerDefinitions=[app])
    ecs.create_service(serviceName="busy", taskDefinition="busy", desiredCount=1)

    def newest(name: str) -> list[float]:
        now = datetime.fromisoformat(server.admin("GET", "status")["clock"]["now"])
        points: list[dict[str, Any]] = cloudwatch.get_metric_statistics(
            Namespace="AWS/ECS",
            MetricName=name,
            Dimensions=[{"Name": "ClusterName", "Value": "default"}, {"Name": "ServiceName", "Value": "busy"}],
            StartTime=now - timedelta(minutes=30),
            EndTime=now,
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
        return [point["Average"] for point in points]

    wait_until(lambda: any(value > 20 for value in newest("CPUUtilization")), 60)
    assert all(0 < value < 100 for value in newest("MemoryUtilization"))

"""What tests of a server on a real engine share: short ways to define, run and look at tasks."""

import json
import subprocess
from typing import Any

from tests.running import RunningServer

PAUSE = "~internal~ecs~pause"


def docker(*arguments: str) -> str:
    """What the docker command prints."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=120).stdout


def inspect(runtime_id: str) -> dict[str, Any]:
    """A container as the engine knows it."""
    found: list[dict[str, Any]] = json.loads(docker("inspect", runtime_id))
    return found[0]


def ids_of(task_arn: str, *filters: str) -> list[str]:
    """Ids of the task's containers, whatever their state."""
    options = [option for chosen in filters for option in ("--filter", chosen)]
    return docker(
        "ps", "-aq", "--no-trunc", "--filter", f"label=com.amazonaws.ecs.task-arn={task_arn}", *options
    ).split()


def networks_of(server_id: str) -> list[str]:
    """Networks that a server made."""
    return docker("network", "ls", "-q", "--filter", f"label=ashore.server={server_id}").split()


class Tasks:
    """Defines and runs tasks on a server."""

    def __init__(self, server: RunningServer, image: str) -> None:
        self.server, self.image = server, image
        self.ecs = server.client("ecs")

    def define(self, *containers: dict[str, Any], **members: Any) -> str:
        """Register a revision; containers are busyboxes that sleep where they do not say otherwise."""
        standard = {"name": "app", "image": self.image, "memory": 32, "command": ["sleep", "300"], "stopTimeout": 2}
        definitions = [{**standard, **container} for container in containers or ({},)]
        made = self.ecs.register_task_definition(**{"family": "app", "containerDefinitions": definitions, **members})
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def start(self, count: int = 1, **members: Any) -> list[str]:
        """Run tasks of the newest revision."""
        result = self.ecs.run_task(**{"taskDefinition": "app", "count": count, **members})
        assert not result["failures"], result["failures"]
        return [task["taskArn"] for task in result["tasks"]]

    def run(self, **members: Any) -> dict[str, Any]:
        """A task that has come to run."""
        (arn,) = self.start(**members)
        return self.when(arn, "RUNNING")

    def ended(self, **members: Any) -> dict[str, Any]:
        """A task that has come to its end."""
        (arn,) = self.start(**members)
        return self.when(arn, "STOPPED")

    def when(self, arn: str, status: str) -> dict[str, Any]:
        """The task as soon as its last status is `status`."""
        self.server.wait_until(lambda: self.show(arn)["lastStatus"] in {status, "STOPPED"}, 60)
        found = self.show(arn)
        assert found["lastStatus"] == status, found
        return found

    def show(self, arn: str) -> dict[str, Any]:
        """The task as DescribeTasks shows it."""
        found: dict[str, Any] = self.ecs.describe_tasks(tasks=[arn])["tasks"][0]
        return found

    def stop(self, arn: str) -> dict[str, Any]:
        """The task after it has been stopped."""
        self.ecs.stop_task(task=arn)
        return self.when(arn, "STOPPED")


def containers(task: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The task's containers by name."""
    return {container["name"]: container for container in task["containers"]}


def address_of(task: dict[str, Any]) -> str:
    """The private address of the task's interface."""
    (attachment,) = task["attachments"]
    assert (attachment["type"], attachment["status"]) == ("ElasticNetworkInterface", "ATTACHED")
    return str({item["name"]: item["value"] for item in attachment["details"]}["privateIPv4Address"])

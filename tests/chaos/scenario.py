"""A service behind a load balancer whose deployment is to survive `kill -9`: how it begins, dies and has to end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.fronts import Front
from tests.generator import Death, Requests, failures, outages
from tests.proxies import alive, proxies
from tests.running import RunningServer, wait_until

OUTAGE = 20.0
"""Seconds of real time from a start until a listener answers again; far more than it takes."""
STRATEGIES: dict[str, dict[str, Any]] = {
    "rolling": {"minimumHealthyPercent": 50, "maximumPercent": 150},
    "blue/green": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2},
    "canary": {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1},
        "bakeTimeInMinutes": 1,
    },
    "linear": {
        "strategy": "LINEAR",
        "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
        "bakeTimeInMinutes": 1,
    },
}


class Scenario:
    """The service `web` behind a load balancer, the deaths of its server, and the requests that go on meanwhile.

    Args:
        server: it runs.
        front: the load balancer.
        number: of the strategy, in the order of `STRATEGIES`.
        tasks: how many the service wants.

    """

    def __init__(self, server: RunningServer, front: Front, number: int, tasks: int) -> None:
        self.server, self.front, self.tasks = server, front, tasks
        self.requests = Requests(front.port, front.dns_name, threads=2)
        self.deaths: list[Death] = []
        self._configuration = list(STRATEGIES.values())[number % len(STRATEGIES)]
        self._ran: set[int] = set()

    def create(self, **container: Any) -> None:
        """The service, of a first revision."""
        self._define(container)
        self.server.client("ecs").create_service(
            serviceName="web",
            taskDefinition="web",
            desiredCount=self.tasks,
            deploymentConfiguration=self._configuration,
            loadBalancers=self.front.pair if "strategy" in self._configuration else self.front.single,
        )

    def update(self, **container: Any) -> None:
        """Ask for the deployment of another revision."""
        self._define(container)
        self.server.client("ecs").update_service(service="web", taskDefinition="web")

    def _define(self, container: dict[str, Any]) -> None:
        standard = {"name": "app", "memory": 32, "portMappings": [{"containerPort": 80}]}
        self.server.client("ecs").register_task_definition(
            family="web", containerDefinitions=[{**standard, **container}]
        )

    def ended(self) -> bool:
        """Whether the newest deployment has succeeded and is alone."""
        newest = self._deployments()[0]
        return bool(newest["status"] == "SUCCESSFUL" and len(self._web()["deployments"]) == 1)

    def rests(self) -> bool:
        """Whether it has ended, and as many tasks run as are wanted."""
        web = self._web()
        return self.ended() and (web["runningCount"], web["pendingCount"]) == (self.tasks, 0)

    def die(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """`kill -9`, then what happens meanwhile, then the next start; until requests are answered again."""
        ran, killed = proxies(self.server), time.monotonic()
        self.server.kill()
        wait_until(lambda: not any(alive(pid) for pid in ran))
        gone = time.monotonic()
        meanwhile()
        self.server.start()
        self._ran.update(ran)
        self.deaths.append(Death(killed, gone, time.monotonic()))
        wait_until(lambda: any(answer.began > gone and not answer.cut for answer in self.requests.answers))

    def check(self, image: str) -> None:
        """As it would have been: one deployment, its tasks run, nothing else is left on hosts; no fault was journaled."""
        ecs, web = self.server.client("ecs"), self._web()
        assert [item["status"] for item in self._deployments()] == ["SUCCESSFUL", "SUCCESSFUL"], web
        (deployment,) = web["deployments"]
        counts = (deployment["rolloutState"], web["runningCount"], web["pendingCount"])
        assert counts == ("COMPLETED", self.tasks, 0)
        tasks = ecs.describe_tasks(tasks=ecs.list_tasks(serviceName="web")["taskArns"])["tasks"]
        assert Counter(task["containers"][0]["image"] for task in tasks) == {image: self.tasks}
        assert {task["lastStatus"] for task in tasks} == {"RUNNING"}
        hosts = ecs.list_container_instances()["containerInstanceArns"]
        found = ecs.describe_container_instances(containerInstances=hosts)["containerInstances"]
        assert sum(host["runningTasksCount"] + host["pendingTasksCount"] for host in found) == self.tasks
        faults = self.server.admin("GET", "journal?kind=fault&limit=10")["entries"]
        assert [entry["detail"] for entry in faults] == []

    def check_requests(self, bodies: Sequence[str]) -> None:
        """None failed but those that found no server; now the last of `bodies` answers all of them."""
        assert failures(self.requests.answers, self.deaths, bodies) == [], (self.deaths, self.requests.seen)
        assert max(outages(self.requests.answers, self.deaths)) < OUTAGE
        assert self.front.share(bodies[-1], 20) == 100

    def check_end(self) -> None:
        """Stop the server: no proxy is left over, of whichever life."""
        ran = self._ran.union(proxies(self.server))
        assert len(ran) >= 2 * (1 + len(self.deaths))
        self.server.stop()
        wait_until(lambda: not any(alive(pid) for pid in ran))

    def revisions(self) -> list[str]:
        """ARNs of what was deployed, the oldest first."""
        return [item["targetServiceRevisionArn"] for item in reversed(self._deployments())]

    def _web(self) -> Any:
        return self.server.client("ecs").describe_services(services=["web"])["services"][0]

    def _deployments(self) -> Any:
        return self.server.client("ecs").list_service_deployments(service="web")["serviceDeployments"]

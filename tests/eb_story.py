"""What a student does with the EB CLI, from `eb init` to `eb terminate`. Each runtime plays the same story.

The CLI sleeps five seconds between two looks at the events, so what does not depend on each other goes on beside each other.
"""

import re
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.eb_cli import EbCli
from tests.running import RunningServer

POLICIES = {
    "AllAtOnce": "",
    "Rolling": "    BatchSizeType: Fixed\n    BatchSize: '1'\n",
    "RollingWithAdditionalBatch": "    BatchSizeType: Fixed\n    BatchSize: '1'\n",
    "Immutable": "",
    "TrafficSplitting": "",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story is played."""

    server: RunningServer
    folder: Path
    base_image: str

    def project(self, name: str, application: str = "shop") -> EbCli:
        """A project folder with its first version, known to the CLI."""
        folder = self.folder / name
        folder.mkdir()
        self.write(name, "one")
        home = self.folder / f"home-{name}"
        home.mkdir()
        eb = EbCli(self.server, folder, home)
        eb.run("init", "-p", "docker", "-r", "us-east-1", application)
        return eb

    def write(self, name: str, version: str, files: Mapping[str, str] | None = None) -> None:
        """Another version of a project."""
        everything = {
            "Dockerfile": (
                f"FROM {self.base_image}\n"
                "COPY index.html /www/index.html\n"
                "EXPOSE 8080\n"
                # the first process of a container ends on SIGTERM only where it says so
                'CMD ["sh", "-c", "trap \'exit 0\' TERM; httpd -f -p 8080 -h /www & wait"]\n'
            ),
            "index.html": f"version {version}\n",
            **(files or {}),
        }
        for path, text in everything.items():
            target = self.folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def play(stage: Stage) -> None:
    """All of it."""
    with ThreadPoolExecutor(len(POLICIES) + 1) as actors:
        acts = [actors.submit(_a_life, stage)]
        acts += [actors.submit(_a_deployment, stage, policy, more) for policy, more in POLICIES.items()]
        for act in acts:
            act.result()


def _a_life(stage: Stage) -> None:
    """One environment through everything but the policies."""
    eb = stage.project("life")
    made = eb.run("create", "life", "-c", "life-of-shop", "--elb-type", "application", "--envvars", "COLOUR=red")
    assert "Successfully launched environment: life" in made
    status = eb.run("status")
    assert re.search(r"Status: Ready\n", status), status
    assert re.search(r"Health: Green\n", status), status
    health = eb.run("health")
    assert re.search(r"life\s+Ok", health), health
    assert "createEnvironment is starting." in eb.run("events")
    assert "COLOUR = red" in eb.run("printenv")
    eb.run("setenv", "COLOUR=blue", "SIZE=large")
    shown = eb.run("printenv")
    assert "COLOUR = blue" in shown
    assert "SIZE = large" in shown
    eb.run("scale", "2")
    assert len(_instances(stage, "life")) == 2
    eb.run("config", "save", "life", "--cfg", "kept")
    assert "kept" in eb.run("config", "list")
    eb.run("clone", "life", "-n", "twin", "-c", "twin-of-shop")
    before = {name: _environment(stage, name)["CNAME"] for name in ("life", "twin")}
    eb.run("swap", "life", "--destination_name", "twin")
    after = {name: _environment(stage, name)["CNAME"] for name in ("life", "twin")}
    assert after == {"life": before["twin"], "twin": before["life"]}
    assert "/var/log/eb-engine.log" in eb.run("logs", "life")
    _bundled_logs(stage, eb)
    assert "twin" in eb.run("list", "-v")
    eb.run("terminate", "twin", answers=[("To confirm, type the environment name", "twin")])
    eb.run("terminate", "life", "--force")
    assert {_environment(stage, name)["Status"] for name in ("life", "twin")} == {"Terminated"}


def _bundled_logs(stage: Stage, eb: EbCli) -> None:
    screen = eb.run("logs", "life", "--zip")
    (archive,) = (stage.folder / "life" / ".elasticbeanstalk" / "logs").glob("*.zip")
    with zipfile.ZipFile(archive) as kept:
        assert any(name.endswith("eb-engine.log") for name in kept.namelist()), (screen, kept.namelist())


def _a_deployment(stage: Stage, policy: str, more: str) -> None:
    """One environment that gets its second version by `policy`."""
    name = f"by-{policy.lower()}"[:40]
    eb = stage.project(name)
    settings = (
        "option_settings:\n"
        "  aws:elasticbeanstalk:command:\n"
        f"    DeploymentPolicy: {policy}\n"
        f"{more}"
        "  aws:elasticbeanstalk:trafficsplitting:\n"
        "    NewVersionPercent: '15'\n"
        "    EvaluationTime: '3'\n"
    )
    stage.write(name, "one", {".ebextensions/policy.config": settings})
    eb.run("create", name, "--elb-type", "application", "--scale", "2")
    stage.write(name, "two")
    deployed = eb.run("deploy", name, "-l", f"{name}-2", seconds=300)
    assert "Environment update completed successfully." in deployed
    environment = _environment(stage, name)
    assert (environment["VersionLabel"], environment["Status"]) == (f"{name}-2", "Ready"), environment
    assert len(_instances(stage, name)) == 2
    eb.run("terminate", name, "--force")


def _environment(stage: Stage, name: str) -> dict[str, str]:
    (found,) = stage.server.client("elasticbeanstalk").describe_environments(
        EnvironmentNames=[name], IncludeDeleted=True
    )["Environments"]
    environment: dict[str, str] = found
    return environment


def _instances(stage: Stage, name: str) -> list[str]:
    resources = stage.server.client("elasticbeanstalk").describe_environment_resources(EnvironmentName=name)
    return [instance["Id"] for instance in resources["EnvironmentResources"]["Instances"]]

"""`kill -9` at every instant of everything that an environment may be busy with: it ends as if nobody had died.

The moments are those of `environment_lives`. By default lives end at every tenth of them, with `make chaos` at all.
"""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.environment_lives import PROFILE, STACK, copied, live, lives
from tests.chaos.environment_pictures import lines
from tests.chaos.environment_plans import Life, Moment, Request

GROUP, UPDATES = "aws:autoscaling:asg", "aws:autoscaling:updatepolicy:rollingupdate"
LAUNCH, TIER = "aws:autoscaling:launchconfiguration", "aws:elasticbeanstalk:environment"
SCHEDULED = "aws:autoscaling:scheduledaction"
EVERY = int(os.environ.get("ASHORE_CHAOS_EVERY", "10"))
"""Lives end at one of so many moments."""
SMALL = ("aws:ec2:instances", "InstanceTypes", "t3.small")


def options(*settings: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"Namespace": space, "OptionName": name, "Value": value} for space, name, value in settings]


def create(name: str, *settings: tuple[str, str, str], **members: Any) -> Request:
    given = options((LAUNCH, "IamInstanceProfile", PROFILE), *settings)
    members = {"SolutionStackName": STACK, "VersionLabel": "v1", "OptionSettings": given, **members}
    return "CreateEnvironment", {"ApplicationName": "shop", "EnvironmentName": name, **members}


def update(*settings: tuple[str, str, str], **members: Any) -> Request:
    return "UpdateEnvironment", {"EnvironmentName": "shop-prod", "OptionSettings": options(*settings), **members}


def rolling(kind: str, **more: str) -> list[tuple[str, str, str]]:
    given = {"RollingUpdateEnabled": "true", "RollingUpdateType": kind, "MaxBatchSize": "1", **more}
    return [SMALL, *((UPDATES, name, value) for name, value in given.items())]


def ask(operation: str, name: str) -> Request:
    return operation, {"EnvironmentName": name}


ABORT = ask("AbortEnvironmentUpdate", "shop-prod")
CREATED = (
    create("shop-prod", (TIER, "LoadBalancerType", "application"), (GROUP, "MinSize", "2"), CNAMEPrefix="shop"),
    create("shop-one", (TIER, "EnvironmentType", "SingleInstance"), CNAMEPrefix="shop-next", VersionLabel="v2"),
    create("shop-jobs", Tier={"Name": "Worker", "Type": "SQS/HTTP"}),
)
FURTHER: list[tuple[str, str, str]] = [
    ("aws:elbv2:listener:8080", "DefaultProcess", "admin"),
    ("aws:elasticbeanstalk:environment:process:admin", "Port", "8080"),
]
IN_PLACE = update((GROUP, "MinSize", "3"), *FURTHER)
IN_PLACE[1]["OptionSettings"] += [
    {"Namespace": SCHEDULED, "ResourceName": "night", "OptionName": name, "Value": value}
    for name, value in (("MinSize", "1"), ("Recurrence", "0 0 * * *"))
]
TIME = update(*rolling("Time", PauseTime="PT1M"))
HEALTH = update(*rolling("Health", MinInstancesInService="1"), *FURTHER)
IMMUTABLE = update(*rolling("Immutable"), *FURTHER)
SWAP = ("SwapEnvironmentCNAMEs", {"SourceEnvironmentName": "shop-prod", "DestinationEnvironmentName": "shop-one"})
SCENES: dict[str, tuple[tuple[Request, ...], str, tuple[Request, ...]]] = {
    "create": ((), "", CREATED),
    "in place": (CREATED, "", (IN_PLACE,)),
    "rolling by time": (CREATED, "", (TIME,)),
    "rolling by health": (CREATED, "", (HEALTH,)),
    "immutable": (CREATED, "", (IMMUTABLE,)),
    "abort rolling": ((*CREATED, HEALTH), "new instances to carry the deployment out", (ABORT,)),
    "abort immutable": ((*CREATED, IMMUTABLE), "new instances to be healthy", (ABORT,)),
    "swap": (CREATED, "", (SWAP,)),
    "rebuild": (CREATED, "", (ask("RebuildEnvironment", "shop-prod"), ask("RebuildEnvironment", "shop-one"))),
    "terminate": (CREATED, "", tuple(ask("TerminateEnvironment", f"shop-{name}") for name in ("prod", "one", "jobs"))),
    "failed rolling": (CREATED, "", (update(*rolling("Health"), *FURTHER, VersionLabel="bad"),)),
    "failed immutable": (CREATED, "", (update(*rolling("Immutable"), *FURTHER, VersionLabel="bad"),)),
}
"""What was asked before, how long that went on (to its end, or until it waited for something), and what is asked then."""


class Stage:
    """State folders in which scenes begin and pictures of how they end, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, tuple[Path, dict[str, Any]]] = {}
        self._ends: dict[str, dict[str, Any]] = {}

    def before(self, scene: str) -> dict[str, Any]:
        """The picture of the environments that the scene is about, at rest."""
        return self._after(SCENES[scene][0][: len(CREATED)], "")[1]

    def begin(self, scene: str) -> Path:
        """The folder of a server that has accepted the scene's requests, and carried nothing of them out."""
        before, until, requests = SCENES[scene]
        folder = self._folder / f"begin {scene}"
        if not folder.exists():
            live(Life(copied(self._after(before, until)[0], folder), requests, runs=False))
        return folder

    def end(self, scene: str) -> dict[str, Any]:
        """The picture after a life in which nobody died; every step was done twice, which changed nothing."""
        if scene not in self._ends:
            folder = copied(self.begin(scene), self._folder / f"end {scene}")
            self._ends[scene] = live(Life(folder, twice=True))
        return self._ends[scene]

    def _after(self, requests: tuple[Request, ...], until: str) -> tuple[Path, dict[str, Any]]:
        key = repr((requests, until))
        if key not in self._made:
            fresh = requests[len(CREATED) :] or requests
            base = self._after(requests[: len(requests) - len(fresh)], "")[0] if requests else None
            folder = self._folder / str(len(self._made))
            if base is not None:
                copied(base, folder)
            self._made[key] = folder, live(Life(folder, fresh or (("Begin", {}),), until=until))
        return self._made[key]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("scene", SCENES)
def test_it_ends_as_if_nobody_had_died(stage: Stage, tmp_path: Path, scene: str, moment: Moment) -> None:
    chain = lives(Life(copied(stage.begin(scene), tmp_path / "killed"), at=moment, every=EVERY))
    assert lines(chain.end) == lines(stage.end(scene)), chain.marks
    assert chain.marks or EVERY > 1 or scene == "swap"


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene.startswith(("abort", "failed"))])
def test_what_fails_or_is_aborted_leaves_all_as_it_was(stage: Stage, scene: str) -> None:
    before, after = deepcopy(stage.before(scene)), deepcopy(stage.end(scene))
    assert lines(after["neighbours"]) == lines(before["neighbours"])
    assert after["cluster"] == before["cluster"]
    old, new = before["environments"]["shop-prod"], after["environments"]["shop-prod"]
    for name in (
        "status",
        "version_label",
        "settings",
        "platform_arn",
        "deployment",
        "generation",
        "instances",
        "targets",
    ):
        assert new[name] == old[name]
    assert new["draft"]["status"] == "failed"
    assert new["events"][-2:] == [
        "ERROR Failed to deploy configuration.",
        "INFO The environment was reverted to the previous configuration setting.",
    ]


def test_a_swap_leaves_everything_where_it_is_but_the_names(stage: Stage) -> None:
    before, after = stage.before("swap"), stage.end("swap")
    assert lines(after["neighbours"]) == lines(before["neighbours"])
    names = [found["environments"][name]["cname"] for found in (before, after) for name in ("shop-prod", "shop-one")]
    assert names[:2] == [*reversed(names[2:])]


def test_terminated_environments_leave_nothing(stage: Stage) -> None:
    after = stage.end("terminate")
    assert {one["status"] for one in after["environments"].values()} == {"Terminated"}
    assert after["cluster"] == {"hosts": 0, "tasks": {}}
    found = after["neighbours"]
    assert (found["autoscaling"], found["cloudwatch"], found["sqs"]) == (
        {"groups": {}, "policies": [], "actions": {}},
        [],
        {},
    )
    assert found["ec2"] == {"instances": {}, "templates": [], "security groups": ["default 0"], "addresses": []}
    assert found["elbv2"] == {"balancers": {}, "groups": {}}

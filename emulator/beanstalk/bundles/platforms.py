"""Which family a platform branch is of: it decides how bundles are read (reference: beanstalk.md §8.1)."""

import re
from dataclasses import dataclass
from enum import StrEnum

_BRANCH = re.compile(r"(?P<what>.+?) running on .+")


class Family(StrEnum):
    """Platforms that treat bundles alike."""

    DOCKER = "Docker"
    ECS = "ECS"
    PYTHON = "Python"
    NODE = "Node.js"
    GO = "Go"
    RUBY = "Ruby"
    PHP = "PHP"
    JAVA = "Corretto"
    TOMCAT = "Tomcat"
    DOTNET = ".NET"


@dataclass(frozen=True, slots=True)
class Platform:
    """A family and the version of its language; empty where the branch names none."""

    family: Family
    version: str
    java: str = ""
    """Tomcat: the version of Corretto."""


def platform_of(branch: str) -> Platform | None:
    """From a branch's name; None: it is of no family that is known (IIS, custom platforms)."""
    match = _BRANCH.fullmatch(branch)
    words = (match["what"] if match else branch).replace(" with ", " ").split()
    if words[:1] == ["Multi-container"]:
        return Platform(Family.ECS, "")
    family = next((family for family in Family if words[:1] == [family.value]), None)
    if family is None:
        return None
    java = words[3] if family is Family.TOMCAT and len(words) > 3 else ""
    return Platform(family, words[1] if len(words) > 1 else "", java)

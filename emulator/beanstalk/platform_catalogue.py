"""AWS's platforms, as they were in the summer of 2025 with what was seen later (reference: beanstalk.md §8.1).

The newest version of a branch is listed; any older one of a branch that is known is accepted. The order is AWS's: the branches of
Amazon Linux 2023 first, the newest language version first.
"""

from dataclasses import dataclass
from functools import cache

from emulator.beanstalk.options.model import Trait

_WINDOWS = "Windows Server"


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of platform versions."""

    name: str
    family: str
    """`PlatformName` of ListPlatformBranches."""
    system: str
    """`Amazon Linux` and so on."""
    system_version: str
    stack: str
    """What stands in a solution stack's name before the version."""
    shorthand: str
    """What runs, as a solution stack's name has it."""
    newest: tuple[int, int, int]
    state: str
    file_types: tuple[str, ...]
    trait: Trait | None
    """None: it is listed, but nothing here can run it."""
    languages: tuple[tuple[str, str], ...] = ()

    @property
    def tiers(self) -> tuple[str, ...]:
        """As DescribePlatformVersion shows them."""
        return ("WebServer/Standard", "Worker/SQS/HTTP")


_AL2023 = ("Amazon Linux", "2023", "64bit Amazon Linux 2023")
_AL2 = ("Amazon Linux", "2", "64bit Amazon Linux 2")
_ZIP = ("zip",)

_LINUX: tuple[tuple[tuple[str, str, str], str, str, tuple[int, int, int], tuple[str, ...], Trait | None], ...] = (
    (_AL2023, "Docker", "Docker", (4, 6, 0), (), Trait.DOCKER),
    (_AL2023, "Docker", "ECS", (4, 2, 0), (), Trait.ECS),
    *((_AL2023, "Python", f"Python {n}", (4, 6, 0), _ZIP, Trait.PYTHON) for n in ("3.13", "3.12", "3.11", "3.9")),
    *((_AL2023, "Node.js", f"Node.js {n}", (6, 10, 0), _ZIP, Trait.NODE) for n in ("24", "22", "20")),
    *((_AL2023, "Java", f"Corretto {n}", (4, 6, 5), ("jar", "zip"), Trait.JAVA) for n in ("21", "17", "11", "8")),
    *(
        (_AL2023, "Tomcat", f"Tomcat {n} Corretto {j}", (5, 7, 0), ("war", "zip"), Trait.TOMCAT)
        for n, j in (("11", "21"), ("11", "17"), ("10", "21"), ("10", "17"), ("9", "17"), ("9", "11"))
    ),
    (_AL2023, "Go", "Go 1", (4, 4, 0), _ZIP, Trait.GO),
    *((_AL2023, "PHP", f"PHP {n}", (4, 7, 0), _ZIP, Trait.PHP) for n in ("8.4", "8.3", "8.2", "8.1")),
    *((_AL2023, "Ruby", f"Ruby {n}", (4, 7, 0), _ZIP, Trait.RUBY) for n in ("3.4", "3.3", "3.2")),
    *((_AL2023, ".NET on Linux", f".NET {n}", (3, 5, 0), _ZIP, Trait.NET) for n in ("9", "8")),
    (_AL2, "Docker", "Docker", (4, 2, 0), (), Trait.DOCKER),
    (_AL2, "Docker", "ECS", (3, 5, 0), (), Trait.ECS),
    *((_AL2, "Java", f"Corretto {n}", (3, 9, 0), ("jar", "zip"), Trait.JAVA) for n in ("17", "11", "8")),
    (_AL2, "Go", "Go 1", (3, 13, 0), _ZIP, Trait.GO),
    (_AL2, "PHP", "PHP 8.1", (3, 10, 0), _ZIP, Trait.PHP),
    *((_AL2, "Tomcat", f"Tomcat 9 Corretto {j}", (4, 9, 0), ("war", "zip"), Trait.TOMCAT) for j in ("11", "8")),
    (_AL2, ".NET on Linux", ".NET Core", (2, 11, 0), _ZIP, Trait.NET),
    (_AL2, "Node.js", "Node.js 18", (5, 11, 0), _ZIP, Trait.NODE),
    (_AL2, "Python", "Python 3.8", (3, 3, 14), _ZIP, Trait.PYTHON),
)
_RETIRED = {"Node.js 18", "Python 3.8"}


@cache
def branches() -> tuple[Branch, ...]:
    """All of them, in their order."""
    linux = [
        Branch(
            name=f"{_branch_words(shorthand)} running on {stack}",
            family=family,
            system=system,
            system_version=version,
            stack=stack,
            shorthand=shorthand,
            newest=newest,
            state="Retired" if shorthand in _RETIRED else "Deprecated" if version == "2" else "Supported",
            file_types=types,
            trait=trait,
            languages=_languages(shorthand),
        )
        for (system, version, stack), family, shorthand, newest, types, trait in _LINUX
    ]
    windows = [
        Branch(
            name=f"IIS 10.0 running on 64bit Windows Server{core} {year}",
            family=".NET on Windows Server",
            system=f"{_WINDOWS}{core}",
            system_version=year,
            stack=f"64bit Windows Server{core} {year}",
            shorthand="IIS 10.0",
            newest=(2, 19, 2),
            state="Supported",
            file_types=_ZIP,
            trait=None,
        )
        for year in ("2025", "2022", "2019", "2016")
        for core in ("", " Core")
    ]
    return (*linux, *windows)


def _branch_words(shorthand: str) -> str:
    """Tomcat's branches say `with` (unconfirmed)."""
    return shorthand.replace(" Corretto", " with Corretto") if shorthand.startswith("Tomcat") else shorthand


def _languages(shorthand: str) -> tuple[tuple[str, str], ...]:
    name, _, version = shorthand.partition(" ")
    if name in {"Docker", "ECS", "Tomcat"}:
        return ()
    return (("Java" if name == "Corretto" else name, version),)

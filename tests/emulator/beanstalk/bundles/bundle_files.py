"""Bundles in memory, for tests of readers."""

from collections.abc import Mapping, Sequence

from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import LARGEST
from emulator.beanstalk.bundles.plan import Subject

DOCKER = "Docker running on 64bit Amazon Linux 2023"
ECS = "ECS running on 64bit Amazon Linux 2023"
PYTHON = "Python 3.13 running on 64bit Amazon Linux 2023"
ENVIRONMENT = "aws:elasticbeanstalk:application:environment"


class MemoryFiles:
    """Path → content."""

    def __init__(self, contents: Mapping[str, str | bytes]) -> None:
        self.contents = {path: text.encode() if isinstance(text, str) else text for path, text in contents.items()}

    def read(self, path: str) -> bytes | None:
        found = self.contents.get(path)
        if found is not None and len(found) > LARGEST:
            raise InvalidFileError(path, f"it is larger than {LARGEST} bytes")
        return found

    def names(self, folder: str) -> Sequence[str]:
        head = f"{folder}/" if folder else ""
        tails = (path.removeprefix(head) for path in self.contents if path.startswith(head))
        return sorted(tail for tail in tails if "/" not in tail)

    def has(self, path: str) -> bool:
        return path in self.contents


def subject(branch: str = DOCKER, options: Mapping[tuple[str, str], str] | None = None, **properties: str) -> Subject:
    """The first deployment of an environment."""
    own = {(ENVIRONMENT, name): value for name, value in properties.items()}
    return Subject("e-abcdefghij", "web", "v1", 1, branch, {**own, **(options or {})})

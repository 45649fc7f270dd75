"""New identifiers in AWS's forms, from one generator, so that a seeded server gives the same ones again."""

import random
from uuid import UUID

_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_DEPLOYMENT_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Ids:
    """Draws identifiers. Not for secrets: tokens are drawn from the operating system."""

    def __init__(self, seed: int | str | None = None) -> None:
        self._random = random.Random(seed)

    def hex32(self) -> str:
        """32 hexadecimal digits, as in task and container instance ids."""
        return f"{self._random.getrandbits(128):032x}"

    def uuid(self) -> str:
        """A version 4 UUID, as in event, attachment and request ids."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def digits19(self) -> str:
        """19 digits that do not begin with zero, as in `ecs-svc/1234567890123456789`."""
        return str(self._random.randrange(10**18, 10**19))

    def text21(self) -> str:
        """21 URL-safe characters, as in service deployment ids."""
        return "".join(self._random.choices(_DEPLOYMENT_ALPHABET, k=21))

    def capitals(self, count: int) -> str:
        """Capital letters and digits, as in CodeDeploy's deployment ids."""
        return "".join(self._random.choices(_CAPITALS, k=count))

    def ec2(self, prefix: str) -> str:
        """An EC2 style id such as `i-0123456789abcdef0` (17 hexadecimal digits)."""
        return f"{prefix}-0{self._random.getrandbits(64):016x}"

    def seed(self) -> int:
        """A number that seeds one placement decision, kept with its record."""
        return self._random.getrandbits(63)

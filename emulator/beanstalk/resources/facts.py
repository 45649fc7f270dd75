"""An environment as the steps that make its resources see it: values, read in a transaction, used outside of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from emulator.beanstalk.option_values import Values, values_of
from emulator.beanstalk.options.model import Trait
from emulator.beanstalk.platforms import trait_of
from emulator.neighbours.environment_ports import Place
from emulator.state.beanstalk import EnvironmentRow

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Facts:
    """An environment and what was made for it so far."""

    id: str
    name: str
    place: Place
    worker: bool
    trait: Trait
    """Of its platform."""
    values: Values
    resources: Mapping[str, Any]
    generation: int
    own_tags: Mapping[str, str]
    """Those that its user gave it."""

    @property
    def stack(self) -> str:
        """The name of its stack, from which other names are made."""
        return f"awseb-{self.id}-stack"

    @property
    def tags(self) -> dict[str, str]:
        """Of everything that is made for it."""
        ours = {"elasticbeanstalk:environment-name": self.name, "elasticbeanstalk:environment-id": self.id}
        return {**self.own_tags, **ours, "Name": self.name}

    @property
    def balanced(self) -> bool:
        """It has a load balancer."""
        return not self.worker and not self.values.single

    def suffix(self, logical: str) -> str:
        """Twelve letters and digits, the same each time: what is asked for again is found by its name."""
        seed = f"{self.id}/{self.resources.get('incarnation', 1)}/{logical}"
        number, letters = int(sha256(seed.encode()).hexdigest(), 16), ""
        for _ in range(12):
            number, index = divmod(number, len(_ALPHABET))
            letters += _ALPHABET[index]
        return letters

    def named(self, logical: str) -> str:
        """`awseb-e-…-stack-LOGICAL-SUFFIX`, as CloudFormation names what it makes."""
        return f"{self.stack}-{logical}-{self.suffix(logical)}"


def facts_of(row: EnvironmentRow) -> Facts:
    """The facts of a row; while an update goes on, by the settings that it is to have."""
    draft = row.draft if row.draft is not None and row.draft["status"] == "pending" else None
    settings, bundle = (draft["settings"], draft["bundle_settings"]) if draft else (row.settings, row.bundle_settings)
    return Facts(
        id=row.id,
        name=row.name,
        place=Place(row.account, row.region),
        worker=row.tier["Name"] == "Worker",
        trait=trait_of(draft["platform_arn"] if draft else row.platform_arn),
        values=values_of(bundle, settings),
        resources=dict(row.resources),
        generation=row.generation,
        own_tags={tag["Key"]: tag["Value"] for tag in row.tags},
    )

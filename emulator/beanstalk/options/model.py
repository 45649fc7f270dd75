"""What the catalogue says of an option."""

from dataclasses import dataclass
from enum import StrEnum


class ValueType(StrEnum):
    """How a value is written; `ValueType` on the wire. The model has the first two, the live service the others, too."""

    SCALAR = "Scalar"
    LIST = "List"
    BOOLEAN = "Boolean"
    JSON = "Json"
    KEY_VALUES = "KeyValueList"
    COMMAS = "CommaSeparatedList"


class Severity(StrEnum):
    """`ChangeSeverity`: what a change of the option asks for."""

    NONE = "NoInterruption"
    REPLACE = "RestartEnvironment"
    """Instances are replaced."""
    RESTART = "RestartApplicationServer"
    """The running instances carry the change out."""


class Trait(StrEnum):
    """What an environment is, as far as options depend on it."""

    WEB = "web"
    WORKER = "worker"
    BALANCED = "balanced"
    CLASSIC = "classic"
    APPLICATION = "application"
    NETWORK = "network"
    DOCKER = "Docker"
    ECS = "ECS"
    PYTHON = "Python"
    NODE = "Node.js"
    PHP = "PHP"
    RUBY = "Ruby"
    TOMCAT = "Tomcat"
    JAVA = "Java"
    GO = "Go"
    NET = ".NET"


PLATFORMS = frozenset(
    {
        Trait.DOCKER, Trait.ECS, Trait.PYTHON, Trait.NODE, Trait.PHP, Trait.RUBY, Trait.TOMCAT, Trait.JAVA, Trait.GO,
        Trait.NET,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Option:
    """One option."""

    namespace: str
    """A last part `*` stands for any name: of a process, a listener's port, a rule."""
    name: str
    """`*`: any name (environment properties, static files)."""
    default: str | None = None
    kind: ValueType = ValueType.SCALAR
    values: tuple[str, ...] = ()
    """The only ones allowed; empty: any."""
    minimum: float | None = None
    maximum: float | None = None
    severity: Severity = Severity.NONE
    resource: str | None = None
    """ResourceName with which the setting is shown."""
    traits: frozenset[Trait] = frozenset()
    """What an environment must be to have it: of each sort that is named here (platform, tier, balancer) one."""
    decimal: bool = False
    """A number that need not be whole."""

    @property
    def allowed(self) -> tuple[str, ...]:
        """The only values allowed; empty: any."""
        return ("true", "false") if self.kind is ValueType.BOOLEAN else self.values


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that was given to an option; no value: the option is named only."""

    namespace: str
    name: str
    value: str | None = None
    resource: str | None = None

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What tells settings apart: scheduled actions have one of each option for each resource."""
        return (self.namespace, self.name, self.resource)


_SORTS = (
    PLATFORMS,
    frozenset({Trait.WEB, Trait.WORKER}),
    frozenset({Trait.BALANCED}),
    frozenset({Trait.CLASSIC, Trait.APPLICATION, Trait.NETWORK}),
)


def applies(option: Option, traits: frozenset[Trait]) -> bool:
    """Whether an environment of these traits has the option."""
    wanted = (option.traits & sort for sort in _SORTS)
    return all(not sort or sort & traits for sort in wanted)

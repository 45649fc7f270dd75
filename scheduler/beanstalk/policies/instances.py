"""Which instances of a view a stage is about, and how well they are."""

from collections.abc import Collection, Iterable

from scheduler.beanstalk.model import Action, Command, Deploy, Fleet, Instance, Register, Serving, Settings, View

ILL = 3
"""Failed checks in a row."""
UNSERVED = frozenset({Serving.OUT, Serving.DRAINING})


def members(view: View, fleet: Fleet = Fleet.PERMANENT) -> tuple[Instance, ...]:
    """Instances of a group that stay, oldest first."""
    mine = (instance for instance in view.instances if instance.fleet is fleet and not instance.leaving)
    return tuple(sorted(mine, key=lambda instance: (instance.launched_at, instance.id)))


def among(instances: Iterable[Instance], ids: Collection[str]) -> tuple[Instance, ...]:
    return tuple(instance for instance in instances if instance.id in ids)


def ids_of(instances: Iterable[Instance]) -> tuple[str, ...]:
    return tuple(instance.id for instance in instances)


def is_well(instance: Instance, settings: Settings) -> bool:
    """Healthy for as long as a deployment asks for."""
    if settings.ignore_health:
        return not settings.load_balanced or instance.serving not in UNSERVED
    return instance.serving is Serving.IN_SERVICE and instance.healthy_checks >= settings.needed_checks


def is_ill(instance: Instance, settings: Settings) -> bool:
    """Not healthy, and that is no single failed check."""
    if settings.ignore_health or instance.command is not Command.SUCCEEDED:
        return False
    return instance.failed_checks >= ILL


def has(instance: Instance, deployment: int) -> bool:
    """It carried the deployment out."""
    return instance.deployment == deployment and instance.command is Command.SUCCEEDED


def register(view: View, instances: Iterable[Instance]) -> tuple[Action, ...]:
    """Have those registered that are not."""
    ids = ids_of(instance for instance in instances if instance.serving in UNSERVED)
    return (Register(ids),) if ids and view.settings.load_balanced else ()


def deploy(instances: Iterable[Instance], deployment: int) -> tuple[Action, ...]:
    ids = ids_of(instances)
    return (Deploy(ids, deployment),) if ids else ()


def start(view: View, instances: Iterable[Instance], deployment: int) -> tuple[Action, ...]:
    """Have instances that were just launched carry a deployment out, and registered when they have."""
    mine = tuple(instances)
    new = (instance for instance in mine if instance.deployment == 0)
    ready = (instance for instance in mine if has(instance, deployment))
    return (*(deploy(new, deployment) if deployment else ()), *register(view, ready))

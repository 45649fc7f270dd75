"""The catalogue of options, and how to find one in it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from emulator.beanstalk.options import catalogue_balancers, catalogue_instances, catalogue_service
from emulator.beanstalk.options.model import Option, Trait, applies

OPTIONS: tuple[Option, ...] = tuple(
    sorted(
        (*catalogue_instances.OPTIONS, *catalogue_service.OPTIONS, *catalogue_balancers.OPTIONS),
        key=lambda option: (option.namespace, option.name),
    )
)


def _by_namespace() -> Mapping[str, Mapping[str, tuple[Option, ...]]]:
    found: dict[str, dict[str, tuple[Option, ...]]] = defaultdict(dict)
    for option in OPTIONS:
        found[option.namespace][option.name] = (*found[option.namespace].get(option.name, ()), option)
    return found


_INDEX = _by_namespace()


def find(namespace: str, name: str) -> tuple[Option, ...]:
    """The options that this setting could be: several where it differs by platform, none where there is none of the name."""
    names = _INDEX.get(namespace) or _INDEX.get(f"{namespace.rpartition(':')[0]}:*") or {}
    return names.get(name) or names.get("*") or ()


def find_for(namespace: str, name: str, traits: frozenset[Trait]) -> Option | None:
    """The option as an environment of these traits has it."""
    return next((option for option in find(namespace, name) if applies(option, traits)), None)


def options_of(traits: frozenset[Trait]) -> Iterator[Option]:
    """Every option that such an environment has, sorted; patterns (`*`) included."""
    return (option for option in OPTIONS if applies(option, traits))

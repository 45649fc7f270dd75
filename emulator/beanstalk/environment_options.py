"""The option settings of an environment: put together from requests, checked, compared with those before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.beanstalk.errors import ConfigurationValidationException
from emulator.beanstalk.options.changes import Change, kind_of_change
from emulator.beanstalk.options.effective import (
    documents_of,
    effective,
    overlay,
    settings_from,
    traits_of,
    without,
)
from emulator.beanstalk.options.model import Setting
from emulator.beanstalk.options.validation import validate
from emulator.beanstalk.platforms import trait_of

Documents = Iterable[Mapping[str, Any]]


def put_together(*layers: Documents, removed: Documents = ()) -> list[dict[str, Any]]:
    """Layers of settings, of which later ones win, less those that are removed."""
    whole = overlay(*(settings_from(layer) for layer in layers))
    return documents_of(without(whole, settings_from(removed)))


def check(given: Documents, settings: Sequence[Mapping[str, Any]], platform_arn: str) -> None:
    """Refuse settings that do not hold.

    Args:
        given: those of the request.
        settings: all that the environment would then have.
        platform_arn: whose options these are.

    Raises:
        ConfigurationValidationException: the first that does not hold.

    """
    found = faults(given, settings, platform_arn)
    if found:
        raise ConfigurationValidationException(found[0])


def faults(given: Documents, settings: Documents, platform_arn: str) -> list[str]:
    """What is wrong with settings (`given`), each by itself and with all that there would then be (`settings`)."""
    found = validate(settings_from(given), trait_of(platform_arn), settings_from(settings))
    return [message.text for message in found if message.severity == "error"]


def change(
    platform_arn: str, tier: str, before: tuple[Documents, Documents], after: tuple[Documents, Documents]
) -> Change:
    """What going from the settings of bundle and requests before to those after asks for."""
    new = settings_from(after[1])
    traits = traits_of(trait_of(platform_arn), tier, [*settings_from(after[0]), *new])

    def whole(layers: tuple[Documents, Documents]) -> list[Setting]:
        return effective(traits, settings_from(layers[0]), settings_from(layers[1]))

    return kind_of_change(traits, whole(before), whole(after))


def whole(platform_arn: str, tier: str, settings: Documents) -> dict[tuple[str, str], str]:
    """(namespace, option) → value, defaults included; what has no value is left out."""
    given = settings_from(settings)
    traits = traits_of(trait_of(platform_arn), tier, given)
    found = effective(traits, (), given)
    return {(one.namespace, one.name): one.value for one in found if one.value is not None}

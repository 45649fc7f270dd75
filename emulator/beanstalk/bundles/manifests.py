"""env.yaml (environment manifest) and cron.yaml (periodic tasks of the worker tier), reference: beanstalk.md §3, §7.5, §7.7."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emulator.beanstalk.bundles.documents import DocumentError, read_yaml
from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members, scalar_text
from emulator.beanstalk.bundles.plan import OptionSetting
from scheduler.beanstalk.cron import CronError, parse

_NAME = re.compile(r"[A-Za-z0-9-]{1,40}\+?")


@dataclass(frozen=True, slots=True)
class Manifest:
    """env.yaml. A name that ends in `+` is completed by the group's name."""

    environment_name: str | None
    solution_stack: str | None
    platform_arn: str | None
    tier_name: str | None
    tier_type: str | None
    cname: str | None
    links: tuple[tuple[str, str], ...]
    """Variable and environment."""
    settings: tuple[OptionSetting, ...]
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """An entry of cron.yaml."""

    name: str
    url: str
    """A path."""
    schedule: str
    """Five fields in UTC, or a name such as `@daily`: `scheduler.beanstalk.cron` reads it."""


def read_manifest(files: Files) -> Manifest | None:
    """env.yaml; None: there is none.

    Raises:
        InvalidFileError: it does not have its form.

    """
    members = _document(files, "env.yaml")
    if members is None:
        return None
    name = members.text("EnvironmentName")
    if name is not None and not _NAME.fullmatch(name):
        raise members.wrong("EnvironmentName", "is no name of an environment")
    platform, tier = members.members("Platform"), members.members("EnvironmentTier")
    return Manifest(
        environment_name=name,
        solution_stack=members.text("SolutionStack"),
        platform_arn=platform.text("PlatformArn"),
        tier_name=tier.text("Name"),
        tier_type=tier.text("Type"),
        cname=members.text("CName"),
        links=tuple(members.pairs("EnvironmentLinks").items()),
        settings=tuple(
            OptionSetting(namespace, option, options.text(option) or "")
            for namespace, options in members.named("OptionSettings")
            for option in options.values
        ),
        tags=tuple(members.pairs("Tags").items()),
    )


def document_of(manifest: Manifest) -> dict[str, Any]:
    """As the row of a version keeps it."""
    return asdict(manifest)


def manifest_of(document: Mapping[str, Any]) -> Manifest:
    """As it was read."""
    pairs = {name: tuple(tuple(pair) for pair in document[name]) for name in ("links", "tags")}
    settings = tuple(OptionSetting(**setting) for setting in document["settings"])
    return Manifest(**{**document, **pairs, "settings": settings})


def read_periodic_tasks(files: Files) -> tuple[PeriodicTask, ...]:
    """cron.yaml; empty where there is none.

    Raises:
        InvalidFileError: it does not have its form.

    """
    members = _document(files, "cron.yaml")
    if members is None:
        return ()
    if members.text("version") != "1":
        raise members.wrong("version", "must be 1")
    found = tuple(_task(task) for task in members.each("cron"))
    if len({task.name for task in found}) < len(found):
        raise members.wrong("cron", "has two tasks of one name")
    return found


def _document(files: Files, name: str) -> Members | None:
    text = text_of(files, name)
    if text is None:
        return None
    try:
        return Members.of(name, "", read_yaml(text))
    except DocumentError as error:
        raise InvalidFileError(name, str(error)) from error


def _task(members: Members) -> PeriodicTask:
    url = members.needed("url")
    schedule = (scalar_text(members.values.get("schedule")) or "").strip()
    try:
        parse(schedule)
    except CronError as error:
        raise members.wrong("schedule", f"is no schedule: {error}") from error
    return PeriodicTask(members.needed("name"), url if url.startswith("/") else f"/{url}", schedule)

"""`.ebextensions/*.config`: option settings and what is to be done on an instance (reference: beanstalk.md §6.1, §8.6).

Files are read in alphabetical order; of equal options the later file's wins (unconfirmed). A file that cannot be parsed fails the
deployment, one with an unknown key is left out and told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.beanstalk.bundles.documents import DocumentError, read_json, read_yaml
from emulator.beanstalk.bundles.errors import InvalidConfigurationFileError, InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.instance_keys import (
    Command,
    InstanceFile,
    Package,
    User,
    read_commands,
    read_files,
    read_groups,
    read_packages,
    read_users,
)
from emulator.beanstalk.bundles.members import Members, scalar_text
from emulator.beanstalk.bundles.plan import ENVIRONMENT_NAMESPACE, OptionSetting
from scheduler.beanstalk.model import Said, Severity

FOLDER = ".ebextensions"
_KEYS = frozenset({
    "option_settings", "Resources", "Outputs", "Parameters", "Mappings", "packages", "groups", "users", "sources", "files",
    "commands", "container_commands", "services",
})  # fmt: skip
_INSTANCE_KEYS = ("packages", "groups", "users", "sources", "files", "commands", "services", "container_commands")


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """One file, its keys in the order in which an instance carries them out."""

    path: str
    settings: tuple[OptionSetting, ...]
    packages: tuple[Package, ...]
    groups: tuple[tuple[str, str | None], ...]
    """Name and id."""
    users: tuple[User, ...]
    sources: tuple[tuple[str, str], ...]
    """Target folder and URL."""
    files: tuple[InstanceFile, ...]
    commands: tuple[Command, ...]
    services: tuple[str, ...]
    container_commands: tuple[Command, ...]
    resources: tuple[str, ...]
    """Logical names."""

    @property
    def instance_keys(self) -> tuple[str, ...]:
        """Which of the keys that change an instance it has."""
        return tuple(key for key in _INSTANCE_KEYS if getattr(self, key))


@dataclass(frozen=True, slots=True)
class Extensions:
    """All configuration files of a bundle."""

    files: tuple[ConfigurationFile, ...]
    told: tuple[Said, ...]

    @property
    def settings(self) -> tuple[OptionSetting, ...]:
        """Option settings, one for each option, sorted as DescribeConfigurationSettings has them."""
        found = {(one.namespace, one.name, one.resource or ""): one for file in self.files for one in file.settings}
        return tuple(found[key] for key in sorted(found))


def read_extensions(files: Files, version_label: str) -> Extensions:
    """All configuration files.

    Args:
        files: the bundle.
        version_label: for the texts.

    Raises:
        InvalidConfigurationFileError: one is neither YAML nor JSON, or no mapping.
        InvalidFileError: a key does not have the form that it must have.

    """
    read: list[ConfigurationFile] = []
    told: list[Said] = []
    for name in files.names(FOLDER):
        if not name.endswith(".config"):
            continue
        path = f"{FOLDER}/{name}"
        members = _document(files, path, version_label)
        unknown = members.others(_KEYS)
        if unknown:
            told.append(Said(_skipped(path, unknown[0]), Severity.ERROR))
        else:
            read.append(_file(members))
    return Extensions(tuple(read), tuple(told))


def _skipped(path: str, key: str) -> str:
    """(unconfirmed) text."""
    return (
        f"Error processing file (Skipping): '{path}' - Contains invalid key: '{key}'. For information about valid keys, see "
        "http://docs.aws.amazon.com/elasticbeanstalk/latest/dg/customize-containers-ec2.html"
    )


def _document(files: Files, path: str, version_label: str) -> Members:
    try:
        text = text_of(files, path) or ""
    except InvalidFileError as error:
        raise InvalidConfigurationFileError(path, version_label, str(error), str(error)) from error
    try:
        value = read_yaml(text)
    except DocumentError as yaml_error:
        try:
            value = read_json(text)
        except DocumentError as json_error:
            raise InvalidConfigurationFileError(path, version_label, str(yaml_error), f"{json_error}.") from json_error
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InvalidConfigurationFileError(path, version_label, "it is no mapping", "it is no object.")
    return Members(path, "", value)


def _file(members: Members) -> ConfigurationFile:
    return ConfigurationFile(
        path=members.file,
        settings=tuple(_settings(members)),
        packages=tuple(read_packages(members)),
        groups=tuple(read_groups(members)),
        users=tuple(read_users(members)),
        sources=tuple(sorted(members.pairs("sources").items())),
        files=tuple(read_files(members)),
        commands=tuple(read_commands(members, "commands")),
        services=tuple(f"{kind}.{name}" for kind, inner in members.named("services") for name in inner.values),
        container_commands=tuple(read_commands(members, "container_commands")),
        resources=tuple(members.members("Resources").values),
    )


def _settings(members: Members) -> Iterator[OptionSetting]:
    """The map form, and the list form, whose namespace is by default that of environment properties."""
    given = members.values.get("option_settings")
    if isinstance(given, list):
        for one in members.each("option_settings"):
            namespace = one.text("namespace") or ENVIRONMENT_NAMESPACE
            yield OptionSetting(
                namespace, one.needed("option_name"), one.text("value") or "", one.text("resource_name")
            )
        return
    for namespace, options in members.named("option_settings"):
        yield from _options(namespace, options)


def _options(namespace: str, options: Members) -> Iterator[OptionSetting]:
    values: Mapping[str, Any] = options.values
    for name, value in values.items():
        text = scalar_text(value)
        if text is None:
            raise options.wrong(name, "must be a string")
        yield OptionSetting(namespace, name, text)

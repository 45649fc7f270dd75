"""platform.yaml of a custom platform's definition: what it tells of the platform.

Source: the developer guide's page "Platform.yaml file format" (the keys `version`, `provisioner` and `metadata`).
"""

from typing import Any

from emulator.beanstalk.bundles.documents import DocumentError, read_yaml
from emulator.beanstalk.bundles.errors import BundleError, InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members

_FILE = "platform.yaml"
_TEXTS = {
    "maintainer": "Maintainer",
    "description": "Description",
    "operating_system_name": "OperatingSystemName",
    "operating_system_version": "OperatingSystemVersion",
}
_LISTS = {"programming_language": "ProgrammingLanguages", "framework": "Frameworks"}


class NoPlatformDefinitionError(BundleError):
    """The bundle lacks it; the text is (unconfirmed)."""

    def __init__(self) -> None:
        super().__init__(f"The platform definition bundle holds no '{_FILE}' at its top.")


def read_platform_definition(files: Files) -> dict[str, Any]:
    """What DescribePlatformVersion shows of it, under the names it has there.

    Raises:
        BundleError: there is no platform.yaml, or it does not have its form.

    """
    text = text_of(files, _FILE)
    if text is None:
        raise NoPlatformDefinitionError
    try:
        members = Members.of(_FILE, "", read_yaml(text))
    except DocumentError as error:
        raise InvalidFileError(_FILE, str(error)) from error
    if members.members("provisioner").needed("type").lower() != "packer":
        raise members.wrong("provisioner", "has another type than packer")
    members.members("provisioner").needed("template")
    metadata = members.members("metadata")
    found: dict[str, Any] = {}
    for key, name in _TEXTS.items():
        value = metadata.text(key)
        if value is not None:
            found[name] = value
    for key, name in _LISTS.items():
        value = metadata.text(f"{key}_name")
        if value is not None:
            found[name] = [{"Name": value, "Version": metadata.text(f"{key}_version") or ""}]
    return found

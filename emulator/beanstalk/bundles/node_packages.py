"""package.json, as far as the Node.js platform reads it."""

from dataclasses import dataclass

from emulator.beanstalk.bundles.documents import DocumentError, read_json
from emulator.beanstalk.bundles.errors import InvalidFileError
from emulator.beanstalk.bundles.files import Files, text_of
from emulator.beanstalk.bundles.members import Members

FILE = "package.json"


@dataclass(frozen=True, slots=True)
class NodePackage:
    """What a package says of its start."""

    has_start: bool
    """`scripts.start`."""
    has_version: bool
    """`engines.node`."""


def read_node_package(files: Files) -> NodePackage | None:
    """None: there is none.

    Raises:
        InvalidFileError: it is no JSON object.

    """
    text = text_of(files, FILE)
    if text is None:
        return None
    try:
        members = Members.of(FILE, "", read_json(text))
    except DocumentError as error:
        raise InvalidFileError(FILE, str(error)) from error
    return NodePackage("start" in members.members("scripts"), "node" in members.members("engines"))

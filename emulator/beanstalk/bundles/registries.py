"""Credentials of private registries in a file that `Authentication` names: `.dockercfg`, and `config.json` of newer dockers."""

import base64
import binascii
from collections.abc import Mapping

from emulator.beanstalk.bundles.documents import DocumentError, read_json
from emulator.beanstalk.bundles.errors import BundleError, InvalidFileError
from emulator.beanstalk.bundles.members import Members
from emulator.runtime.specs import RegistryCredentials

_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


class CredentialsUnavailableError(BundleError):
    """The object cannot be had (developer guide, Troubleshooting)."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f"Failed to download authentication credentials {key} from {bucket}")


def read_credentials(content: bytes, key: str) -> Mapping[str, RegistryCredentials]:
    """Registry (`host[:port]`; Docker Hub is `docker.io`) → credentials.

    Raises:
        InvalidFileError: it has neither of the two forms.

    """
    try:
        document = Members.of(key, "", read_json(content.decode("utf-8-sig")))
    except (DocumentError, UnicodeDecodeError) as error:
        raise InvalidFileError(key, str(error)) from error
    servers = document.members("auths") if "auths" in document else document
    return {registry_of(server): _credentials(entry) for server, entry in _entries(servers)}


def _entries(servers: Members) -> list[tuple[str, Members]]:
    """A config.json may have other members beside `auths`, and entries whose secret is in a store."""
    found = [(name, servers.members(name)) for name, value in servers.values.items() if isinstance(value, dict)]
    return [(name, entry) for name, entry in found if "auth" in entry or "username" in entry]


def _credentials(entry: Members) -> RegistryCredentials:
    if "auth" not in entry:
        return RegistryCredentials(entry.needed("username"), entry.text("password") or "")
    try:
        user, colon, password = base64.b64decode(entry.needed("auth"), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise entry.wrong("auth", "is not base64") from error
    if not colon:
        raise entry.wrong("auth", "is not of the form user:password")
    return RegistryCredentials(user, password)


def registry_of(server: str) -> str:
    """`https://index.docker.io/v1/` → `docker.io`."""
    host = server.removeprefix("https://").removeprefix("http://").partition("/")[0].lower()
    return "docker.io" if host in _DOCKER_HUB else host


def registry_of_image(image: str) -> str:
    """The registry that an image name stands for."""
    first, slash, _ = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return registry_of(first) if is_host else "docker.io"

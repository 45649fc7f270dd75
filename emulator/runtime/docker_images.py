"""Images: taken from the engine where they are there, else pulled, with ECR's credentials where they are given."""

import docker
from docker.errors import ImageNotFound

from emulator.runtime.docker_calls import ImageDocument, inspect_image
from emulator.runtime.docker_faults import told_as
from emulator.runtime.faults import CannotPullContainerError
from emulator.runtime.ports import PulledImage
from emulator.runtime.specs import RegistryCredentials


def have(api: docker.APIClient, image: str, credentials: RegistryCredentials | None, *, always: bool) -> PulledImage:
    """Have the image on the engine.

    Raises:
        CannotPullContainerError: it cannot be had.

    """
    with told_as(CannotPullContainerError, "pulled"):
        if credentials is None and not always:
            try:
                return _described(image, inspect_image(api, image))
            except ImageNotFound:
                pass
        _pull(api, image, credentials)
        return _described(image, inspect_image(api, image))


def _pull(api: docker.APIClient, image: str, credentials: RegistryCredentials | None) -> None:
    repository, tag = reference(image)
    # without credentials the SDK looks into the user's own docker configuration, as the docker command does
    auth = {"username": credentials.username, "password": credentials.password} if credentials else None
    for progress in api.pull(repository, tag=tag, stream=True, decode=True, auth_config=auth):
        if "error" in progress:  # the answer's status was 200 by the time that it failed
            raise CannotPullContainerError(f"Error response from daemon: {progress['error']}")


def reference(image: str) -> tuple[str, str]:
    """Repository and tag or digest; the tag is `latest` where none is named."""
    name, at, digest = image.partition("@")
    path, slash, last = name.rpartition("/")
    plain, _, tag = last.partition(":")
    return f"{path}{slash}{plain}", digest if at else tag or "latest"


def _described(image: str, document: ImageDocument) -> PulledImage:
    """The digest is that of the repository which the image was named by, where the engine knows several."""
    pairs = [entry.partition("@") for entry in document["RepoDigests"] or []]
    repository, _ = reference(image)
    digests = [digest for name, _, digest in pairs if name == repository] or [digest for _, _, digest in pairs]
    return PulledImage(document["Id"], digests[0] if digests else None)

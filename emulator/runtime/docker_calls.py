"""The SDK's requests that its stubs leave untyped, with the types that they have."""

from typing import Any, TypedDict, cast

import docker


class ImageDocument(TypedDict):
    """The part of an image's inspection that is read here."""

    Id: str
    RepoDigests: list[str] | None


def inspect_image(api: docker.APIClient, image: str) -> ImageDocument:
    """The image as the engine knows it.

    Raises:
        ImageNotFound: it does not.

    """
    return cast("ImageDocument", api.inspect_image(image))  # type: ignore[no-untyped-call]  # the stub has no types


def create_container(api: docker.APIClient, document: dict[str, Any], name: str) -> str:
    """The new container's id."""
    made: dict[str, str] = api.create_container_from_config(document, name)  # type: ignore[no-untyped-call]  # as above
    return made["Id"]

"""The SDK's requests that its stubs leave untyped, with the types that they have."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypedDict, cast

import docker
from docker.types.daemon import CancellableStream


class ImageDocument(TypedDict):
    """The part of an image's inspection that is read here."""

    Id: str
    RepoDigests: list[str] | None
    Config: dict[str, Any] | None


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


def own_registries(api: docker.APIClient) -> dict[str, str]:
    """The header with the credentials of the user's own docker configuration; empty where there are none."""
    headers: dict[str, str] = {}
    api._set_auth_headers(headers)  # type: ignore[attr-defined]  # noqa: SLF001 - the stub hides it
    return headers


def post_stream(
    api: docker.APIClient,
    path: str,
    body: Iterator[bytes],
    query: dict[str, Any],
    headers: dict[str, str],
    patience: float,
) -> "CancellableStream[dict[str, Any]]":
    """Send a body in pieces, and read the answer's JSON documents as they come.

    Raises:
        APIError: the engine refuses.

    """
    hidden = cast("Any", api)
    response = hidden._post(  # noqa: SLF001 - the SDK has no public request
        hidden._url(path),  # noqa: SLF001
        data=body,
        params=query,
        headers=headers,
        stream=True,
        timeout=patience,
    )
    hidden._raise_for_status(response)  # noqa: SLF001
    return CancellableStream(hidden._stream_helper(response, decode=True), response)  # noqa: SLF001


def cut(stream: "CancellableStream[Any]") -> None:
    """End a stream, and whoever waits for it in another thread; the SDK's own `close` leaves the connection behind."""
    with suppress(AttributeError, OSError):  # it stumbles over a stream that is at its end
        stream.close()
    stream._response.close()  # type: ignore[attr-defined]  # noqa: SLF001 - the stub hides it

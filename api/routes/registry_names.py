"""Takes the registry's paths apart. Names contain slashes, so the last keyword of a path is the one that counts."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types_boto3_ecr.type_defs import ImageIdentifierTypeDef

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_UPLOAD = re.compile(r"(?P<name>.+)/blobs/uploads/(?P<reference>[^/]*)")
_RESOURCE = re.compile(r"(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<reference>[^/]+)")

Kind = Literal["uploads", "upload", "manifests", "blobs", "tags", "referrers"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means."""

    kind: Kind
    name: str
    reference: str
    """A tag, a digest, an upload's id; `list` of tags; empty for `uploads`."""


def parse_path(path: str) -> Target | None:
    """What `path`, without `/v2/`, means; None for nothing that a registry has."""
    if found := _UPLOAD.fullmatch(path):
        return Target("upload" if found["reference"] else "uploads", found["name"], found["reference"])
    found = _RESOURCE.fullmatch(path)
    if found is None:
        return Target("uploads", path.removesuffix("/blobs/uploads"), "") if path.endswith("/blobs/uploads") else None
    match found["kind"]:
        case "manifests" | "blobs" | "referrers" as kind:
            if kind == "blobs" and found["reference"] == "uploads":
                return Target("uploads", found["name"], "")
            return Target(kind, found["name"], found["reference"])
        case _:
            return Target("tags", found["name"], "list") if found["reference"] == "list" else None


def split_image(image: str) -> "tuple[str, ImageIdentifierTypeDef]":
    """The repository and the image of `NAME`, `NAME:TAG` or `NAME@DIGEST`; the tag is `latest` where none is given.

    A host with a port before it, as docker writes images, is left out.
    """
    name, at, digest = image.partition("@")
    host, slash, path = name.partition("/")
    if slash and ":" in host:
        name = path
    name, _, tag = name.partition(":")
    if at:
        return name, {"imageDigest": digest}
    return name, {"imageTag": tag or "latest"}


def is_tag(text: str) -> bool:
    """Whether an image may be tagged `text` through the registry."""
    return _TAG.fullmatch(text) is not None

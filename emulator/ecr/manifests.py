"""Reads manifests: what they need, what they are. Pure; the bytes themselves are stored untouched."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.ecr.blobs import is_digest
from emulator.ecr.errors import InvalidParameterException, invalid

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
_KNOWN = _INDEXES | {OCI_MANIFEST, DOCKER_MANIFEST}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says."""

    media_type: str
    artifact_type: str | None
    """`artifactType`, or the config's media type."""
    blobs: Mapping[str, int]
    """Config and layers that must be in the repository, with their sizes."""
    types: Mapping[str, str]
    """What it calls these blobs, as far as it says."""
    children: tuple[str, ...]
    """Manifests that an index names."""
    subject: str | None
    annotations: Mapping[str, str]


def parse_manifest(content: bytes, media_type: str | None) -> Manifest:
    """Read `content`. The media type is the one given, or else the body's own.

    Raises:
        InvalidParameterException: it is no manifest of a known kind, or contradicts itself.

    """
    body = _document(content)
    own = body.get("mediaType")
    kind = media_type or own
    if not isinstance(kind, str):
        raise InvalidParameterException("image manifest mediatype not provided in manifest or parameter")
    if own is not None and own != kind:
        raise invalid("imageManifestMediaType", f"'{kind}' differs from the manifest's own '{own}'")  # (unconfirmed)
    if kind not in _KNOWN:
        raise invalid("imageManifestMediaType", f"unsupported manifest media type '{kind}'")  # (unconfirmed)
    if kind in _INDEXES:
        children = tuple(_digest(item) for item in _items(body, "manifests"))
        return Manifest(kind, _text(body, "artifactType"), {}, {}, children, _subject(body), _annotations(body))
    config = body.get("config")
    if not isinstance(config, dict):
        raise _refused("config is missing")
    needed = [item for item in _items(body, "layers") if not item.get("urls")]  # foreign layers may be elsewhere
    return Manifest(
        media_type=kind,
        artifact_type=_text(body, "artifactType") or _text(config, "mediaType"),
        blobs={_digest(item): _size(item) for item in (config, *needed)},
        types={_digest(item): kind for item in (config, *needed) if (kind := _text(item, "mediaType"))},
        children=(),
        subject=_subject(body),
        annotations=_annotations(body),
    )


def _document(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused("Invalid JSON syntax") from error
    if not isinstance(body, dict):
        raise _refused("Invalid JSON syntax")
    return body


def _items(body: Mapping[str, Any], member: str) -> list[dict[str, Any]]:
    items = body.get(member, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _refused(f"{member} is not a list of descriptors")
    return items


def _digest(descriptor: Mapping[str, Any]) -> str:
    digest = descriptor.get("digest")
    if not isinstance(digest, str) or not is_digest(digest):
        raise _refused("a descriptor has no valid digest")
    return digest


def _size(descriptor: Mapping[str, Any]) -> int:
    size = descriptor.get("size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise _refused("a descriptor has no valid size")
    return size


def _subject(body: Mapping[str, Any]) -> str | None:
    subject = body.get("subject")
    if subject is None:
        return None
    if not isinstance(subject, dict):
        raise _refused("subject is not a descriptor")
    return _digest(subject)


def _text(body: Mapping[str, Any], member: str) -> str | None:
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise _refused(f"{member} is not a string")
    return value or None


def _annotations(body: Mapping[str, Any]) -> dict[str, str]:
    value = body.get("annotations") or {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _refused("annotations are not strings")
    return value


def _refused(reason: str) -> InvalidParameterException:
    return invalid("ImageManifest", reason)  # (unconfirmed)

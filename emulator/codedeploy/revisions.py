"""The revision of an ECS deployment: where its AppSpec is, and what it says."""

from collections.abc import Mapping
from typing import Any

from emulator.codedeploy.appspec import AppSpec, AppSpecError, check_digest, parse_appspec
from emulator.codedeploy.errors import (
    InvalidRevisionException,
    RevisionDoesNotExistException,
    RevisionRequiredException,
)
from emulator.context import Context

_LOCATIONS = {"AppSpecContent": "appSpecContent", "String": "string", "S3": "s3Location"}


def read_revision(context: Context, revision: Mapping[str, Any] | None) -> AppSpec:
    """The AppSpec of a revision. That a bad one is refused at once, not by a deployment that fails, is (unconfirmed).

    Raises:
        RevisionRequiredException: there is none.
        RevisionDoesNotExistException: there is no such object.
        InvalidRevisionException: it is of another kind, or no AppSpec of an ECS deployment.

    """
    if revision is None:
        raise RevisionRequiredException("The revision is missing.")  # (unconfirmed) text
    kind = str(revision.get("revisionType"))
    location = revision.get(_LOCATIONS.get(kind, ""))
    if location is None:  # (unconfirmed) text
        raise InvalidRevisionException("An ECS deployment takes a revision of the type AppSpecContent, String or S3.")
    try:
        if kind == "S3":
            return parse_appspec(_from_s3(context, location))
        content = location.get("content", "")
        check_digest(content, location.get("sha256"))
        return parse_appspec(content)
    except AppSpecError as error:
        raise InvalidRevisionException(str(error)) from error


def _from_s3(context: Context, location: Mapping[str, Any]) -> str:
    if location.get("bundleType") not in {"YAML", "JSON"}:  # (unconfirmed) text
        raise InvalidRevisionException("The bundle type of an ECS deployment's revision must be YAML or JSON.")
    bucket, key = location.get("bucket", ""), location.get("key", "")
    found = context.emulator.neighbours.object_bytes(context.account, bucket, key, location.get("version"))
    if found is None:  # (unconfirmed) text
        raise RevisionDoesNotExistException(f"There is no object {key} in the bucket {bucket}.")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise InvalidRevisionException("The AppSpec file is not text.") from error

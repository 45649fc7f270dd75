"""Saved configurations as files: what is written to S3 beside the row, and what `eb config put` has written there.

`eb config` reads and writes the files only, so a file that is not what was written from the row wins over it (reference:
beanstalk.md §3).
"""

from collections.abc import Mapping
from typing import Any

import yaml

from emulator.beanstalk.bundles.documents import DocumentError, read_yaml
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.options.effective import documents_of, overlay, settings_from
from emulator.beanstalk.platforms import platform_of_arn, platform_of_stack
from emulator.beanstalk.storage import bucket_of, ensure_storage, objects_of
from emulator.context import Context
from emulator.state.beanstalk import ApplicationRow, ConfigurationTemplateRow

_VERSION = "1.1.0.0"
_LARGEST = 256 * 1024
"""Bytes."""
_WEB = {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}
_WORKER = {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"}


def key_of(application: str, name: str) -> str:
    """Where the file is in the storage bucket."""
    return f"resources/templates/{application}/{name}"


def text_of(row: ConfigurationTemplateRow) -> str:
    """The file."""
    options: dict[str, dict[str, str | None]] = {}
    for item in row.settings:
        resource = item.get("ResourceName")
        space = f"{resource}.{item['Namespace']}" if resource else item["Namespace"]
        options.setdefault(space, {})[item["OptionName"]] = item.get("Value")
    document = {
        "EnvironmentConfigurationMetadata": {
            "Description": row.description or "",
            "DateCreated": f"{row.created_at.timestamp() * 1000:.0f}",
            "DateModified": f"{row.updated_at.timestamp() * 1000:.0f}",
        },
        "Platform": {"PlatformArn": row.platform_arn},
        "OptionSettings": options,
        "EnvironmentTier": {"Type": row.tier["Type"], "Name": row.tier["Name"]},
        "AWSConfigurationTemplateVersion": _VERSION,
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000))


def save(context: Context, row: ConfigurationTemplateRow) -> None:
    """Write the file once the transaction is safe."""
    bucket, key, body = ensure_storage(context), key_of(row.application, row.name), text_of(row).encode()
    account, objects = context.account, objects_of(context.emulator)
    context.after_commit(lambda: objects.put(account, bucket, key, body))


def forget(context: Context, row: ConfigurationTemplateRow) -> None:
    """Remove the file once the transaction is safe."""
    bucket, key = bucket_of(context.account, context.region), key_of(row.application, row.name)
    account, objects = context.account, objects_of(context.emulator)
    context.after_commit(lambda: objects.delete(account, bucket, key))


def template_of(context: Context, application: str, name: str) -> ConfigurationTemplateRow | None:
    """The saved configuration, brought in step with its file; None where there is neither row nor file.

    Raises:
        InvalidParameterValue: the file is no configuration.

    """
    row = context.session.get(ConfigurationTemplateRow, (context.account, context.region, application, name))
    place = (context.account, bucket_of(context.account, context.region), key_of(application, name))
    objects = context.emulator.objects
    facts = objects.head(*place) if objects is not None else None
    if objects is None or facts is None or facts.size > _LARGEST:
        return row
    body = objects.get(*place) or b""
    if row is not None and body == text_of(row).encode():
        return row
    if context.session.get(ApplicationRow, (context.account, context.region, application)) is None:
        return None
    return _take_over(context, application, name, _document(name, body))


def _document(name: str, body: bytes) -> Mapping[str, Any]:
    try:
        document = read_yaml(body.decode())
    except (DocumentError, UnicodeDecodeError) as error:
        raise _invalid(name, str(error)) from error
    if not isinstance(document, dict):
        raise _invalid(name, "it is not a mapping")
    if str(document.get("AWSConfigurationTemplateVersion")) != _VERSION:
        raise _invalid(name, f"AWSConfigurationTemplateVersion must be {_VERSION}")
    return document


def _invalid(name: str, why: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Configuration template {name} is invalid: {why}.")  # (unconfirmed) text


def _take_over(context: Context, application: str, name: str, document: Mapping[str, Any]) -> ConfigurationTemplateRow:
    key = (context.account, context.region, application, name)
    row = context.session.get(ConfigurationTemplateRow, key)
    if row is None:
        row = ConfigurationTemplateRow(
            account=context.account, region=context.region, application=application, name=name, description=None,
            platform_arn="", tier={}, settings=[], created_at=context.now, updated_at=context.now, tags=[],
        )  # fmt: skip
        context.session.add(row)
    metadata, platform = (
        _mapping(name, document, "EnvironmentConfigurationMetadata"),
        _mapping(name, document, "Platform"),
    )
    if "PlatformArn" in platform:
        found = platform_of_arn(str(platform["PlatformArn"]))
    elif "SolutionStack" in document:
        found = platform_of_stack(str(document["SolutionStack"]))
    else:
        raise _invalid(name, "it names no platform")
    row.platform_arn = found.arn(context.region)
    row.tier = _WORKER if _mapping(name, document, "EnvironmentTier").get("Name") == "Worker" else _WEB
    row.description = str(metadata["Description"]) if metadata.get("Description") else None
    options = _mapping(name, document, "OptionSettings")
    settings = [
        _place(space) | {"OptionName": option} | ({"Value": _scalar(value)} if value is not None else {})
        for space in options
        for option, value in _mapping(name, options, space).items()
    ]
    row.settings = documents_of(overlay(settings_from(settings)))
    row.updated_at = context.now
    context.session.flush()
    return row


def _place(space: str) -> dict[str, Any]:
    """`AWSEBAutoScalingGroup.aws:autoscaling:asg` is a namespace of a resource; (unconfirmed) form."""
    if space.startswith("aws:"):
        return {"Namespace": space}
    resource, _, namespace = space.partition(".")
    return {"Namespace": namespace, "ResourceName": resource}


def _mapping(name: str, document: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    found = document.get(member) or {}
    if not isinstance(found, dict):
        raise _invalid(name, f"{member} is not a mapping")
    return found


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

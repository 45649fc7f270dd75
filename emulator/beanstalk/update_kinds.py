"""What the instances of an environment do about an update."""

from dataclasses import replace

from emulator.beanstalk.environment_options import change
from emulator.beanstalk.operation_documents import Operation
from emulator.beanstalk.options.changes import Change
from emulator.state.beanstalk import EnvironmentRow
from scheduler.beanstalk.model import OperationKind


def decide(row: EnvironmentRow, operation: Operation) -> Operation:
    """What the instances do, now that the bundle's settings are known. New launch settings are a new generation."""
    draft = row.draft or {}
    found = change(
        draft["platform_arn"],
        row.tier["Name"],
        (row.bundle_settings, row.settings),
        (draft["bundle_settings"], draft["settings"]),
    )
    kind = OperationKind.CONFIGURE
    if operation.facts.get("replace") or found is Change.REPLACE or draft["platform_arn"] != row.platform_arn:
        kind = OperationKind.REPLACE
        row.generation = max(int(number) for number in row.resources["templates"]) + 1
    elif operation.facts["version"]:
        kind = OperationKind.DEPLOY
    return replace(operation, facts={**operation.facts, "kind": kind.value})

"""Life-cycle rules of an application: how they are kept, and what they remove after a version was made."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from emulator.beanstalk.errors import InvalidParameterValue
from emulator.beanstalk.source_bundles import delete_source
from emulator.beanstalk.version_uses import labels_in_use
from emulator.context import Context
from emulator.journal import Kind
from emulator.state.beanstalk import ApplicationRow, ApplicationVersionRow
from scheduler.beanstalk.version_retention import AgeRule, CountRule, VersionFacts, removals

_COUNT = {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False}
_AGE = {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False}
NO_RULES: Mapping[str, Any] = {"VersionLifecycleConfig": {"MaxCountRule": _COUNT, "MaxAgeRule": _AGE}}
"""What an application begins with."""


def merged_lifecycle(known: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration after a request: what it does not name stays as it was.

    Raises:
        InvalidParameterValue: a number is out of bounds, or there never was a service role. The texts are (unconfirmed).

    """
    before = known or NO_RULES
    role = given.get("ServiceRole") or before.get("ServiceRole")
    rules, asked = before["VersionLifecycleConfig"], given.get("VersionLifecycleConfig", {})
    count = {**rules["MaxCountRule"], **asked.get("MaxCountRule", {})}
    age = {**rules["MaxAgeRule"], **asked.get("MaxAgeRule", {})}
    if count["MaxCount"] < 1:
        raise InvalidParameterValue("MaxCount must be at least 1.")
    if age["MaxAgeInDays"] < 1:
        raise InvalidParameterValue("MaxAgeInDays must be at least 1.")
    if role is None and asked:
        raise InvalidParameterValue("A ServiceRole is required for a version lifecycle configuration.")
    found: dict[str, Any] = {"VersionLifecycleConfig": {"MaxCountRule": count, "MaxAgeRule": age}}
    return found | ({"ServiceRole": role} if role is not None else {})


def apply_lifecycle(context: Context, application: ApplicationRow, new_label: str) -> None:
    """Remove what the rules say, now that `new_label` was made."""
    rules = (application.lifecycle or NO_RULES)["VersionLifecycleConfig"]
    count, age = rules["MaxCountRule"], rules["MaxAgeRule"]
    if not count["Enabled"] and not age["Enabled"]:
        return
    query = select(ApplicationVersionRow).where(
        ApplicationVersionRow.account == context.account,
        ApplicationVersionRow.region == context.region,
        ApplicationVersionRow.application == application.name,
        ApplicationVersionRow.label != new_label,
    )
    rows = {row.label: row for row in context.session.scalars(query)}
    used = labels_in_use(context, application.name, remembered=True)
    gone = removals(
        [VersionFacts(row.label, row.created_at, row.label in used) for row in rows.values()],
        CountRule(count["MaxCount"], count["DeleteSourceFromS3"]) if count["Enabled"] else None,
        AgeRule(timedelta(days=age["MaxAgeInDays"]), age["DeleteSourceFromS3"]) if age["Enabled"] else None,
        context.now,
    )
    for removal in gone:
        row = rows[removal.label]
        if removal.delete_source:
            delete_source(context, row)
        context.session.delete(row)
        subject = context.arn("elasticbeanstalk", f"applicationversion/{application.name}/{removal.label}")
        context.record(Kind.DECISION, subject, {"removed": removal.reason, "source_deleted": removal.delete_source})

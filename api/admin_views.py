"""What the administrative API shows of rows."""

import asyncio
import os
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from emulator.context import Context
from emulator.emulator import Emulator
from emulator.journal import Entry
from emulator.settings import Settings
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecs import ClusterRow, ContainerInstanceRow, ServiceRow, TaskRow
from emulator.state.journal import JournalRow


def counts(session: Session) -> dict[str, int]:
    """How many resources there are, over all accounts and regions."""
    asked = {
        "clusters": select(func.count()).where(ClusterRow.status == "ACTIVE"),
        "hosts": select(func.count()).where(ContainerInstanceRow.status != "INACTIVE"),
        "tasks running": select(func.count()).where(TaskRow.last_status == "RUNNING"),
        "tasks not stopped": select(func.count()).where(TaskRow.last_status != "STOPPED"),
        "services": select(func.count()).where(ServiceRow.status == "ACTIVE"),
        "repositories": select(func.count()).select_from(RepositoryRow),
        "images": select(func.count()).select_from(ImageRow),
    }
    return {name: session.scalar(statement) or 0 for name, statement in asked.items()}


def regions(session: Session) -> list[str]:
    """The regions that have clusters, over all accounts."""
    found = select(ClusterRow.region).where(ClusterRow.status == "ACTIVE").distinct()
    return sorted(session.scalars(found))


def settings_view(settings: Settings) -> list[dict[str, str]]:
    """Each setting, its value, and whether it was given or is the default."""
    given = settings.model_fields_set
    return [
        {
            "name": name,
            "value": str(value) if name != "database_url" or value is None else "(set)",
            "source": (f"ASHORE_{name.upper()}" if f"ASHORE_{name.upper()}" in os.environ else "given")
            if name in given
            else "default",
        }
        for name, value in settings
    ]


def host_view(context: Context, row: ContainerInstanceRow) -> dict[str, Any]:
    """A host as `ashore hosts ls` shows it; remaining of registered CPU units and MiB."""
    node = context.emulator.fleets.of(context.session, row.cluster_arn).node(row.arn)
    tasks = context.session.scalar(
        select(func.count()).where(TaskRow.container_instance_arn == row.arn, TaskRow.last_status != "STOPPED")
    )
    return {
        "id": row.arn.rpartition("/")[2],
        "arn": row.arn,
        "instance": row.ec2_instance_id,
        "type": row.instance_type,
        "az": row.zone,
        "status": row.status if row.agent_connected else f"{row.status} (agent lost)",
        "cpu": f"{node.remaining_cpu if node else 0}/{row.cpu}",
        "memory": f"{node.remaining_memory if node else 0}/{row.memory}",
        "tasks": tasks or 0,
        "address": row.address,
    }


async def journal_page(
    emulator: Emulator, after: int | None, wanted: dict[str, list[str] | None], limit: int, wait: float
) -> dict[str, Any]:
    """Entries after `after` (the newest ones where None), oldest first; waits up to `wait` real seconds for one."""
    page = _read_journal(emulator, after, wanted, limit)
    if page or not wait:
        return {"entries": page}

    def matches(entry: Entry) -> bool:
        return all(value is None or getattr(entry, name) in value for name, value in wanted.items())

    try:
        async with asyncio.timeout(wait):
            await emulator.journal.wait_for(matches)
    except TimeoutError:
        return {"entries": []}
    return {"entries": _read_journal(emulator, after, wanted, limit)}


def _read_journal(
    emulator: Emulator, after: int | None, wanted: dict[str, list[str] | None], limit: int
) -> list[dict[str, Any]]:
    emulator.journal.flush()
    statement = select(JournalRow).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(JournalRow, name).in_(value))
    if after is None:
        statement = statement.order_by(JournalRow.seq.desc())
    else:
        statement = statement.where(JournalRow.seq > after).order_by(JournalRow.seq)
    with emulator.store.begin() as session:
        rows = list(session.scalars(statement))
    if after is None:
        rows.reverse()
    return [
        {
            "seq": row.seq,
            "at": row.at.isoformat(),
            "kind": row.kind,
            "account": row.account,
            "region": row.region,
            "subject": row.subject,
            "scope": row.scope,
            "detail": row.detail,
        }
        for row in rows
    ]

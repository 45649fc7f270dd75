"""The loop that applies lifecycle policies, by the clock.

AWS promises to expire an image within 24 hours of its becoming due, and of a new policy. Here a policy is evaluated five
minutes after it was put and after each push or deletion (an index is pushed after its images: they must not be expired
before it arrives), and once a day. Keys: a repository's ARN, or `preview:` and the ARN for a preview that was started.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from emulator.arns import Arn, parse_arn
from emulator.context import Context
from emulator.ecr.image_deletion import delete_image
from emulator.ecr.lifecycle.document import parse_lifecycle_policy
from emulator.ecr.lifecycle.evaluation import Action, Candidate, Outcome, actions, evaluate
from emulator.ecr.lifecycle_images import PAGE, candidates_after, unchanged
from emulator.ecr.lifecycle_schedule import LOOP, PREVIEW, SETTLING
from emulator.ecr.storage_classes import archive
from emulator.emulator import Emulator
from emulator.journal import Kind
from emulator.state.ecr import ImageRow, RepositoryRow
from emulator.state.ecr_registry import LifecyclePolicyRow, LifecyclePreviewRow

_EVERY = timedelta(hours=24)
_STEP = 20
"""Images that one transaction expires at most: requests go between."""


@dataclass(slots=True)
class LifecycleLoop:
    """Applies policies and works previews out."""

    emulator: Emulator

    def start(self) -> None:
        """Look at every policy and every preview that is not done."""
        with self.emulator.store.begin() as session:
            keys = list(session.scalars(select(LifecyclePolicyRow.repository_arn)))
            waiting = select(LifecyclePreviewRow.repository_arn).where(LifecyclePreviewRow.status == "IN_PROGRESS")
            keys += [f"{PREVIEW}{arn}" for arn in session.scalars(waiting)]
        self.emulator.loops.wake(LOOP, *keys)

    async def handle(self, keys: list[str]) -> None:
        """See the module."""
        for key in keys:
            arn = parse_arn(key.removeprefix(PREVIEW))
            if arn is None:
                raise ValueError(key)
            if key.startswith(PREVIEW):
                await self._work_out(arn)
            else:
                await self._look(arn)

    async def _look(self, arn: Arn) -> None:
        """Evaluate the policy where it is due, in a thread, and do what it says in small transactions."""
        with self.emulator.transaction(arn.account, arn.region) as context:
            row = context.session.get(LifecyclePolicyRow, str(arn))
            if row is None:
                return
            if row.evaluate_at > context.now:
                self.emulator.loops.wake_at(LOOP, str(arn), row.evaluate_at)
                return
            text, now = row.text, context.now
        candidates = await self._read(arn)
        due = actions(await asyncio.to_thread(evaluate, parse_lifecycle_policy(text), candidates, now))
        for start in range(0, len(due), _STEP):
            with self.emulator.transaction(arn.account, arn.region) as context:
                if not carry_out(context, str(arn), text, due[start : start + _STEP]):
                    return
            await asyncio.sleep(0)  # requests go between
        with self.emulator.transaction(arn.account, arn.region) as context:
            row = context.session.get(LifecyclePolicyRow, str(arn))
            if row is not None and row.text == text:
                row.evaluated_at, row.evaluate_at = now, now + (SETTLING if due else _EVERY)
                self.emulator.loops.wake_at(LOOP, str(arn), row.evaluate_at)

    async def _work_out(self, arn: Arn) -> None:
        """Write down what the previewed policy would do, without doing it."""
        with self.emulator.store.begin() as session:
            row = session.get(LifecyclePreviewRow, str(arn))
        if row is None or row.status != "IN_PROGRESS":
            return
        rules, candidates = parse_lifecycle_policy(row.text), await self._read(arn)
        due = actions(await asyncio.to_thread(evaluate, rules, candidates, self.emulator.clock.now()))
        with self.emulator.transaction(arn.account, arn.region) as context:
            row = context.session.get(LifecyclePreviewRow, str(arn))
            if row is not None:
                row.results, row.status = [_preview(outcome) for outcome in due], "COMPLETE"
                context.record(Kind.STATE_CHANGE, str(arn), {"lifecyclePolicyPreview": row.status})

    async def _read(self, arn: Arn) -> list[Candidate]:
        """All images, page by page with requests in between: `unchanged` sees what that may have missed."""
        found: list[Candidate] = []
        while True:
            with self.emulator.transaction(arn.account, arn.region) as context:
                page = candidates_after(context, str(arn), found[-1].digest if found else "")
            found += page
            if len(page) < PAGE:
                return found
            await asyncio.sleep(0)


def carry_out(context: Context, repository_arn: str, text: str, due: Sequence[Outcome]) -> bool:
    """Do one step of what a policy says to those images that are still as they were judged.

    False where the policy has been changed meanwhile, or the repository has gone: then nothing is done.
    """
    row = context.session.get(LifecyclePolicyRow, repository_arn)
    repository = context.session.get(RepositoryRow, repository_arn)
    if row is None or repository is None or row.text != text:
        return False
    for outcome in due:
        if unchanged(context, repository, outcome.candidate):
            _act(context, repository, outcome)
    return True


def _act(context: Context, repository: RepositoryRow, outcome: Outcome) -> None:
    digest = outcome.candidate.digest
    if outcome.action is Action.EXPIRE:
        delete_image(context, repository, {"imageDigest": digest})
    else:
        archive(context, repository, context.session.get_one(ImageRow, (repository.arn, digest)))
    detail = {
        "policyExecution": outcome.action.value,
        "image": digest,
        "tags": sorted(outcome.candidate.tags),
        "rulePriority": outcome.priority,
        "reason": outcome.reason,
    }
    context.record(Kind.DECISION, repository.arn, detail)


def _preview(outcome: Outcome) -> dict[str, Any]:
    candidate = outcome.candidate
    action = {"type": outcome.action.value}
    if outcome.action is Action.TRANSITION:
        action["targetStorageClass"] = "ARCHIVE"
    return {
        "imageTags": sorted(candidate.tags),
        "imageDigest": candidate.digest,
        "imagePushedAt": candidate.pushed_at.timestamp(),
        "action": action,
        "appliedRulePriority": outcome.priority,
        "storageClass": candidate.storage_class.upper(),
    }

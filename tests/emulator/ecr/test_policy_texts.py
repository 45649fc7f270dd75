"""What is remembered of policies is what the table says, whatever is written and undone."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from emulator.context import Context
from emulator.ecr.policy_texts import policy_texts
from emulator.emulator import Emulator
from emulator.state.ecr_registry import PolicyRow
from tests.emulator.ecr.emulators import ACCOUNT, REGION

SUBJECTS = ("a", "b")


class UndoneError(Exception):
    """Ends a transaction that is to be rolled back."""


def put(context: Context, subject: str, text: str) -> None:
    context.session.merge(PolicyRow(subject=subject, text=text))


def remove(context: Context, subject: str, _text: str) -> None:
    context.session.execute(delete(PolicyRow).where(PolicyRow.subject == subject))


def forget(context: Context, subject: str, _text: str) -> None:
    row = context.session.get(PolicyRow, subject)
    if row is not None:
        context.session.delete(row)


def look(context: Context, _subject: str, _text: str) -> None:
    assert policy_texts(context, *SUBJECTS) == in_table(context)


def in_table(context: Context) -> dict[str, str]:
    return {row.subject: row.text for row in context.session.execute(select(PolicyRow.subject, PolicyRow.text))}


steps = st.tuples(st.sampled_from([put, remove, forget, look, look]), st.sampled_from(SUBJECTS), st.sampled_from("xy"))
plays = st.lists(st.tuples(st.lists(steps, max_size=4), st.booleans()), max_size=8)
Step = tuple[Callable[[Context, str, str], None], str, str]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plays)
def test_any_play(emulator: Emulator, plays: list[tuple[list[Step], bool]]) -> None:
    emulator.store.clear()
    for steps, undone in plays:
        with suppress(UndoneError), emulator.transaction(ACCOUNT, REGION) as context:
            for act, subject, text in steps:
                act(context, subject, text)
                look(context, subject, text)
            if undone:
                raise UndoneError
        with emulator.transaction(ACCOUNT, REGION) as context:
            look(context, "", "")

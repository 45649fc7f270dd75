"""What simulated targets are told to answer to their health checks: in words, and kept with the state.

Words: `ok`, a status code (`503`), `timeout`, `refused`.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from emulator.balancer.health import Mismatch, Outcome, Passed, Refused, TimedOut
from emulator.balancer.ports import TargetKey
from emulator.state.journal import ServerStateRow

_ROW = "target health"
_WORDS: Mapping[str, Outcome] = {"ok": Passed(), "timeout": TimedOut(), "refused": Refused()}
Scripts = Mapping[tuple[str, TargetKey | None], Outcome]
"""(target group, one target or None for all of them) → what is answered."""


def outcome_of(word: str) -> Outcome:
    """What a word means.

    Raises:
        ValueError: nothing.

    """
    if word in _WORDS:
        return _WORDS[word]
    if word.isascii() and word.isdigit() and 100 <= int(word) <= 599:
        return Mismatch(int(word))
    raise ValueError(word)


def word_of(outcome: Outcome) -> str:
    """The word for an outcome."""
    if isinstance(outcome, Mismatch):
        return str(outcome.code)
    return next(word for word, known in _WORDS.items() if known == outcome)


def save(session: Session, scripts: Scripts) -> None:
    """Keep them for the next start."""
    kept = [
        {"group": arn, "target": None if key is None else [key.id, key.port], "answers": word_of(outcome)}
        for (arn, key), outcome in scripts.items()
    ]
    session.merge(ServerStateRow(name=_ROW, value={"scripts": kept}))


def load(session: Session) -> Scripts:
    """What `save` kept."""
    row = session.get(ServerStateRow, _ROW)
    return {
        (item["group"], None if item["target"] is None else TargetKey(*item["target"])): outcome_of(item["answers"])
        for item in (row.value["scripts"] if row is not None else ())
    }

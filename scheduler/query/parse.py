"""The cluster query language as a tree. Each function's docstring is its production rule."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from scheduler.query.tokens import OPERATORS, QuerySyntaxError, Token, TokenKind, tokenize

__all__ = ["Compare", "Every", "Exists", "Expression", "Not", "OneOf", "QuerySyntaxError", "Some", "parse"]


@dataclass(frozen=True, slots=True)
class Compare:
    """`subject operator value`: ==, !=, >, >=, <, <=, =~ or !~."""

    subject: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """`subject in [values]`; `!in` is Not(OneOf)."""

    subject: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """`subject exists`; `!exists` is Not(Exists)."""

    subject: str


@dataclass(frozen=True, slots=True)
class Not:
    """`not term`."""

    inner: "Expression"


@dataclass(frozen=True, slots=True)
class Every:
    """Terms joined by `and`."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Terms joined by `or`."""

    parts: tuple["Expression", ...]


Expression = Compare | OneOf | Exists | Not | Every | Some

_ORDER = {"==", "!=", ">", ">=", "<", "<="}
_TEXT = {"==", "!=", "in", "!in", "=~", "!~"}
_ALLOWED = {
    "agentConnected": _TEXT,
    "agentVersion": _ORDER,
    "ec2InstanceId": _TEXT,
    "registeredAt": _ORDER,
    "runningTasksCount": _ORDER,
    "task:group": _TEXT,
}
"""Subject → its operators; `attribute:NAME` takes all."""


@lru_cache(maxsize=1024)
def parse(source: str) -> Expression:
    """The tree of `source`.

    Raises:
        QuerySyntaxError: `source` is not an expression; points at the offending character.

    """
    parser = _Parser(source, tokenize(source))
    expression = parser.expression()
    parser.expect(TokenKind.END)
    return expression


class _Parser:
    def __init__(self, source: str, tokens: list[Token]) -> None:
        self._source, self._tokens, self._index, self._depth = source, tokens, 0, 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _take(self) -> Token:
        token = self._next
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def _fail(self, message: str, token: Token) -> QuerySyntaxError:
        return QuerySyntaxError(message, self._source, token.position)

    def expect(self, kind: TokenKind) -> Token:
        if self._next.kind is not kind:
            found = self._next.text or "the end"
            raise self._fail(f"expected {kind.value!r}, found {found!r}", self._next)
        return self._take()

    def expression(self) -> Expression:
        """Expression := conjunction (("or" | "||") conjunction)* - `and` binds tighter than `or` (unconfirmed)."""
        parts = [self.conjunction()]
        while self._next.kind is TokenKind.OR:
            self._take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def conjunction(self) -> Expression:
        """Conjunction := term (("and" | "&&") term)*."""
        parts = [self.term()]
        while self._next.kind is TokenKind.AND:
            self._take()
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def term(self) -> Expression:
        """Term := ("not" | "!") term | "(" expression ")" | simple."""
        self._depth += 1
        if self._depth > 100:
            raise self._fail("the expression is nested too deeply", self._next)
        try:
            if self._next.kind is TokenKind.NOT:
                self._take()
                return Not(self.term())
            if self._next.kind is TokenKind.OPEN:
                self._take()
                inner = self.expression()
                self.expect(TokenKind.CLOSE)
                return inner
            return self.simple()
        finally:
            self._depth -= 1

    def simple(self) -> Expression:
        """Simple := subject operator [argument]."""
        token = self.expect(TokenKind.WORD)
        subject = token.text
        attribute = subject.startswith("attribute:") and len(subject) > len("attribute:")
        if subject not in _ALLOWED and not attribute:
            raise self._fail(f"unknown subject {subject!r}", token)
        operator_token = self._take()
        operator = OPERATORS.get(operator_token.text)
        if operator is None or operator_token.kind is TokenKind.QUOTED:
            found = operator_token.text or "the end"
            raise self._fail(f"expected an operator, found {found!r}", operator_token)
        if not attribute and operator not in _ALLOWED[subject]:
            raise self._fail(f"{subject} does not take {operator_token.text!r}", operator_token)
        return self._argument(subject, operator)

    def _argument(self, subject: str, operator: str) -> Expression:
        match operator:
            case "exists":
                return Exists(subject)
            case "!exists":
                return Not(Exists(subject))
            case "in":
                return OneOf(subject, self.values())
            case "!in":
                return Not(OneOf(subject, self.values()))
        token = self._next
        value = self.value()
        self._check(subject, operator, value, token)
        return Compare(subject, operator, value)

    def _check(self, subject: str, operator: str, value: str, token: Token) -> None:
        try:
            if operator in {"=~", "!~"}:
                re.compile(value)
            elif subject == "runningTasksCount":
                int(value)
            elif subject == "registeredAt":
                instant(value)
        except (ValueError, re.error) as error:
            raise self._fail(f"{value!r} does not fit {subject} {operator}: {error}", token) from error

    def values(self) -> tuple[str, ...]:
        """Values := "[" value ("," value)* "]"."""
        self.expect(TokenKind.LIST_OPEN)
        found = [self.value()]
        while self._next.kind is TokenKind.COMMA:
            self._take()
            found.append(self.value())
        self.expect(TokenKind.LIST_CLOSE)
        return tuple(found)

    def value(self) -> str:
        """Value := word | quoted text."""
        if self._next.kind is TokenKind.QUOTED:
            return self._take().text
        return self.expect(TokenKind.WORD).text


def instant(text: str) -> datetime:
    """A date in one of the language's forms: with an offset, `Z`, no zone (UTC), or the date alone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

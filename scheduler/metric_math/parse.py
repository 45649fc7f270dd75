"""CloudWatch's metric math as a tree: numbers, metrics by their id, arithmetic, comparisons, calls, arrays.

What this does not read (strings, SEARCH, statistics over time) is an error with a caret, so that an alarm is not judged by half.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z]\w*)|(<=|>=|==|!=|&&|\|\||[-+*/^()\[\],<>]))")


class MetricMathError(Exception):
    """An expression that cannot be read; the text shows where."""

    def __init__(self, source: str, position: int, problem: str) -> None:
        super().__init__(f"{problem}\n{source}\n{' ' * position}^")


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """The value of another query."""

    id: str


@dataclass(frozen=True, slots=True)
class Negative:
    """A sign."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Operation:
    """Two values and what is done with them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Array:
    """Several values, for a function."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function; its name in capitals."""

    name: str
    arguments: tuple["Expression", ...]


Expression = Number | Metric | Negative | Operation | Array | Call

_LEVELS = (("||", "OR"), ("&&", "AND"), ("==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/"), ("^",))
"""Operators, those that bind least first."""


def parse(source: str) -> Expression:
    """The tree of an expression.

    Raises:
        MetricMathError: it cannot be read.

    """
    parser = _Parser(source)
    tree = parser.level(0)
    parser.end()
    return tree


class _Parser:
    def __init__(self, source: str) -> None:
        self._source, self._tokens, self._next = source, _tokens(source), 0

    def level(self, index: int) -> Expression:
        """`level := deeper (operator deeper)*`, from the left."""
        if index == len(_LEVELS):
            return self._unary()
        tree = self.level(index + 1)
        while self._peek().upper() in _LEVELS[index]:
            operator = self._take().upper()
            tree = Operation({"AND": "&&", "OR": "||"}.get(operator, operator), tree, self.level(index + 1))
        return tree

    def _unary(self) -> Expression:
        """`unary := "-" unary | primary`."""
        if self._peek() == "-":
            self._take()
            return Negative(self._unary())
        return self._primary()

    def _primary(self) -> Expression:
        """`primary := number | "(" level ")" | "[" list "]" | name ["(" list ")"]`."""
        word = self._take()
        if word == "(":
            tree = self.level(0)
            self._expect(")")
            return tree
        if word == "[":
            return Array(self._list("]"))
        if word and (word[0].isdigit() or word[0] == "."):
            return Number(float(word))
        if not word or not word[0].isalpha():
            raise self._problem("a number, a metric or a function is expected", 1)
        if self._peek() == "(":
            self._take()
            return Call(word.upper(), self._list(")"))
        return Metric(word)

    def _list(self, closing: str) -> tuple[Expression, ...]:
        """`list := [level ("," level)*] closing`."""
        items: list[Expression] = []
        while self._peek() != closing:
            if items:
                self._expect(",")
            items.append(self.level(0))
        self._take()
        return tuple(items)

    def end(self) -> None:
        """Nothing may follow."""
        if self._peek():
            raise self._problem("the end is expected")

    def _expect(self, text: str) -> None:
        if self._take() != text:
            raise self._problem(f"{text} is expected", 1)

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _problem(self, text: str, back: int = 0) -> MetricMathError:
        index = self._next - back
        position = self._tokens[index][1] if index < len(self._tokens) else len(self._source)
        return MetricMathError(self._source, position, text)


def _tokens(source: str) -> list[tuple[str, int]]:
    found, position = [], 0
    text = source.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MetricMathError(source, position, "this cannot be read")
        found.append((match.group(match.lastindex or 0), match.start(match.lastindex or 0)))
        position = match.end()
    return found

"""The words of the cluster query language, each with its place in the source."""

import re
from dataclasses import dataclass
from enum import StrEnum


class QuerySyntaxError(ValueError):
    """An expression that cannot be parsed; points at the offending character."""

    def __init__(self, message: str, source: str, position: int) -> None:
        super().__init__(f"{message} at position {position}\n{source}\n{' ' * position}^")
        self.message, self.source, self.position = message, source, position


class TokenKind(StrEnum):
    """What a word is."""

    OPEN = "("
    CLOSE = ")"
    LIST_OPEN = "["
    LIST_CLOSE = "]"
    COMMA = ","
    OPERATOR = "operator"
    AND = "and"
    OR = "or"
    NOT = "not"
    WORD = "word"
    QUOTED = "quoted"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word."""

    kind: TokenKind
    text: str
    position: int


_PATTERN = re.compile(
    r"""\s*(?:
    (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<operator>==|!=|>=|<=|=~|!~|>|<)
  | (?P<symbol>&&|\|\||[()\[\],])
  | (?P<not>!(?!exists\b|in\b))
  | (?P<word>!?[^\s()\[\],&|"'=!<>~][^\s()\[\],"'=<>~!]*(?:[*+?.|][^\s()\[\],"']*)*)
  )""",
    re.VERBOSE,
)
_SYMBOLS = {
    "&&": TokenKind.AND,
    "||": TokenKind.OR,
    "(": TokenKind.OPEN,
    ")": TokenKind.CLOSE,
    "[": TokenKind.LIST_OPEN,
    "]": TokenKind.LIST_CLOSE,
    ",": TokenKind.COMMA,
}
_WORDS = {"and": TokenKind.AND, "or": TokenKind.OR, "not": TokenKind.NOT}
OPERATORS = {
    "==": "==", "equals": "==",
    "!=": "!=", "not_equals": "!=",
    ">": ">", "greater_than": ">",
    ">=": ">=", "greater_than_equal": ">=",
    "<": "<", "less_than": "<",
    "<=": "<=", "less_than_equal": "<=",
    "exists": "exists", "!exists": "!exists", "not_exists": "!exists",
    "in": "in", "!in": "!in", "not_in": "!in",
    "=~": "=~", "matches": "=~",
    "!~": "!~", "not_matches": "!~",
}  # fmt: skip
"""Every spelling of an operator → its short form."""


def tokenize(source: str) -> list[Token]:
    """The words of `source`, with END at the end.

    Raises:
        QuerySyntaxError: a character begins no word.

    """
    tokens = []
    position = 0
    while source[position:].strip():
        found = _PATTERN.match(source, position)
        if found is None:
            start = position + len(source[position:]) - len(source[position:].lstrip())
            raise QuerySyntaxError(f"unexpected {source[start]!r}", source, start)
        tokens.append(_token(found))
        position = found.end()
    return [*tokens, Token(TokenKind.END, "", len(source))]


def _token(found: re.Match[str]) -> Token:
    group = str(found.lastgroup)
    text, start = found.group(group), found.start(group)
    match group:
        case "quoted":
            return Token(TokenKind.QUOTED, re.sub(r"\\(.)", r"\1", text[1:-1]), start)
        case "operator":
            return Token(TokenKind.OPERATOR, text, start)
        case "symbol":
            return Token(_SYMBOLS[text], text, start)
        case "not":
            return Token(TokenKind.NOT, text, start)
        case _:
            return Token(_WORDS.get(text, TokenKind.WORD), text, start)

r"""ELB's patterns as regular expressions that Python and Go (Caddy) read alike.

`*` stands for any characters, `?` for one; in query strings `\` takes the meaning from the character that follows it.
"""

import re

_SPECIAL = frozenset(r"\.+*?()|[]{}^$-")


def expression(pattern: str, *, one: str = r"[\s\S]", escapes: bool = False) -> str:
    r"""The regular expression for the whole of what `pattern` matches.

    Args:
        pattern: with `*` and `?`.
        one: what a wildcard's character may be.
        escapes: whether `\` escapes.

    """
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\" and escapes:
            parts.append(_literal(next(characters, "\\")))
        elif character == "*":
            parts.append(f"{one}*")
        elif character == "?":
            parts.append(one)
        else:
            parts.append(_literal(character))
    return "".join(parts)


def fits(pattern: str, text: str, *, fold: bool = True, escapes: bool = False) -> bool:
    """Whether `pattern` matches the whole of `text`; `fold` takes capitals and small letters alike."""
    found = re.fullmatch(expression(pattern, escapes=escapes), text, re.IGNORECASE if fold else 0)
    return found is not None


def _literal(character: str) -> str:
    return f"\\{character}" if character in _SPECIAL else character

"""Reads members of a document by the type that they must have; what has another is told with its place."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.beanstalk.bundles.errors import InvalidFileError


def scalar_text(value: Any) -> str | None:
    """A scalar as the text that an option or a variable gets; None: it is a list or a mapping."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str() | int():
            return str(value)
        case float():
            return str(int(value)) if value == math.floor(value) and "e" not in repr(value) else repr(value)
    return None


@dataclass(frozen=True, slots=True)
class Members:
    """A mapping of a document of the bundle."""

    file: str
    at: str
    """Where in the document, for messages; empty at the top."""
    values: Mapping[str, Any]

    @classmethod
    def of(cls, file: str, at: str, value: Any) -> "Members":
        """Raises InvalidFileError where the value is no mapping."""
        if not isinstance(value, dict):
            raise InvalidFileError(file, f"{at or 'the document'} must be a mapping")
        return cls(file, at, value)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def path(self, name: object) -> str:
        return f"{self.at}.{name}" if self.at else str(name)

    def wrong(self, name: str, what: str) -> InvalidFileError:
        """The error that a member is not what it must be."""
        return InvalidFileError(self.file, f"{self.path(name)} {what}")

    def text(self, name: str) -> str | None:
        """A scalar as text; None where it is absent or null."""
        if name not in self:
            return None
        found = scalar_text(self.values[name])
        if found is None:
            raise self.wrong(name, "must be a string")
        return found

    def needed(self, name: str) -> str:
        """A text that is not empty."""
        found = self.text(name)
        if not found:
            raise self.wrong(name, "is missing")
        return found

    def number(self, name: str, least: int, most: int) -> int | None:
        found = self.text(name)
        if found is None or found == "":
            return None
        if not found.isascii() or not found.isdigit() or len(found) > 18 or not least <= int(found) <= most:
            raise self.wrong(name, f"must be a number from {least} to {most}")
        return int(found)

    def flag(self, name: str) -> bool:
        """A boolean, also as text; false where it is absent."""
        found = (self.text(name) or "false").strip().lower()
        if found not in {"true", "false", "yes", "no", "on", "off", "1", "0"}:
            raise self.wrong(name, "must be true or false")
        return found in {"true", "yes", "on", "1"}

    def items(self, name: str) -> list[Any]:
        """A list; empty where it is absent."""
        found = self.values.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.wrong(name, "must be a list")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of scalars; one scalar stands for a list of one."""
        found = self.values.get(name)
        listed = found if isinstance(found, list) else [] if found is None else [found]
        texts = [scalar_text(item) for item in listed]
        if None in texts:
            raise self.wrong(name, "must be a list of strings")
        return tuple(text for text in texts if text is not None)

    def members(self, name: str) -> "Members":
        """A mapping; empty where it is absent."""
        found = self.values.get(name)
        return Members.of(self.file, self.path(name), {} if found is None else found)

    def each(self, name: str) -> Iterator["Members"]:
        """A list of mappings."""
        for number, item in enumerate(self.items(name)):
            yield Members.of(self.file, f"{self.path(name)}[{number}]", item)

    def named(self, name: str) -> Iterator[tuple[str, "Members"]]:
        """A mapping of mappings, whose null stands for an empty one."""
        inner = self.members(name)
        for key in inner.values:
            yield key, inner.members(key)

    def pairs(self, name: str) -> dict[str, str]:
        """A mapping of scalars."""
        inner = self.members(name)
        return {key: inner.text(key) or "" for key in inner.values}

    def others(self, known: Collection[str]) -> list[str]:
        """Names that are not known."""
        return [name for name in self.values if name not in known]

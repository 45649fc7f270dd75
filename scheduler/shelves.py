"""Hosts in order: a shelf holds those of the same pools, by their own keys, equal ones by their place in the fleet.

The sorted lists are plain ones: to move the pointers behind an insertion is one memmove, faster than a tree up to
hundreds of thousands of hosts.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Keys = tuple[int, ...]
Key = TypeVar("Key")


@dataclass(slots=True)
class Shelf:
    """The hosts of the same pools, sorted by their own keys, then by their place in the fleet."""

    keys: list[Keys] = field(default_factory=list)
    places: dict[Keys, list[int]] = field(default_factory=dict)

    def put(self, own: Keys, place: int) -> None:
        """A host comes."""
        if own not in self.places:
            insort(self.keys, own)
        insort(self.places.setdefault(own, []), place)

    def take(self, own: Keys, place: int) -> None:
        """A host goes."""
        take(self.places, own, place)
        if own not in self.places:
            del self.keys[bisect_left(self.keys, own)]

    def first(self, count: int) -> list[tuple[Keys, int]]:
        """Own keys and places of the best."""
        found: list[tuple[Keys, int]] = []
        for own in self.keys:
            found += [(own, place) for place in self.places[own][: count - len(found)]]
            if len(found) == count:
                break
        return found


def nth(front: Sequence[list[int]], number: int) -> int:
    """The place of the best host with this number; they are numbered shelf by shelf."""
    for places in front:
        if number < len(places):
            return places[number]
        number -= len(places)
    raise IndexError(number)


def take(lists: dict[Key, list[int]], key: Key, place: int) -> None:
    """Take a place out of a sorted list; an empty list goes."""
    found = lists[key]
    if len(found) == 1:
        del lists[key]
    else:
        del found[bisect_left(found, place)]

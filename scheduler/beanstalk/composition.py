"""The order in which environments that link to each other are composed (reference: beanstalk.md §7.5)."""

from collections.abc import Mapping, Sequence


class LinkCycleError(Exception):
    """Environments link to each other in a circle: none of them can be the first.

    Args:
        names: of the circle, in the order of its links.

    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(" → ".join([*names, names[0]]))
        self.names = tuple(names)


def linked_first(links: Mapping[str, Sequence[str]]) -> list[str]:
    """Each environment after all those that it links to; otherwise the order that was given.

    Args:
        links: environment → those that it links to. What is no key is there already and does not matter.

    Raises:
        LinkCycleError: there is no such order.

    """
    ordered: list[str] = []
    for name in links:
        _visit(name, links, ordered, [])
    return ordered


def _visit(name: str, links: Mapping[str, Sequence[str]], ordered: list[str], way: list[str]) -> None:
    if name in way:
        raise LinkCycleError(way[way.index(name) :])
    if name in ordered or name not in links:
        return
    for other in links[name]:
        _visit(other, links, ordered, [*way, name])
    ordered.append(name)

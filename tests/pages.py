"""The one way in which tests run the commands of a page: its fenced blocks, as a reader would type them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.running import RunningServer
from tests.server_process import REPOSITORY

_BLOCK = re.compile(r"^```bash( docker)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands of a page that belong together: one shell runs them."""

    text: str

    def run(self, server: RunningServer, *before: str) -> str:
        """What they print, the first that fails fails the test; `before` goes before the shell (`env NAME=VALUE`)."""
        return server.run(*before, "bash", "-euo", "pipefail", "-c", self.text)

    def replaced(self, old: str, new: str) -> "Commands":
        """With a word that cannot stand in a test changed."""
        assert old in self.text, f"the page does not say {old}"
        return Commands(self.text.replace(old, new))


class Page:
    """A page of the documentation, with its blocks of commands; those marked `bash docker` need an engine.

    Args:
        path: from the top of the repository.

    """

    def __init__(self, path: str) -> None:
        self._text = (REPOSITORY / Path(path)).read_text(encoding="utf-8")

    @property
    def plain(self) -> Commands:
        """All that need no engine."""
        return Commands("\n".join(text for docker, text in _BLOCK.findall(self._text) if not docker))

    @property
    def docker(self) -> Commands:
        """All that need one."""
        return Commands("\n".join(text for docker, text in _BLOCK.findall(self._text) if docker))

    @property
    def all(self) -> Commands:
        """Both, in the page's order."""
        return Commands("\n".join(text for _, text in _BLOCK.findall(self._text)))

    @property
    def sections(self) -> dict[str, Commands]:
        """Title → the commands of a section, where it has some."""
        return dict(self._sections())

    def _sections(self) -> Iterator[tuple[str, Commands]]:
        for title, text in _SECTION.findall(self._text):
            blocks = [found for _, found in _BLOCK.findall(text)]
            if blocks:
                yield title, Commands("\n".join(blocks))

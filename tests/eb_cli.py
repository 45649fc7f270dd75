"""Drives the real EB CLI in a pseudo-terminal, as a person at a keyboard would."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.running import RunningServer

PROGRAM = Path(sys.prefix) / "eb" / "bin" / "eb"
_SIZE = (60, 200)
"""Rows and columns; without, `eb health` has no room for its table."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\([A-Z]|[=>78])")


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    screen: str
    """All that it wrote, without the terminal's control sequences."""


class EbCli:
    """`eb` in one project folder, pointed at a server by AWS_ENDPOINT_URL alone."""

    def __init__(
        self, server: RunningServer, folder: Path, home: Path, key: str = "test", secret: str = "test"
    ) -> None:
        self._folder = folder
        self._environment = {
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "TERM": "xterm",
            "PAGER": "cat",
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "no_proxy": "*",
        }

    def run(self, *words: str, answers: Sequence[tuple[str, str]] = (), seconds: float = 120) -> str:
        """What a command that must succeed writes; `answers`: (what it asks, what is typed then), in this order."""
        done = self.attempt(*words, answers=answers, seconds=seconds)
        assert done.code == 0, f"eb {' '.join(words)} ended with {done.code}\n{done.screen}"
        return done.screen

    def attempt(self, *words: str, answers: Sequence[tuple[str, str]] = (), seconds: float = 120) -> Finished:
        """Run a command to its end."""
        terminal, other_side = pty.openpty()
        termios.tcsetwinsize(terminal, _SIZE)
        with subprocess.Popen(
            [PROGRAM, *words],
            cwd=self._folder,
            env=self._environment,
            stdin=other_side,
            stdout=other_side,
            stderr=other_side,
            start_new_session=True,
        ) as process:
            os.close(other_side)
            try:
                screen = _converse(terminal, list(answers), time.monotonic() + seconds, words)
            except BaseException:
                process.kill()
                raise
            finally:
                os.close(terminal)
        return Finished(process.returncode, screen)


def _converse(terminal: int, answers: list[tuple[str, str]], deadline: float, words: Sequence[str]) -> str:
    screen, answered = "", 0
    while True:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([terminal], [], [], max(0.0, left))
        assert ready, f"eb {' '.join(words)} did not end in time:\n{screen}"
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux tells the end of a terminal's other side so
            chunk = b""
        if not chunk:
            assert not answers, f"eb {' '.join(words)} never asked {answers[0][0]!r}:\n{screen}"
            return screen
        screen += _ESCAPES.sub("", chunk.decode(errors="replace")).replace("\r\n", "\n")
        if answers and answers[0][0] in screen[answered:]:
            os.write(terminal, f"{answers.pop(0)[1]}\n".encode())
            answered = len(screen)

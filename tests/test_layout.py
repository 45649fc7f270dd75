"""Where things are: folders of modules are packages, and modules stay short enough to be read at once."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES = 350
"""Three hundred are aimed at; what is longer than this has more than one idea in it."""


def modules(package: str) -> list[Path]:
    """Of a top package, without migrations, which are written by a program."""
    return [path for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts]


@pytest.mark.parametrize("package", ["api", "ashore", "emulator", "scheduler"])
def test_modules_are_short_and_in_packages(package: str) -> None:
    found = modules(package)
    assert found
    assert [str(path) for path in found if not (path.parent / "__init__.py").exists()] == []
    assert [str(path) for path in found if len(path.read_text().splitlines()) > MOST_LINES] == []

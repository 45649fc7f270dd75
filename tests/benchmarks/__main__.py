"""Runs the benchmarks of this folder by name: `python -m tests.benchmarks [NAME…]`, all without a name.

A benchmark is a module here with `main`; each runs in a process of its own, so that none warms or burdens the next.
"""

import subprocess
import sys
from pathlib import Path


def names() -> list[str]:
    """The modules of this folder that can be run."""
    modules = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return [module.stem for module in modules if '__name__ == "__main__"' in module.read_text(encoding="utf-8")]


def main(asked: list[str]) -> int:
    """Run them one after another; how many failed."""
    known = names()
    unknown = [name for name in asked if name not in known]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    failed = 0
    for name in asked or known:
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        failed += subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

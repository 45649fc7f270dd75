"""Fixtures of the whole suite."""

import os
from collections import Counter
from pathlib import Path

import pytest

from emulator.runtime.docker import unreachable


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips without a container engine; fails instead where ASHORE_TESTS_NEED_ENGINE says that there must be one."""
    reason = unreachable()
    if reason is None and not Path("/bin/busybox").exists():
        reason = "no static /bin/busybox to build test images from"
    if reason is not None:
        if os.environ.get("ASHORE_TESTS_NEED_ENGINE"):
            pytest.fail(f"engine tests must run here: {reason}")
        pytest.skip(f"no container engine: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a long time limit begins first: begun last, it would be waited for by itself."""
    items.sort(key=_limit, reverse=True)


def _limit(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many tests did not run for want of something, and of what."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    engine_tests = [report for report in skipped if "docker" in report.keywords]
    for reason, count in Counter(_reason(report) for report in engine_tests).items():
        terminalreporter.write_line(f"{count} engine tests skipped: {reason}", yellow=True)
    others = Counter(_reason(report) for report in skipped if report not in engine_tests)
    for reason, count in others.items():
        terminalreporter.write_line(f"{count} tests skipped: {reason}", yellow=True)


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")

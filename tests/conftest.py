"""Fixtures of the whole suite."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from emulator.runtime.docker import unreachable

# How long an example takes is the machine's, which is busy with the other workers. Where a submission is judged
# (`.ci/run`), the examples are the same each time; where people work, new ones are looked for.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="ASHORE_TESTS_SAME_EXAMPLES" in os.environ,
)
settings.load_profile("suite")


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
    """Files with tests that have a long time limit begin first: begun last, they would be waited for by themselves."""
    limits: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        limits[item.path] = max(limits.get(item.path, 0.0), float(mark.args[0]) if mark is not None else 0.0)
    items.sort(key=lambda item: limits[item.path], reverse=True)


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

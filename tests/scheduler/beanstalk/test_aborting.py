"""What an abort does at each point of an update."""

import pytest

from scheduler.beanstalk.aborting import Abort, Point, abort_at, called_off
from scheduler.beanstalk.model import Severity


@pytest.mark.parametrize(
    ("point", "wanted"),
    [
        (Point.WAITING, Abort.CALL_OFF),
        (Point.ADJUSTING, Abort.ADJUST_BACK),
        (Point.CARRYING, Abort.BY_POLICY),
        (Point.OTHER, None),
    ],
)
def test_an_update_can_be_aborted_from_its_first_instant(point: Point, wanted: Abort | None) -> None:
    assert abort_at(point) is wanted


def test_the_last_events_are_those_of_what_was_updated() -> None:
    (application,) = called_off(version=True)
    assert (application.message, application.severity) == ("Failed to deploy application.", Severity.ERROR)
    assert [said.message for said in called_off(version=False)] == [
        "Failed to deploy configuration.",
        "The environment was reverted to the previous configuration setting.",
    ]

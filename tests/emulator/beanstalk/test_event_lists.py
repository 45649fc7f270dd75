"""Events as time goes by."""

from datetime import timedelta

from emulator.beanstalk.applications import create_application
from emulator.beanstalk.event_lists import describe_events
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, START, control_plane


def test_events_are_kept_for_six_weeks() -> None:
    server = control_plane()
    with server.transaction(ACCOUNT, REGION) as context:
        create_application(context, {"ApplicationName": "old"})
    counts = []
    for days in (0, 41, 42, 43):
        server.clock.rewind_to(START + timedelta(days=days))
        with server.transaction(ACCOUNT, REGION) as context:
            counts.append(len(describe_events(context, {})["Events"]))
    assert counts == [3, 3, 2, 0]  # the second and the third event are a millisecond younger each

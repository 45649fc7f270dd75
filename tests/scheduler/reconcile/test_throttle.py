"""Held-back starts."""

from scheduler.reconcile.throttle import delay


def test_starts_are_held_back_from_the_third_failed_round_on_ever_longer() -> None:
    assert [delay(rounds) for rounds in range(6)] == [0, 0, 0, 10, 20, 40]


def test_no_delay_is_longer_than_27_minutes() -> None:
    assert delay(11) == delay(1000) == 27 * 60

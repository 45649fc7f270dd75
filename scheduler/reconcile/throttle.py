"""How long starts are held back when tasks fail to start again and again.

Only tasks that never came to RUNNING count. That the delay doubles and ends at 27 minutes is documented; where it begins
is not (unconfirmed).
"""

_ROUNDS = 3
_FIRST_SECONDS, _LAST_SECONDS = 10.0, 27 * 60.0


def delay(rounds: int) -> float:
    """Seconds until the next start after so many rounds of starts that failed in a row; 0 while it is too early to tell."""
    if rounds < _ROUNDS:
        return 0.0
    return min(_FIRST_SECONDS * 2.0 ** min(rounds - _ROUNDS, 16), _LAST_SECONDS)

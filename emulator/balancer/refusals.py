"""Which rules the data plane refuses, where it refuses the whole: the net below `faults.py`, which should have found them."""

from collections.abc import Awaitable, Callable, Sequence

from emulator.balancer.model import Rule

Refusal = Callable[[Sequence[Rule]], Awaitable[str | None]]
"""Why a configuration with just these rules is refused; None where it is accepted."""


async def refused_rules(rules: Sequence[Rule], refusal: Refusal) -> dict[Rule, str]:
    """Those that are refused by themselves, and why; by halves, so that one of a thousand costs twenty questions."""
    reason = await refusal(rules) if rules else None
    if reason is None:
        return {}
    if len(rules) == 1:
        return {rules[0]: reason}
    middle = len(rules) // 2
    first = await refused_rules(rules[:middle], refusal)
    return {**first, **await refused_rules(rules[middle:], refusal)}

"""What of load balancers is not as it was asked for: told once in the journal and the log, and kept for whoever asks."""

from collections.abc import Mapping

import structlog

from emulator.arns import parse_arn
from emulator.balancer.model import Listener, Rule
from emulator.emulator import Emulator
from emulator.journal import Entry, Kind

_LOG = structlog.get_logger()


class Reports:
    """Tells of ports that could not be had and of rules that are left out."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.faults: dict[str, str] = {}
        """ARN of a rule (a listener's for its default rule) → why it is left out."""

    def tell_port(self, listener: Listener, port: int) -> None:
        """Say where a listener is, when that is not where it was asked for."""
        if port != listener.port:
            self._note(Kind.EVENT, listener.arn, {"listenerPort": listener.port, "answersOnPort": port})
            _LOG.warning("a listener's port cannot be had", wanted=listener.port, answers_on=port)

    def tell_faults(self, faults: Mapping[Rule, str]) -> None:
        """Say which rules are left out, those that were not before or for another reason."""
        before, self.faults = self.faults, {rule.arn: reason for rule, reason in faults.items()}
        for rule, reason in faults.items():
            if before.get(rule.arn) != reason:
                priority = "default" if rule.priority is None else rule.priority
                self._note(Kind.FAULT, rule.arn, {"priority": priority, "leftOut": reason})
                _LOG.warning("a rule cannot be carried out and is left out", rule=rule.arn, reason=reason)

    def _note(self, kind: Kind, arn: str, detail: Mapping[str, object]) -> None:
        parsed, settings = parse_arn(arn), self._emulator.settings
        account, region = (parsed.account, parsed.region) if parsed else (settings.account_id, settings.region)
        self._emulator.journal.note(Entry(self._emulator.clock.now(), kind, account, region, arn, detail))

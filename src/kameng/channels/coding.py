"""What a provider's code means: a table of rules, and what is not in it is unknown and logged once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng.channels.model import Outcome
from kameng.kit import logs

_log = logs.get_logger(__name__)


class Rule(msgspec.Struct, frozen=True):
    """``call`` and ``code`` as named; ``*`` is any. ``contains``: what the message has to say besides."""

    call: str
    code: str
    outcome: Outcome
    contains: str = ""


class Codes:
    """The rules of one protocol: the first that fits decides."""

    def __init__(self, protocol: str, rules: Sequence[Rule]) -> None:
        self._protocol = protocol
        self._rules = rules
        self._told: set[tuple[str, str]] = set()

    def outcome(self, call: str, code: str, message: str = "") -> Outcome:
        for rule in self._rules:
            if rule.call in (call, "*") and rule.code in (code, "*") and rule.contains in message:
                return rule.outcome
        if (call, code) not in self._told and len(self._told) < 1000:
            self._told.add((call, code))
            _log.warning("a provider's code is in no table", protocol=self._protocol, call=call, code=code[:60])
        return Outcome.unknown

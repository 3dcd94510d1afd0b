"""Whether a fault is everybody's: what of each channel was seen of late, and how many fell ill together. Pure."""

from __future__ import annotations

from kameng.routing.believing import DAY_MS, Level, Parameters
from kameng.routing.state import Pool

KEPT_MS = 60_000.0


def is_common(room: Pool, at_ms: int, parameters: Parameters) -> bool:
    """Several channels fell ill within minutes, and none that carries payments is well; or none is left at all."""
    if all(level.quarantined_ms for level in room.levels.values()):
        return len(room.levels) > 1
    since = at_ms - max(parameters.common_ms, _few_ms(room))
    ill = carrying = 0
    for level in room.levels.values():
        kept = _kept(room, level, at_ms)
        if level.quarantined_ms >= since and level.quarantined_ms:
            ill += 1
            carrying += 1
        elif not level.quarantined_ms and level.proof * kept >= 1.5 and level.down < 0.2:
            return False
        elif level.evidence * kept >= 1:
            carrying += 1
    return ill >= 2 and ill >= parameters.common_share * carrying


def remember(room: Pool, level: Level, at_ms: int, *, is_paid: bool) -> None:
    """A payment was seen, paid or not."""
    kept = _kept(room, level, at_ms)
    level.proof = level.proof * kept + is_paid
    level.evidence = level.evidence * kept + 1
    level.proved_ms = at_ms


def _kept(room: Pool, level: Level, at_ms: int) -> float:
    return float(0.5 ** ((at_ms - level.proved_ms) / max(KEPT_MS, _few_ms(room) / 2)))


def _few_ms(room: Pool) -> float:
    """About how long a dozen payments take."""
    return 12 * DAY_MS / room.volume

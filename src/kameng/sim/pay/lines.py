"""What the script spoils in the lines of a bill: one missing, one too many, one twice, a wrong amount or fee."""

from __future__ import annotations

from typing import Any

from kameng.sim.pay.ground import Ground


def spoil(
    ground: Ground, provider: str, account: str, lines: list[dict[str, Any]], *, amount: str, number: str, fee: str = ""
) -> list[dict[str, Any]]:
    """``amount``, ``number`` and ``fee`` are the names of the fields; amounts and fees are integers here."""
    while lines and (fault := ground.faults.take(provider, account, "lines")) is not None:
        first = lines[0]
        match fault.what:
            case "missing":
                lines = lines[1:]
            case "extra":
                lines = [*lines, {**first, number: f"X{first[number]}"[:32]}]
            case "duplicate":
                lines = [first, *lines]
            case "wrong_amount":
                lines = [{**first, amount: first[amount] + 1}, *lines[1:]]
            case "wrong_fee" if fee:
                lines = [{**first, fee: first[fee] + 1}, *lines[1:]]
    return lines

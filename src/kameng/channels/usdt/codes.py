"""What the gateways' ``status_code`` means. Those of BEpusdt are 200 and 400 alone, so its messages decide."""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, State

CODES = Codes("usdt", (
    Rule("begin", "200", Outcome.accepted),
    Rule("query", "200", Outcome.done),
    Rule("close", "200", Outcome.done),
    Rule("close", "400", Outcome.unknown, "状态不允许"),  # paid, or over: a query tells
    Rule("close", "400", Outcome.refused_channel),
    Rule("query", "10008", Outcome.unknown),  # no such order, for a number that the gateway gave us
    Rule("query", "400", Outcome.unknown),
    Rule("begin", "10002", Outcome.unknown),  # the number was used: by us, before
    Rule("begin", "10003", Outcome.refused_channel),  # no address is free
    Rule("begin", "10004", Outcome.refused_channel),
    Rule("begin", "10005", Outcome.refused_channel),
    Rule("begin", "10006", Outcome.refused_channel),
    Rule("begin", "10009", Outcome.refused_config),
    Rule("begin", "400", Outcome.refused_config, "签名"),
    Rule("begin", "400", Outcome.refused_config, "signature"),
    Rule("begin", "400", Outcome.refused_config, "参数"),
    Rule("begin", "400", Outcome.refused_channel),
    Rule("*", "401", Outcome.refused_config),  # the signature
))  # fmt: skip

STATES: Mapping[str, State] = {
    "1": State.waiting, "2": State.paid, "3": State.closed, "4": State.closed, "5": State.waiting, "6": State.waiting,
}  # fmt: skip
"""4: cancelled; 5 and 6: the transfer is seen and not yet deep enough in the chain."""

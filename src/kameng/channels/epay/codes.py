"""What epay's codes mean. They are coarse (-1 says nearly everything), so the message decides where it must.

1 is the success of version 1, 0 that of version 2 and of refunds. A creation that epay refuses left nothing that a
customer could pay, unless the number was used before: then it may be paid, and is asked about.
"""

from __future__ import annotations

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome

CODES = Codes("epay", (
    Rule("begin", "1", Outcome.accepted),
    Rule("begin", "0", Outcome.accepted),
    Rule("begin", "-1", Outcome.unknown, "已完成支付"),
    Rule("begin", "-1", Outcome.unknown, "参数有变化"),
    Rule("begin", "-1", Outcome.refused_config, "商户ID不能为空"),
    Rule("begin", "-1", Outcome.refused_config, "商户不存在"),
    Rule("begin", "-1", Outcome.refused_channel),
    Rule("begin", "-2", Outcome.refused_channel),  # the provider behind it said no
    Rule("query", "1", Outcome.done),
    Rule("query", "0", Outcome.done),
    Rule("query", "-1", Outcome.done, "订单号不存在"),  # the customer has not come yet
    Rule("close", "0", Outcome.done),
    Rule("close", "-1", Outcome.paid, "已支付"),
    Rule("close", "-1", Outcome.refused_channel),
    Rule("close", "-5", Outcome.refused_channel),  # an older installation: it has no such call
    Rule("refund", "0", Outcome.done),
    Rule("refund", "1", Outcome.done),
    Rule("refund", "-1", Outcome.unknown, "退款失败"),  # the provider behind it, also when that gave no answer
    Rule("refund", "-1", Outcome.rate_limited, "商户余额不足"),  # the shop's balance there: it can be filled
    Rule("refund", "-1", Outcome.refused_config, "未开启"),
    Rule("refund", "-1", Outcome.refused_channel),
    Rule("refund", "-2", Outcome.refused_config),
    Rule("refund_query", "0", Outcome.done),
    Rule("refund_query", "1", Outcome.done),
    Rule("refund_query", "-1", Outcome.refused_config, "未开启"),
    Rule("bill", "1", Outcome.done),
    Rule("bill", "0", Outcome.done),
    Rule("*", "-3", Outcome.refused_config),  # key, signature, time stamp
    Rule("*", "-4", Outcome.refused_config),
))  # fmt: skip

REFUNDED_BEFORE = ("已全额退款", "该订单已退款")
"""What version 1 says when all of it was given back before."""

"""Payments through channels: accounts at providers, attempts, what providers tell, refunds to origin, recharges."""


from kameng.payments.beginning import (
    Begin,
    Payer,
    begin_collection,
    begin_order,
    begin_recharge,
    find_payable,
    find_payments,
    ways_to_pay,
)  # fmt: skip
from kameng.payments.cashier import Cashier
from kameng.payments.choosing import SCENES, best_scene
from kameng.payments.collecting import (
    Collected,
    end_collection,
    find_collection_refund,
    give_back_collection,
    read_collections,
)  # fmt: skip
from kameng.payments.confirming import confirm_payment, find_payment, history, query_now
from kameng.payments.deferring import tidy_inbox
from kameng.payments.errors import (
    BadChannel,
    BadPayment,
    BadRule,
    NoSuchChannel,
    NoSuchPayment,
    NoSuchRule,
    NotByHand,
    NotCollecting,
    NotPayable,
    NotRefundableNow,
    PaymentUnknown,
    RechargeReused,
    RefundReused,
    TooManyAttempts,
)  # fmt: skip
from kameng.payments.jobs import handlers
from kameng.payments.keeping import (
    RunsOut,
    add_channel,
    change_channel,
    find_channel,
    list_channels,
    reseal,
    running_out,
    seal_channel,
    switch_channel,
    try_channel,
    watch_papers,
)  # fmt: skip
from kameng.payments.listening import hear
from kameng.payments.messages import purge_messages
from kameng.payments.model import (
    OPEN,
    BonusRule,
    ChannelAccount,
    Fact,
    Kind,
    Origin,
    Payable,
    Payment,
    Refund,
    RefundState,
    State,
    TakenAs,
    Told,
    bonus_of,
    id_of_number,
    number_of,
    part_of,
    refund_number_of,
)  # fmt: skip
from kameng.payments.opening import NOTICES, Workplace
from kameng.payments.overseeing import (
    AskedPayments,
    AskedRefunds,
    OverseenPayment,
    Page,
    oversee_payments,
    oversee_refunds,
    payments_by_number,
    payments_of,
)  # fmt: skip
from kameng.payments.owning import OWN_RULES, add_own_channel, own_channel, own_channels, own_rule_of, set_own_rule
from kameng.payments.paying_out import can_pay_out, decide_payout, retry_payout, send_withdrawal
from kameng.payments.recharging import (
    add_bonus,
    end_bonus,
    find_recharge,
    list_bonuses,
    list_recharges,
    read_recharges,
)  # fmt: skip
from kameng.payments.returning import refund_to_origin
from kameng.payments.routing_store import Failing, Pace, StandingRule
from kameng.payments.ruling import (
    Decision,
    Standing,
    add_rule,
    change_rule,
    end_rule,
    find_decision,
    find_routing,
    move_rule,
    set_policy,
    why,
)  # fmt: skip
from kameng.payments.signing_in import sign_in_at, sign_in_for
from kameng.payments.starting import Collection
from kameng.payments.steering import Router
from kameng.payments.store import ChannelDay, Heard, channel_days
from kameng.payments.straying import (
    book_by_hand,
    find_refund,
    refund_history,
    refunds_of_cases,
    return_mismatch,
    return_to_origin,
)  # fmt: skip
from kameng.payments.taking import COLLECTED_JOB
from kameng.payments.watching import (
    Health,
    Step,
    channel_faults,
    channel_health,
    estimate,
    probe_channel,
    revive,
    tell_news,
)  # fmt: skip
from kameng.routing import NoChannel

__all__ = [
    "COLLECTED_JOB", "NOTICES", "OPEN", "OWN_RULES", "SCENES", "AskedPayments", "AskedRefunds",
    "BadChannel", "BadPayment", "BadRule", "Begin", "BonusRule", "Cashier", "ChannelAccount", "ChannelDay",
    "Collected", "Collection", "Decision", "Fact", "Failing", "Health", "Heard", "Kind", "NoChannel", "NoSuchChannel",
    "NoSuchPayment", "NoSuchRule", "NotByHand", "NotCollecting", "NotPayable", "NotRefundableNow", "Origin",
    "OverseenPayment", "Pace", "Page", "Payable", "Payer", "Payment", "PaymentUnknown", "RechargeReused", "Refund",
    "RefundReused", "RefundState", "Router", "RunsOut", "Standing", "StandingRule", "State", "Step", "TakenAs", "Told",
    "TooManyAttempts", "Workplace", "add_bonus", "add_channel", "add_own_channel", "add_rule", "begin_collection",
    "begin_order", "begin_recharge", "best_scene", "bonus_of", "book_by_hand", "can_pay_out", "change_channel",
    "change_rule", "channel_days", "channel_faults", "channel_health", "confirm_payment", "decide_payout", "end_bonus",
    "end_collection", "end_rule", "estimate", "find_channel", "find_collection_refund", "find_decision",
    "find_payable", "find_payment", "find_payments", "find_recharge", "find_refund", "find_routing",
    "give_back_collection", "handlers", "hear", "history", "id_of_number", "list_bonuses", "list_channels",
    "list_recharges", "move_rule", "number_of", "oversee_payments", "oversee_refunds", "own_channel", "own_channels",
    "own_rule_of", "part_of", "payments_by_number", "payments_of", "probe_channel", "purge_messages", "query_now",
    "read_collections", "read_recharges", "refund_history", "refund_number_of", "refund_to_origin", "refunds_of_cases",
    "reseal", "retry_payout", "return_mismatch", "return_to_origin", "revive", "running_out", "seal_channel",
    "send_withdrawal", "set_own_rule", "set_policy", "sign_in_at", "sign_in_for", "switch_channel", "tell_news",
    "tidy_inbox", "try_channel", "watch_papers", "ways_to_pay", "why",
]  # fmt: skip

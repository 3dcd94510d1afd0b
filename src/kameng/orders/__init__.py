"""The journey of one order: wishes in, decided by the batch in their lane, found and revealed later."""

from kameng.orders.errors import (
    BadAccount, BadOrder, BadQuantity, Busy, GroupRefused, NotOnSale, OrderNotFound, OrderNotPlaced, OutcomeUnknown,
    ReferenceReused, SecretsNotShown, SoldOut,
)  # fmt: skip
from kameng.orders.finding import ID_MAX, Page, find, find_by_ref, list_orders, reveal, timeline
from kameng.orders.model import (
    ACCOUNT, BULK_ALL_MAX, BULK_EACH_MAX, FINAL, TRANSITIONS, Answer, Command, Refused, ShownCard, ShownOrder, State, Wish,
)  # fmt: skip
from kameng.orders.queueing import Lanes
from kameng.orders.snapshot import Snapshot
from kameng.orders.wishing import OrderBody, fault_of, ref_hash_of, wish_from

__all__ = [
    "ACCOUNT", "Answer", "BULK_ALL_MAX", "BULK_EACH_MAX", "BadAccount", "BadOrder", "BadQuantity", "Busy",
    "Command", "FINAL", "GroupRefused", "ID_MAX", "Lanes", "NotOnSale", "OrderBody", "OrderNotFound",
    "OrderNotPlaced", "OutcomeUnknown", "Page", "ReferenceReused", "Refused", "SecretsNotShown", "ShownCard",
    "ShownOrder", "Snapshot", "SoldOut", "State", "TRANSITIONS", "Wish", "fault_of", "find", "find_by_ref",
    "list_orders", "ref_hash_of", "reveal", "timeline", "wish_from",
]  # fmt: skip

"""The journey of one order: wishes in, decided by the batch in their lane, found and revealed later."""

from kameng.orders.errors import BadAccount, BadOrder, BadQuantity, Busy, GroupRefused, OrderNotFound, SoldOut
from kameng.orders.finding import ID_MAX, Page, find, find_by_ref, list_orders, reveal, timeline
from kameng.orders.model import (
    BULK_ALL_MAX, BULK_EACH_MAX, FINAL, TRANSITIONS, Answer, Command, Refused, ShownCard, ShownOrder, State, Wish,
)  # fmt: skip
from kameng.orders.queueing import Lanes
from kameng.orders.snapshot import Snapshot
from kameng.orders.wishing import OrderBody, fault_of, wish_from

__all__ = [
    "BULK_ALL_MAX", "BULK_EACH_MAX", "FINAL", "ID_MAX", "TRANSITIONS", "Answer", "BadAccount", "BadOrder",
    "BadQuantity", "Busy", "Command", "GroupRefused", "Lanes", "OrderBody", "OrderNotFound", "Page", "Refused",
    "ShownCard", "ShownOrder", "Snapshot", "SoldOut", "State", "Wish", "fault_of", "find", "find_by_ref",
    "list_orders", "reveal", "timeline", "wish_from",
]  # fmt: skip

"""What breaks the laws of reconciliation, by hand, as in ``breaking``."""

from __future__ import annotations

BILL = (
    "INSERT INTO bill (channel_id, day, state, next_at, fetched_at, settled_at)"
    " VALUES (1, '2026-01-01', 'settled', now(), now(), now())"
)
SETTLED = (
    "INSERT INTO bill_settlement (lane, channel_id, day, lines, differences, payment_e4, refund_e4, net_e4, fee_e4, at)"
    " VALUES"
)

BILLS: list[tuple[str, str]] = [
    ("channels_hold_what_is_unmatched", f"{SETTLED} (0, 1, '2026-01-01', 0, 0, 0, 0, 0, 1, now())"),
    ("channels_hold_what_is_unmatched", "UPDATE payment SET fee_e4 = fee_e4 + 1 WHERE taken_as = 'order'"),
    ("bills_are_settled_whole", f"{BILL}; INSERT INTO bill_line (lane, channel_id, day, line_key, kind, payment_no,"
     " refund_no, provider_no, subject_id, amount_e4, fee_e4, at)"
     " VALUES (0, 1, '2026-01-01', 'k', 'payment', '', '', '', 0, 100, 0, now())"),
    ("bills_are_settled_whole channels_hold_what_is_unmatched",
     f"{BILL}; {SETTLED} (0, 1, '2026-01-01', 0, 0, 0, 0, 100, 0, now())"),
    ("differences_lie_in_suspense", "INSERT INTO bill_case (lane, case_id, channel_id, day, line_key, line_kind, kind,"
     " subject_id, bill_e4, book_e4, currency, suspense_e4, rest_e4, state, opened_at, due_at)"
     " VALUES (0, 4711, 1, '2026-01-01', 'k', 'payment', 'LONG', 0, 1, 0, 'CNY', 1, 0, 'open', now(), now())"),
    ("differences_go_back_to_their_origin",
     "INSERT INTO bill_case (lane, case_id, channel_id, day, line_key, line_kind,"
     " kind, subject_id, bill_e4, book_e4, currency, suspense_e4, rest_e4, state, act, opened_at, due_at)"
     " VALUES (0, 4711, 1, '2026-01-01', 'k', 'payment', 'LONG', 0, 1, 0, 'CNY', 0, 0, 'returning', 'refund', now(),"
     " now())"),
]  # fmt: skip

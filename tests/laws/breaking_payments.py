"""What breaks each law of payments, by hand: SQL, and the laws that it breaks."""

from __future__ import annotations

PAYMENTS: list[tuple[str, str]] = [
    ("payments_are_booked_once what_is_paid_was_paid_for channels_hold_what_is_unmatched agents_pay_what_they_collect",
     "DELETE FROM payment WHERE booked_at IS NOT NULL AND taken_as <> 'double'"),
    ("payments_are_booked_once", "UPDATE transfer SET subject_id = 4711 WHERE code = 'channel_payment'"),
    ("payments_are_booked_once channels_hold_what_is_unmatched agents_pay_what_they_collect",
     "UPDATE payment SET paid_e4 = paid_e4 + 1, state = 'paid' WHERE taken_as IN ('order', 'recharge')"),
    ("payments_are_booked_once channels_hold_what_is_unmatched agents_pay_what_they_collect",
     "UPDATE payment SET channel_id = 4711 WHERE taken_as = 'order'"),
    ("payments_are_booked_once", "UPDATE payment SET taken_as = 'recharge' WHERE taken_as = 'double'"),
    ("payments_are_booked_once what_is_paid_was_paid_for",
     "UPDATE payable SET state = 'closed', payment_id = NULL WHERE state = 'paid' AND kind = 'order'"),
    ("what_is_paid_was_paid_for", "UPDATE order_payment SET payment_id = 4711 WHERE payment_id IS NOT NULL"),
    ("what_is_paid_was_paid_for",
     "UPDATE payable SET bonus_e4 = bonus_e4 + 1 WHERE state = 'paid' AND kind = 'recharge'"),
    ("what_is_paid_was_paid_for", "UPDATE payable SET wallet_e4 = wallet_e4 + 1 WHERE hold_id IS NOT NULL"),
    ("refunds_to_origin_are_booked channels_hold_what_is_unmatched",
     "UPDATE payment_refund SET amount_e4 = amount_e4 - 1"),
    ("refunds_to_origin_are_booked channels_hold_what_is_unmatched",
     "UPDATE payment_refund SET state = 'sent', transfer_id = NULL, ended_at = NULL;"
     "INSERT INTO job (lane, job_id, kind, subject_id, state, due_at) SELECT lane, refund_id, 'payments.refund',"
     " refund_id, 'waiting', now() FROM payment_refund"),
    ("refunds_to_origin_are_booked", "UPDATE payment SET refunded_e4 = 1, state = 'paid' WHERE taken_as = 'recharge'"),
    ("acknowledged_notices_are_done", "UPDATE payment_inbox SET at = now() - interval '11 minutes'"),
    ("open_payments_are_looked_after", "DELETE FROM job WHERE kind = 'payments.query'"),
    ("open_payments_are_looked_after refunds_to_origin_are_booked channels_hold_what_is_unmatched"
     " differences_go_back_to_their_origin",
     "DELETE FROM payment_refund"),
    ("agents_pay_what_they_collect channels_hold_what_is_unmatched",
     "UPDATE transfer SET code = 'collected_back' WHERE code = 'collected'"),
    ("agents_pay_what_they_collect", "UPDATE payment_channel SET org_id = 0 WHERE org_id <> 0"),
    ("epay_shops_are_told", "DELETE FROM job WHERE kind = 'epay.tell'"),
    ("epay_shops_are_told", "UPDATE epay_trade SET paid_at = NULL"),
    ("epay_shops_are_told what_is_paid_was_paid_for",
     "UPDATE payable SET fee_e4 = fee_e4 + 1 WHERE kind = 'collection'"),
    ("refunds_to_origin_are_booked", "UPDATE transfer SET subject_id = 4711 WHERE code = 'collection_refund'"),
    ("secrets_are_sealed", "UPDATE epay_account SET secrets = set_byte(secrets, 0, 9)"),
    ("secrets_are_sealed", "UPDATE payment_channel SET credentials = set_byte(credentials, 0, 9)"),
]  # fmt: skip

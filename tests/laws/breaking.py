"""What breaks each law of the audit, by hand: SQL, and the laws that it breaks. ``test_audit.py`` runs it."""

from __future__ import annotations

from kameng.ledger import House, house_account
from laws.breaking_bills import BILLS
from laws.breaking_payments import PAYMENTS

CLEARING = house_account(House.clearing, "CNY")

# (SELECT order_id …): orders of one kind, always the same one.
CARD_ORDER = "(SELECT order_id FROM orders WHERE cardinality(card_ids) = 2 ORDER BY order_id LIMIT 1)"
PHONE_ORDER = "(SELECT order_id FROM orders WHERE account IS NOT NULL ORDER BY order_id LIMIT 1)"
BUNDLE_ORDER = "(SELECT min(order_id) FROM order_part)"
SANDBOX_ORDER = "(SELECT order_id FROM orders JOIN organisation g USING (org_id) WHERE sandbox_of IS NOT NULL LIMIT 1)"
SPLIT_ORDER = "(SELECT min(order_id) FROM orders WHERE split IS NOT NULL)"
BOOKED = "(SELECT min(transfer_id) FROM transfer WHERE code = 'margin')"
SOLD = "(SELECT min(card_id) FROM card WHERE state = 'sold')"
LYING = "(SELECT min(card_id) FROM card WHERE state = 'on_shelf')"
MOVED = "(SELECT max(card_id) FROM card WHERE state = 'on_shelf' AND original_id IS NULL)"
HELD = "(SELECT min(transfer_id) FROM transfer WHERE kind = 'hold')"
VOID = "(SELECT min(transfer_id) FROM transfer WHERE kind = 'void')"
SALE = "(SELECT min(transfer_id) FROM transfer WHERE code = 'sale')"
REVEAL = "INSERT INTO audit_line (lane, audit_id, at, org_id, actor_id, act, subject_id)"
OF_A_FILE = "WHERE batch_id IN (SELECT batch_id FROM card_run)"
POOR = "(SELECT min(account_id) FROM account WHERE code = 'wallet' AND posted_e4 = 0)"

BREAKING: list[tuple[str, str]] = [
    ("adjustments_are_booked_once", "UPDATE adjustment SET amount_e4 = amount_e4 + 1 WHERE state = 'executed'"),
    ("adjustments_are_booked_once", "UPDATE adjustment SET request_key = 'z' WHERE state = 'executed'"),
    ("adjustments_are_booked_once", "DELETE FROM adjustment WHERE state = 'executed'"),
    (
        "adjustments_are_booked_once",
        "UPDATE adjustment SET state = 'refused', transfer_id = NULL WHERE state = 'executed'",
    ),
    ("withdrawals_follow_their_holds", "UPDATE withdrawal SET state = 'cancelled' WHERE state = 'requested'"),
    (
        "withdrawals_follow_their_holds",
        "UPDATE withdrawal SET state = 'failed', external_ref = NULL WHERE external_ref = 'CMB-1'",
    ),
    ("withdrawals_follow_their_holds", "UPDATE withdrawal SET amount_e4 = amount_e4 + 1 WHERE state = 'requested'"),
    (
        "withdrawals_follow_their_holds secrets_are_sealed",
        "UPDATE withdrawal SET org_id = org_id + 1, payee = set_byte(payee, 0, 9) WHERE external_ref = 'CMB-1'",
    ),
    ("payouts_are_booked", "UPDATE payout SET state = 'sent', ended_at = NULL WHERE state = 'done'"),
    ("payouts_are_booked", "UPDATE payout SET amount_e4 = amount_e4 + 100 WHERE state = 'failed'"),
    ("payouts_are_booked", "UPDATE payout SET batch_id = 4711"),
    ("payouts_are_booked", "UPDATE transfer SET subject_id = 4711 WHERE code = 'refund_withdrawal'"),
    ("payouts_are_booked", "UPDATE payout SET method = 'alipay', channel_id = 1, batch_id = NULL, state = 'unknown',"
                           " ended_at = NULL WHERE state = 'done';"
                           "UPDATE withdrawal SET state = 'paying', external_ref = NULL WHERE external_ref = 'CMB-2'"),
    ("closed_months_stand", "UPDATE month_sum SET debit_e4 = debit_e4 + 1, closing_e4 = closing_e4 - 1"),
    ("closed_months_stand", "UPDATE month_sum SET opening_e4 = opening_e4 + 1, closing_e4 = closing_e4 + 1"),
    ("closed_months_stand", "DELETE FROM month_sum WHERE account_id = 4"),
    ("closed_months_stand", "UPDATE transfer SET amount_e4 = amount_e4 + 1 WHERE code = 'correction';"
                            f"UPDATE account SET posted_e4 = posted_e4 + CASE account_id WHEN 4 THEN 1 ELSE -1 END"
                            f" WHERE lane = 0 AND account_id IN (4, {CLEARING})"),
    ("orders_have_their_cards", f"UPDATE card SET state = 'quarantined' WHERE card_id = {SOLD}"),
    ("orders_have_their_cards", f"UPDATE card SET sku_id = sku_id + 1 WHERE card_id = {SOLD}"),
    (
        "orders_have_their_cards cards_have_their_order",
        f"UPDATE orders SET card_ids = card_ids[1:1] WHERE order_id = {CARD_ORDER}",
    ),
    (
        "cards_have_their_order",
        f"UPDATE allotment SET on_hand = on_hand - 1 WHERE (lane, sku_id) IN"
        f" (SELECT lane, sku_id FROM card WHERE card_id = {LYING});"
        f"UPDATE card SET state = 'sold', order_id = 4711 WHERE card_id = {LYING}",
    ),
    (
        "orders_stand_once",
        "INSERT INTO archived_orders SELECT * FROM ONLY orders WHERE state = 'delivered' AND card_ids = '{}' LIMIT 1",
    ),
    ("cards_delivered_once", f"UPDATE orders SET card_ids = ARRAY[{SOLD}] WHERE order_id = {PHONE_ORDER}"),
    (
        "cards_exist_once",
        f"INSERT INTO card (lane, card_id, sku_id, batch_id, sealed, state)"
        f" SELECT 1 - lane, card_id, sku_id, batch_id, sealed, 'void' FROM card WHERE card_id = {SOLD}",
    ),
    ("cards_exist_once", "INSERT INTO card_fingerprint VALUES (decode('00', 'hex'), 4711)"),
    ("cards_exist_once samples_open", f"DELETE FROM card_fingerprint WHERE card_id = {SOLD}"),
    ("uses_are_counted", "UPDATE reusable_card SET issued = issued - 1"),
    (
        "uses_are_counted",
        "ALTER TABLE reusable_card DROP CONSTRAINT reusable_card_not_exceeded; UPDATE reusable_card SET uses = 2",
    ),
    ("uses_are_counted samples_open", "UPDATE card SET original_id = 4711 WHERE original_id IS NOT NULL"),
    ("cards_exist_once uses_are_counted", "DELETE FROM reusable_card"),
    ("secrets_are_sealed", "UPDATE reusable_card SET sealed = set_byte(sealed, 0, 0)"),
    ("displayed_cards_were_chosen", "UPDATE orders SET trace = replace(trace, 'pick:', 'level:')"),
    ("displayed_cards_were_chosen", f"UPDATE card SET label = 'other' WHERE card_id = {SOLD}"),
    ("samples_open", "UPDATE card SET label = 'secret-chosen-0001' WHERE label IS NOT NULL"),
    ("shelves_are_counted", "UPDATE allotment SET on_hand = on_hand + 1 WHERE lane = 0"),
    ("sandboxes_take_no_cards", f"UPDATE orders SET card_ids = '{{4711}}' WHERE order_id = {SANDBOX_ORDER}"),
    (
        "ledger_sums_to_zero balances_follow_transfers",
        f"UPDATE account SET posted_e4 = posted_e4 + 1 WHERE lane = 0 AND account_id = {CLEARING}",
    ),
    (
        "balances_follow_transfers",
        f"UPDATE account SET posted_e4 = posted_e4 + CASE account_id WHEN 1 THEN 1 ELSE -1 END"
        f" WHERE lane = 0 AND account_id IN (1, {CLEARING})",
    ),
    ("holds_are_open", "UPDATE account SET held_e4 = held_e4 + 1 WHERE posted_e4 > 0 AND code = 'wallet'"),
    ("holds_are_open", "UPDATE account SET held_e4 = 0 WHERE held_e4 > 0"),
    ("holds_resolve_once", f"UPDATE transfer SET amount_e4 = 10 ^ 12 WHERE transfer_id = {VOID}"),
    ("holds_resolve_once", f"UPDATE transfer SET pending_id = {SALE} WHERE transfer_id = {VOID};"
                           f"UPDATE account SET held_e4 = held_e4 + 500 WHERE held_e4 > 0"),
    (
        "holds_resolve_once",
        f"DROP INDEX transfer_resolution; INSERT INTO transfer SELECT lane, transfer_id - 1, debit_account,"
        f" credit_account, amount_e4, kind, code, pending_id, subject_id, debit_after_e4, credit_after_e4, at"
        f" FROM transfer WHERE transfer_id = {VOID}",
    ),
    (
        "no_wallet_below_its_line",
        f"ALTER TABLE account DROP CONSTRAINT account_not_overdrawn;"
        f"INSERT INTO transfer SELECT a.lane, a.lane << 12 | 7, a.account_id, {CLEARING}, 5, 'posted', 'fee', NULL, 0,"
        f" -5, 0, now() FROM account a WHERE a.account_id = {POOR};"
        f"UPDATE account SET posted_e4 = posted_e4 + 5 WHERE account_id = {CLEARING}"
        f" AND lane = (SELECT lane FROM account WHERE account_id = {POOR});"
        f"UPDATE account SET posted_e4 = -5 WHERE account_id = {POOR}",
    ),
    ("transfers_join_accounts", "INSERT INTO transfer_key VALUES (0, 'lost', 4711)"),
    (
        "transfers_join_accounts ledger_sums_to_zero",
        "INSERT INTO transfer VALUES (0, 7, 4, 999, 5, 'posted', 'fee', NULL, 0, -5, 5, now());"
        "UPDATE account SET posted_e4 = posted_e4 - 5 WHERE lane = 0 AND account_id = 4",
    ),
    (
        "statements_add_up",
        f"UPDATE transfer SET debit_after_e4 = debit_after_e4 + 1 WHERE transfer_id = {SALE}",
    ),
    (
        "statements_add_up",
        "UPDATE transfer SET credit_after_e4 = credit_after_e4 + 1 WHERE transfer_id ="
        " (SELECT max(transfer_id) FROM transfer WHERE code = 'recharge')",
    ),
    ("orders_have_one_sale", f"UPDATE transfer SET code = 'sold' WHERE transfer_id = {SALE}"),
    ("orders_have_one_sale sales_have_their_order",
     f"UPDATE transfer SET subject_id = 4711 WHERE transfer_id = {SALE}"),
    (
        "sales_have_their_order",
        "UPDATE transfer SET code = 'sale' WHERE transfer_id ="
        " (SELECT min(transfer_id) FROM transfer WHERE code = 'recharge')",
    ),
    ("escrow_holds_the_undelivered", f"UPDATE orders SET state = 'delivered' WHERE order_id = {PHONE_ORDER}"),
    (
        "splits_make_the_total",
        f"UPDATE orders SET split = jsonb_set(split, '{{house_e4}}', '1') WHERE order_id = {SPLIT_ORDER}",
    ),
    (
        "splits_make_the_total margins_follow_their_split",
        f"UPDATE orders SET split = jsonb_set(split, '{{margins,0,1}}', '9999') WHERE order_id = {SPLIT_ORDER}",
    ),
    ("margins_follow_their_split", f"UPDATE orders SET split = NULL WHERE order_id = {SPLIT_ORDER}"),
    ("margins_follow_their_split", f"UPDATE transfer SET code = 'margin_back' WHERE transfer_id = {BOOKED}"),
    (
        "margins_follow_their_split sub_accounts_are_only_swept",
        f"UPDATE transfer SET code = 'fee' WHERE transfer_id = {BOOKED}",
    ),
    (
        "lanes_owe_each_other_the_same",
        "INSERT INTO sweep SELECT 0, 7, 1, min(account_id), 'CNY', 5, min(org_id), now() FROM account",
    ),
    ("lanes_owe_each_other_the_same", "UPDATE account SET peer_lane = 7 WHERE code = 'due_to'"),
    ("agents_have_no_cycle", "UPDATE organisation SET parent_id = 4711 WHERE kind = 'agent' AND parent_id IS NULL"),
    (
        "agents_have_no_cycle",
        "UPDATE organisation a SET parent_id = b.org_id FROM organisation b WHERE b.parent_id = a.org_id"
        " AND a.kind = 'agent' AND b.kind = 'agent' AND b.sandbox_of IS NULL",
    ),
    ("orders_have_one_reference", f"DELETE FROM order_ref WHERE order_id = {PHONE_ORDER}"),
    ("orders_have_one_reference", f"UPDATE orders SET client_ref = 'another' WHERE order_id = {CARD_ORDER}"),
    (
        "orders_have_one_reference",
        f"INSERT INTO order_ref SELECT lane, decode('00', 'hex'), digest, order_id FROM order_ref"
        f" WHERE order_id = {PHONE_ORDER}",
    ),
    (
        "orders_have_one_reference",
        f"UPDATE order_ref SET ref_key = int8send(4711) || substr(ref_key, 9) WHERE order_id = {PHONE_ORDER}",
    ),
    (
        "orders_belong_to_their_caller",
        f"UPDATE orders o SET key_id = k.key_id FROM api_key k"
        f" WHERE o.order_id = {CARD_ORDER} AND k.lane = o.lane AND k.org_id <> o.org_id",
    ),
    ("prices_follow_their_trace", f"UPDATE orders SET trace = 'list=1' WHERE order_id = {CARD_ORDER}"),
    ("prices_follow_their_trace", f"UPDATE orders SET sku_revision = 99 WHERE order_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"DELETE FROM event WHERE subject_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE event SET sequence = 2 WHERE subject_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE orders SET sequence = 2 WHERE order_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE event SET org_id = 4711 WHERE subject_id = {CARD_ORDER}"),
    (
        "events_have_no_gap",
        "INSERT INTO event VALUES (0, 4711, 1, 7, 4711, 'order.delivered', 0, now())",
    ),
    ("no_order_rests", f"DELETE FROM job WHERE subject_id = {PHONE_ORDER}"),
    ("no_order_rests", f"UPDATE job SET kind = 'drill.count' WHERE subject_id = {PHONE_ORDER}"),
    ("no_order_rests", f"UPDATE job SET due_at = now() + interval '2 days' WHERE subject_id = {PHONE_ORDER}"),
    ("no_order_rests", f"UPDATE orders SET state = 'held' WHERE order_id = {PHONE_ORDER}"),
    ("no_order_rests", f"UPDATE orders SET state = 'review' WHERE order_id = {PHONE_ORDER}"),
    (
        "no_order_rests",
        f"UPDATE orders SET state = 'review' WHERE order_id = {PHONE_ORDER};"
        f"UPDATE job SET kind = 'notices.tell', state = 'unknown' WHERE subject_id = {PHONE_ORDER}",
    ),
    ("terms_have_their_job no_order_rests", "DELETE FROM job WHERE kind = 'orders.expire'"),
    ("terms_have_their_job", "DELETE FROM job WHERE kind = 'orders.settle'"),
    ("terms_have_their_job", "UPDATE job SET due_at = due_at + interval '1 s' WHERE kind = 'orders.settle'"),
    ("terms_have_their_job", "UPDATE order_payment SET is_open = true"),
    ("reserved_cards_are_awaited", "UPDATE card SET state = 'void' WHERE state = 'reserved'"),
    ("reserved_cards_are_awaited", "UPDATE card SET order_id = 4711 WHERE state = 'reserved'"),
    ("refunds_went_back", "UPDATE orders SET refunded_e4 = refunded_e4 + 1"
                          " WHERE refunded_e4 BETWEEN 1 AND total_e4 - 1"),
    ("refunds_went_back commands_took_effect parts_follow_their_order answers_are_delivered",
     "UPDATE orders SET refunded_e4 = 0"),
    ("refunds_went_back returns_are_booked_once", "UPDATE transfer SET code = 'gift' WHERE code = 'refund'"),
    ("refunds_went_back returns_are_booked_once", "UPDATE transfer SET subject_id = 4711 WHERE code = 'refund'"),
    ("bundles_have_their_parts", f"UPDATE order_part SET worth_e4 = worth_e4 - 1"
                                 f" WHERE part_no = 1 AND order_id = {BUNDLE_ORDER}"),
    ("bundles_have_their_parts", "DELETE FROM order_part WHERE state = 'refunded'"),
    ("bundles_have_their_parts", "UPDATE order_part SET sku_revision = 9 WHERE state = 'waiting'"),
    ("bundles_have_their_parts", "UPDATE order_part SET quantity = 9 WHERE state = 'waiting'"),
    ("bundles_have_their_parts parts_have_their_cards parts_follow_their_order",
     "UPDATE order_part SET order_id = 4711 WHERE state = 'waiting'"),
    ("parts_follow_their_order", "UPDATE order_part SET state = 'delivered' WHERE state = 'waiting'"),
    ("parts_follow_their_order", "UPDATE order_part SET state = 'failed' WHERE state = 'refunded'"),
    ("parts_follow_their_order bundles_have_their_parts",
     "UPDATE order_part SET worth_e4 = worth_e4 + 1 WHERE state = 'refunded'"),
    ("parts_are_waited_for no_order_rests", "DELETE FROM job WHERE payload ? 'part_no'"),
    ("parts_are_waited_for", "UPDATE job SET payload = '{\"part_no\": 1}' WHERE payload ? 'part_no'"),
    ("parts_have_their_cards", f"UPDATE order_part SET card_ids = card_ids[1:1] WHERE order_id = {BUNDLE_ORDER}"),
    ("parts_have_their_cards", "UPDATE card c SET sku_id = c.sku_id + 1 FROM order_part p"
                               " WHERE c.order_id = p.order_id AND c.card_id = ANY (p.card_ids)"),
    ("commands_took_effect", "UPDATE order_command SET sequence = 9 WHERE command = 'refund'"),
    ("commands_took_effect", "INSERT INTO payment_reference VALUES ('alipay:9', 4711)"),
    ("commands_took_effect", "UPDATE payment_reference SET order_id = 4711"),
    (
        "reveals_are_by_their_own",
        f"{REVEAL} SELECT lane, lane << 12 | 7, now(), 4711, key_id, 'order.reveal', order_id"
        f" FROM orders WHERE order_id = {CARD_ORDER}",
    ),
    (
        "reveals_are_by_their_own",  # a key of another organisation
        f"{REVEAL} SELECT o.lane, o.lane << 12 | 7, now(), o.org_id, k.key_id, 'order.reveal', o.order_id"
        f" FROM orders o JOIN api_key k ON k.lane = o.lane AND k.org_id <> o.org_id WHERE order_id = {CARD_ORDER}"
        " LIMIT 1",
    ),
    (
        "reveals_are_by_their_own",  # nobody
        f"{REVEAL} SELECT lane, lane << 12 | 7, now(), org_id, 0, 'order.reveal', order_id"
        f" FROM orders WHERE order_id = {CARD_ORDER}",
    ),
    ("reveals_are_by_their_own", f"{REVEAL} VALUES (0, 7, now(), 4711, 1, 'order.reveal', 4711)"),
    (
        "subjects_belong_to_their_organisation",
        "UPDATE audit_line SET org_id = 4711 WHERE audit_id ="
        " (SELECT min(audit_id) FROM audit_line WHERE act = 'api_key.issue')",
    ),
    (
        "subjects_belong_to_their_organisation",
        f"INSERT INTO event SELECT lane, org_id, 1, lane << 12 | 7, 4711, 'organisation.set', 0, now()"
        f" FROM organisation WHERE org_id = {POOR}",
    ),
    (
        "subjects_belong_to_their_organisation",  # a recharge of one that another got
        "UPDATE transfer t SET subject_id = (SELECT max(org_id) FROM organisation WHERE lane = 0 AND"
        " org_id <> t.credit_account) WHERE transfer_id ="
        " (SELECT min(transfer_id) FROM transfer WHERE code = 'recharge' AND lane = 0)",
    ),
    (
        "subjects_belong_to_their_organisation",  # taken from one for another's order
        f"UPDATE transfer SET subject_id = (SELECT max(order_id) FROM orders WHERE lane = 0 AND org_id <>"
        f" (SELECT debit_account FROM transfer WHERE transfer_id = {HELD})) WHERE transfer_id = {HELD}",
    ),
    (
        "subjects_belong_to_their_organisation",
        "INSERT INTO job VALUES (0, 7, 'fulfilment.topup', 4711, NULL, 'waiting', now())",
    ),
    ("organisations_have_one_wallet", f"UPDATE account SET code = 'purse' WHERE account_id = {POOR}"),
    ("ids_bear_their_lane", "UPDATE lane SET last_tick = 1 WHERE lane = 0"),
    ("ids_bear_their_lane", "UPDATE job SET job_id = job_id # 4096"),
    (
        "nonces_lie_in_drawers",
        "CREATE TABLE nonce_9 PARTITION OF nonce FOR VALUES IN (9);"
        "INSERT INTO nonce VALUES (0, 9, decode('00112233445566778899aabbccddeeff', 'hex'))",
    ),
    ("secrets_are_sealed samples_open", f"UPDATE card SET sealed = set_byte(sealed, 0, 0) WHERE card_id = {LYING}"),
    ("secrets_are_sealed samples_open", f"UPDATE card SET sealed = set_byte(sealed, 2, 9) WHERE card_id = {LYING}"),
    ("secrets_are_sealed samples_open", "UPDATE api_key SET sealed_secret = 'ks_clear' WHERE lane = 0"),
    ("secrets_are_sealed samples_open",
     f"UPDATE orders SET account = '{{\"phone\":\"13812345678\"}}' WHERE order_id = {PHONE_ORDER}"),
    ("secrets_are_sealed", "UPDATE notice_subscription SET address = set_byte(address, 0, 9)"),
    ("secrets_are_sealed", "UPDATE webhook_secret SET sealed = set_byte(sealed, 0, 9)"),
    ("secrets_are_sealed samples_open", "UPDATE manual_answer SET sealed = set_byte(sealed, 2, 9)"),
    ("secrets_are_sealed samples_open",
     "UPDATE manual_answer SET image = set_byte(image, 0, 9) WHERE image IS NOT NULL"),
    (
        "samples_open",  # one order's answer, laid into another's row
        "UPDATE manual_answer SET sealed = (SELECT sealed FROM manual_answer ORDER BY order_id LIMIT 1)"
        " WHERE order_id = (SELECT max(order_id) FROM manual_answer)",
    ),
    ("manual_orders_have_their_task no_order_rests", "DELETE FROM manual_task WHERE state = 'open'"),
    ("manual_orders_have_their_task", "UPDATE manual_task SET worker_org_id = 7 WHERE state = 'open'"),
    ("manual_orders_have_their_task", "UPDATE manual_task SET quantity = 2 WHERE state = 'open'"),
    ("answers_are_delivered", "UPDATE manual_task SET state = 'refused' WHERE state = 'answered'"),
    ("answers_are_delivered", "DELETE FROM manual_task WHERE state = 'answered'"),
    ("answers_are_delivered samples_open",
     "INSERT INTO manual_answer SELECT t.lane, t.order_id, 0, a.sealed, NULL, '', 0, now()"
     " FROM manual_task t CROSS JOIN (SELECT sealed FROM manual_answer LIMIT 1) AS a WHERE t.state = 'refused'"),
    ("secrets_are_sealed", "UPDATE order_payment SET contact = '13812345678', password_hash = 'x'"),
    ("samples_open",
     f"UPDATE card SET sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30)) WHERE card_id = {LYING}"),
    (
        "samples_open",  # a sealed card laid into another's row
        f"UPDATE card SET sealed = (SELECT sealed FROM card WHERE card_id = {MOVED}) WHERE card_id = {LYING}",
    ),
    (
        "samples_open",
        f"UPDATE card_fingerprint f SET card_id = {LYING} + {MOVED} - card_id WHERE card_id IN ({LYING}, {MOVED})",
    ),
    (
        "samples_open",  # listed as holding a password, and it holds none
        f"INSERT INTO order_password SELECT lane, order_id FROM orders WHERE order_id = {PHONE_ORDER}",
    ),
    ("samples_open", f"DELETE FROM order_mark WHERE order_id = {PHONE_ORDER}"),
    (
        "passwords_are_wiped marks_find_accounts",
        f"INSERT INTO order_password SELECT lane, order_id FROM orders WHERE order_id = {CARD_ORDER};"
        f"UPDATE event SET at = now() - interval '61 minutes' WHERE subject_id = {CARD_ORDER}",
    ),
    ("marks_find_accounts", "INSERT INTO order_mark (lane, mark, order_id) VALUES (0, decode('00', 'hex'), 4711)"),
    ("marks_find_accounts", f"UPDATE orders SET account = NULL WHERE order_id = {PHONE_ORDER}"),
    ("nothing_changes_what_was_written", "ALTER TABLE transfer DISABLE TRIGGER transfer_stands"),
    ("nothing_changes_what_was_written", "DROP TRIGGER audit_line_stands ON audit_line"),
    ("nothing_changes_what_was_written", "ALTER TABLE order_command DISABLE TRIGGER order_command_stands"),
    (
        "webhooks_pass_nothing_by",  # what is owed, and lies behind the cursor
        "UPDATE audit_line SET audit_id = audit_id - (61000::bigint << 22) WHERE act = 'webhook.create';"
        "UPDATE webhook_endpoint e SET cursor_id = (SELECT max(event_id) FROM event v WHERE v.lane = e.lane AND v.due)"
        " WHERE state = 'active'",
    ),
    (
        "webhooks_pass_nothing_by",  # late, and nothing that happened
        "INSERT INTO webhook_late SELECT lane, endpoint_id, 4711, 1, 1, now() FROM webhook_endpoint"
        " WHERE state = 'active'",
    ),
    ("webhooks_pass_nothing_by", "UPDATE webhook_endpoint SET cursor_id = 1::bigint << 62 WHERE state = 'disabled'"),
    ("webhooks_say_why_they_rest", "UPDATE webhook_endpoint SET state = 'disabled' WHERE state = 'active'"),
    ("webhooks_say_why_they_rest", "UPDATE webhook_endpoint SET reason = 'gone' WHERE state = 'disabled'"),
    ("webhooks_say_why_they_rest", "UPDATE organisation SET wants_events = false WHERE wants_events"),
    ("returns_are_booked_once", "UPDATE payment_return SET amount_e4 = amount_e4 + 1"),
    ("returns_are_booked_once", "UPDATE payment_return SET order_id = 4711"),
    ("returns_are_booked_once", "DELETE FROM payment_return"),
    ("card_files_count_exactly", "UPDATE card_run SET loaded = loaded - 1 WHERE state = 'done'"),
    ("card_files_count_exactly", "UPDATE card_run SET gone = gone - 1, loaded = loaded - 1 WHERE state = 'done'"),
    ("card_files_count_exactly", f"UPDATE card_batch SET loaded = loaded + 1 {OF_A_FILE}"),
    ("secrets_are_sealed", "UPDATE blob_piece SET sealed = set_byte(sealed, 0, 9)"),
    ("kept_files_have_an_owner", "DELETE FROM org_document"),
    ("kept_files_have_an_owner", "UPDATE org_document SET state = 'withdrawn'"),
    ("kept_files_have_an_owner", "UPDATE blob_piece SET blob_id = (SELECT run_id FROM card_run WHERE state = 'done')"),
    *BILLS,
    *PAYMENTS,
    ("database_is_durable", "ALTER DATABASE {database} SET synchronous_commit = off"),
]  # fmt: skip

EVENT_OF = "UPDATE event SET data = jsonb_build_object('said', 'it is {}!') WHERE subject_id = "
ANY_JOB = "(SELECT max(job_id) FROM job)"

TELLING: list[tuple[str, str, str]] = [
    ("secret", "event", f"{EVENT_OF}{CARD_ORDER}"),
    ("number", "event", f"{EVENT_OF}{CARD_ORDER}"),
    ("secret", "event", f"{EVENT_OF}{PHONE_ORDER}"),  # of another order
    ("phone", "event", f"{EVENT_OF}{PHONE_ORDER}"),
    ("api_secret", "event", f"{EVENT_OF}{PHONE_ORDER}"),
    ("phone", "order", f"UPDATE orders SET trace = '+86{{}} ' || trace WHERE order_id = {CARD_ORDER}"),
    ("phone", "job", f'UPDATE job SET payload = \'{{{{"phone": "{{}}"}}}}\' WHERE job_id = {ANY_JOB}'),
    ("phone", "job", f"UPDATE job SET error = 'upstream said {{}} is away' WHERE job_id = {ANY_JOB}"),
    ("api_secret", "audit line", "UPDATE audit_line SET data = '{{\"to\": \"{}\"}}' WHERE act = 'api_key.issue'"),
    ("secret", "load", "UPDATE card_batch SET file_name = '{}.txt'"),
    ("secret", "timetable", "INSERT INTO timetable (name, next_at, last_error) VALUES ('x', now(), 'bad: {}')"),
    ("phone", "listing", "INSERT INTO risk_listing VALUES ('ip', '10.0.0.1', 'refuse', 'he of {}', NULL, 1)"),
]
"""What is written in clear, where, and how; ``{}`` is the value."""

MOVING: list[tuple[str, str]] = [
    ("held", "kind = 'orders.decide'"),
    ("review", "kind = 'orders.verify'"),
    ("review", "state = 'unknown'"),
    ("review", "state = 'dead'"),
    ("review", "state = 'sending', lease_token = 1, lease_until = now()"),
    ("review", "kind = 'fulfilment.ask'"),
    ("fulfilling", "state = 'dead'"),
    ("cancelling", "kind = 'fulfilment.topup_withdraw', due_at = now() + interval '1 hour'"),
    ("failed", "kind = 'orders.refund'"),
]
"""A state, and what becomes of the order's job, so that the order does not rest."""

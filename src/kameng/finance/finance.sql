-- name: wants_events
-- Whether events are owed to the organisation.
SELECT wants_events FROM organisation WHERE lane = $1::smallint AND org_id = $2;

-- name: insert_adjustment
-- An adjustment as it was asked for; up to the limit it is executed already.
INSERT INTO adjustment (lane, adjustment_id, org_id, amount_e4, reason, note, evidence, request_key, needs_second, state,
                        requested_by, requested_at, decided_by, decided_at, decision_note, transfer_id)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: decide_adjustment
-- What a second person made of it; the table refuses to decide twice.
UPDATE adjustment SET state = $3, decided_by = $4, decided_at = $5, decision_note = $6, transfer_id = $7
WHERE lane = $1::smallint AND adjustment_id = $2;

-- name: find_adjustment
-- The adjustment that a request's key stands for.
SELECT adjustment_id, org_id, amount_e4, reason, note, evidence, request_key, needs_second, state, requested_by,
       requested_at, decided_by, decided_at, decision_note, transfer_id
FROM adjustment WHERE lane = $1::smallint AND request_key = $2;

-- name: read_adjustment
-- One adjustment.
SELECT adjustment_id, org_id, amount_e4, reason, note, evidence, request_key, needs_second, state, requested_by,
       requested_at, decided_by, decided_at, decision_note, transfer_id
FROM adjustment WHERE lane = $1::smallint AND adjustment_id = $2;

-- name: pending_adjustments
-- What waits for a second person in a lane, oldest first.
SELECT adjustment_id, org_id, amount_e4, reason, note, evidence, request_key, needs_second, state, requested_by,
       requested_at, decided_by, decided_at, decision_note, transfer_id
FROM adjustment WHERE lane = $1::smallint AND state = 'pending' ORDER BY adjustment_id LIMIT $2::int;

-- name: insert_withdrawal
-- A withdrawal as it was asked for; its money is held.
INSERT INTO withdrawal (lane, withdrawal_id, org_id, client_ref, digest, amount_e4, fee_e4, currency, payee, payee_shown,
                        needs_second, state, requested_at, hold_id, fee_hold_id, method)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: set_withdrawal
-- Where a step led; the table refuses to change one that is over.
UPDATE withdrawal SET state = $3, sequence = $4::int, checked_by = $5, approved_by = $6, closed_by = $7, closed_at = $8,
                      note = $9, external_ref = $10
WHERE lane = $1::smallint AND withdrawal_id = $2;

-- name: find_withdrawal
-- The withdrawal that an organisation's reference stands for, with the digest of its content.
SELECT withdrawal_id, org_id, client_ref, amount_e4, fee_e4, currency, payee_shown, needs_second, state, sequence,
       requested_at, checked_by, approved_by, closed_by, closed_at, note, external_ref, hold_id, fee_hold_id, method, digest
FROM withdrawal WHERE lane = $1::smallint AND org_id = $2 AND client_ref = $3;

-- name: read_withdrawal
-- One withdrawal, without its payee.
SELECT withdrawal_id, org_id, client_ref, amount_e4, fee_e4, currency, payee_shown, needs_second, state, sequence,
       requested_at, checked_by, approved_by, closed_by, closed_at, note, external_ref, hold_id, fee_hold_id, method
FROM withdrawal WHERE lane = $1::smallint AND withdrawal_id = $2;

-- name: list_withdrawals
-- Withdrawals of a lane, or of one organisation in it, below the cursor, newest first.
SELECT withdrawal_id, org_id, client_ref, amount_e4, fee_e4, currency, payee_shown, needs_second, state, sequence,
       requested_at, checked_by, approved_by, closed_by, closed_at, note, external_ref, hold_id, fee_hold_id, method
FROM withdrawal
WHERE lane = $1::smallint AND ($2::bigint IS NULL OR org_id = $2) AND ($3::text IS NULL OR state = $3)
  AND withdrawal_id < $4
ORDER BY withdrawal_id DESC LIMIT $5::int;

-- name: is_external_ref_used
-- Whether a bank reference paid a withdrawal of this lane.
SELECT EXISTS (SELECT FROM withdrawal WHERE lane = $1::smallint AND external_ref = $2);

-- name: read_payee
-- Whose withdrawal it is, and whom to pay, sealed.
SELECT org_id, payee FROM withdrawal WHERE lane = $1::smallint AND withdrawal_id = $2;

-- name: payees_under_other_keys
-- Payees not sealed with the current key of the ring, for re-sealing, from a withdrawal's id on.
SELECT withdrawal_id, payee FROM withdrawal
WHERE lane = $1::smallint AND withdrawal_id > $2 AND get_byte(payee, 1) * 256 + get_byte(payee, 2) <> $3::int
ORDER BY withdrawal_id LIMIT $4::int;

-- name: reseal_payees
-- Puts re-sealed payees in place of what was read.
UPDATE withdrawal w SET payee = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (withdrawal_id, sealed, old)
WHERE w.lane = $1::smallint AND w.withdrawal_id = s.withdrawal_id AND w.payee = s.old;

-- name: set_low_balance
-- Below how much an organisation wants to be told; a new threshold has told nobody.
INSERT INTO balance_alert (lane, org_id, low_at_e4) VALUES ($1::smallint, $2, $3)
ON CONFLICT (lane, org_id) DO UPDATE SET low_at_e4 = excluded.low_at_e4, is_low = false
WHERE balance_alert.low_at_e4 <> excluded.low_at_e4;

-- name: remove_low_balance
-- The organisation does not want to be told any more.
DELETE FROM balance_alert WHERE lane = $1::smallint AND org_id = $2;

-- name: crossed_alerts
-- Wallets on the other side of their threshold than was told.
SELECT b.org_id, a.posted_e4 - a.held_e4 + a.credit_line_e4 < b.low_at_e4 AS is_low,
       a.posted_e4 - a.held_e4 + a.credit_line_e4 AS available_e4, b.low_at_e4, o.wants_events
FROM balance_alert b JOIN account a ON a.lane = b.lane AND a.account_id = b.org_id
JOIN organisation o ON o.lane = b.lane AND o.org_id = b.org_id
WHERE b.lane = $1::smallint AND (a.posted_e4 - a.held_e4 + a.credit_line_e4 < b.low_at_e4) <> b.is_low
ORDER BY b.org_id LIMIT $2::int;

-- name: mark_alerts
-- What was told of each wallet.
UPDATE balance_alert b SET is_low = m.is_low FROM unnest($2::bigint[], $3::bool[]) AS m (org_id, is_low)
WHERE b.lane = $1::smallint AND b.org_id = m.org_id;

-- name: moved_by_one
-- What each code moved on one wallet, by its two indexes.
SELECT code, count(*) AS transfers, coalesce(sum(amount_e4) FILTER (WHERE amount_e4 > 0), 0)::bigint AS in_e4,
       coalesce(-sum(amount_e4) FILTER (WHERE amount_e4 < 0), 0)::bigint AS out_e4
FROM (
  SELECT code, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND debit_account = $2 AND debit_account >= 1000 AND transfer_id >= $3 AND transfer_id < $4
    AND kind IN ('posted', 'post')
  UNION ALL
  SELECT code, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND credit_account = $2 AND credit_account >= 1000 AND transfer_id >= $3 AND transfer_id < $4
    AND kind IN ('posted', 'post')
) AS line GROUP BY code;

-- name: moved_by_all
-- What each code moved on all wallets of a currency in a lane, by the primary key.
SELECT line.code, count(*) AS transfers, coalesce(sum(amount_e4) FILTER (WHERE amount_e4 > 0), 0)::bigint AS in_e4,
       coalesce(-sum(amount_e4) FILTER (WHERE amount_e4 < 0), 0)::bigint AS out_e4
FROM (
  SELECT debit_account AS account_id, code, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
  UNION ALL
  SELECT credit_account, code, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
) AS line
JOIN account a ON a.lane = $1::smallint AND a.account_id = line.account_id AND a.code = 'wallet' AND a.currency = $2
GROUP BY line.code;

-- name: products_of_one
-- What each code moved on one wallet, by the SKU of the order it was for; 0: for none.
SELECT coalesce(o.sku_id, 0) AS sku_id, code, count(*) AS transfers,
       coalesce(sum(amount_e4) FILTER (WHERE amount_e4 > 0), 0)::bigint AS in_e4,
       coalesce(-sum(amount_e4) FILTER (WHERE amount_e4 < 0), 0)::bigint AS out_e4
FROM (
  SELECT subject_id, code, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND debit_account = $2 AND debit_account >= 1000 AND transfer_id >= $3 AND transfer_id < $4
    AND kind IN ('posted', 'post')
  UNION ALL
  SELECT subject_id, code, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND credit_account = $2 AND credit_account >= 1000 AND transfer_id >= $3 AND transfer_id < $4
    AND kind IN ('posted', 'post')
) AS line
LEFT JOIN orders o ON o.lane = $1::smallint AND o.order_id = line.subject_id
GROUP BY 1, 2;

-- name: products_of_all
-- What each code moved on all wallets of a currency in a lane, by the SKU of the order it was for; 0: for none.
SELECT coalesce(o.sku_id, 0) AS sku_id, line.code, count(*) AS transfers,
       coalesce(sum(amount_e4) FILTER (WHERE amount_e4 > 0), 0)::bigint AS in_e4,
       coalesce(-sum(amount_e4) FILTER (WHERE amount_e4 < 0), 0)::bigint AS out_e4
FROM (
  SELECT debit_account AS account_id, subject_id, code, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
  UNION ALL
  SELECT credit_account, subject_id, code, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
) AS line
JOIN account a ON a.lane = $1::smallint AND a.account_id = line.account_id AND a.code = 'wallet' AND a.currency = $2
LEFT JOIN orders o ON o.lane = $1::smallint AND o.order_id = line.subject_id
GROUP BY 1, 2;

-- name: moved_by_customer
-- What each code moved on each of these wallets.
SELECT org_id, code, count(*) AS transfers, coalesce(sum(amount_e4) FILTER (WHERE amount_e4 > 0), 0)::bigint AS in_e4,
       coalesce(-sum(amount_e4) FILTER (WHERE amount_e4 < 0), 0)::bigint AS out_e4
FROM (
  SELECT debit_account AS org_id, code, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND debit_account = ANY ($2::bigint[]) AND debit_account >= 1000
    AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
  UNION ALL
  SELECT credit_account, code, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND credit_account = ANY ($2::bigint[]) AND credit_account >= 1000
    AND transfer_id >= $3 AND transfer_id < $4 AND kind IN ('posted', 'post')
) AS line GROUP BY org_id, code;

-- name: wallets_before
-- Wallets of a currency in a lane, by organisation, from beyond $4, with what each held before the id $3.
SELECT a.org_id, g.name, coalesce((
  SELECT after_e4 FROM (
    (SELECT transfer_id, debit_after_e4 AS after_e4 FROM transfer
     WHERE lane = $1::smallint AND debit_account = a.account_id AND debit_account >= 1000 AND transfer_id < $3
     ORDER BY transfer_id DESC LIMIT 1)
    UNION ALL
    (SELECT transfer_id, credit_after_e4 FROM transfer
     WHERE lane = $1::smallint AND credit_account = a.account_id AND credit_account >= 1000 AND transfer_id < $3
     ORDER BY transfer_id DESC LIMIT 1)
  ) AS last ORDER BY transfer_id DESC LIMIT 1), 0) AS balance_e4
FROM account a JOIN organisation g ON g.lane = a.lane AND g.org_id = a.org_id
WHERE a.lane = $1::smallint AND a.account_id > $4 AND a.account_id >= 1000 AND a.code = 'wallet' AND a.currency = $2
ORDER BY a.account_id LIMIT $5::int;

-- name: sku_names
-- What these SKUs are called.
SELECT s.sku_id, concat_ws(' ', b.name, p.name, s.spec) AS name
FROM sku s JOIN product p USING (product_id) JOIN brand b USING (brand_id) WHERE s.sku_id = ANY ($1::bigint[]);

-- name: first_transfer
-- Where the books of a lane begin.
SELECT transfer_id FROM transfer WHERE lane = $1::smallint ORDER BY transfer_id LIMIT 1;

-- name: closed_months
-- The months that a lane closed, newest first.
SELECT month FROM month_close WHERE lane = $1::smallint ORDER BY month DESC;

-- name: month_sums
-- What each code moved on each account in a range of ids, house accounts too; the range is over.
SELECT account_id, code, sum(debit_e4)::bigint AS debit_e4, sum(credit_e4)::bigint AS credit_e4, count(*) AS transfers
FROM (
  SELECT debit_account AS account_id, code, amount_e4 AS debit_e4, 0 AS credit_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $2 AND transfer_id < $3 AND kind IN ('posted', 'post')
  UNION ALL
  SELECT credit_account, code, 0, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND transfer_id >= $2 AND transfer_id < $3 AND kind IN ('posted', 'post')
) AS side GROUP BY account_id, code ORDER BY account_id, code;

-- name: insert_sums
-- Sums of a month, opening with what the newest month before closed with.
INSERT INTO month_sum (lane, account_id, code, month, opening_e4, debit_e4, credit_e4, transfer_count, closing_e4)
SELECT $1::smallint, s.account_id, s.code, $2::date, coalesce(b.closing_e4, 0), s.debit_e4, s.credit_e4, s.transfers,
       coalesce(b.closing_e4, 0) + s.credit_e4 - s.debit_e4
FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
  AS s (account_id, code, debit_e4, credit_e4, transfers)
LEFT JOIN LATERAL (
  SELECT m.closing_e4 FROM month_sum m
  WHERE m.lane = $1::smallint AND m.account_id = s.account_id AND m.code = s.code AND m.month < $2::date
  ORDER BY m.month DESC LIMIT 1
) AS b ON true
ON CONFLICT DO NOTHING;

-- name: count_sums
-- How many sums a month has in a lane.
SELECT count(*) FROM month_sum WHERE lane = $1::smallint AND month = $2;

-- name: insert_close
-- The month is closed in a lane, once.
INSERT INTO month_close (lane, month, closed_at, closed_by) VALUES ($1::smallint, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING month;

-- name: window_of_payments
-- Where a look through a lane's payments stops: beyond so many of them ($4), from below $2 down to $3. The index alone.
SELECT payment_id FROM payment WHERE lane = $1::smallint AND payment_id < $2 AND payment_id >= $3
ORDER BY payment_id DESC OFFSET $4::int LIMIT 1;

-- name: oversee_payments
-- Payments of a lane from below $2 down to $3, newest first, with their payers; what is NULL is not asked for.
SELECT p.payment_id, p.payable_id, y.kind, p.org_id, coalesce(g.name, '') AS payer_name, p.channel_id, p.attempt, p.method,
       p.scene, p.amount_e4, p.currency, p.paid_e4, p.refunded_e4, p.state, p.taken_as, p.provider_no, p.begun_at, p.paid_at
FROM payment p JOIN payable y ON y.lane = $1::smallint AND y.payable_id = p.payable_id
LEFT JOIN organisation g ON g.lane = $1::smallint AND g.org_id = p.org_id
WHERE p.lane = $1::smallint AND p.payment_id < $2 AND p.payment_id >= $3
  AND ($5::text[] IS NULL OR p.state = ANY($5)) AND ($6::text[] IS NULL OR p.taken_as = ANY($6))
  AND ($7::int IS NULL OR p.channel_id = $7) AND ($8::text[] IS NULL OR p.method = ANY($8))
  AND ($9::bigint IS NULL OR p.org_id = $9)
  AND ($10::bigint IS NULL OR p.amount_e4 >= $10) AND ($11::bigint IS NULL OR p.amount_e4 <= $11)
ORDER BY p.payment_id DESC LIMIT $4::int;

-- name: oversee_these_payments
-- Some payments of a lane, with their payers: by their own number, by what they pay, by their provider's number.
SELECT p.payment_id, p.payable_id, y.kind, p.org_id, coalesce(g.name, '') AS payer_name, p.channel_id, p.attempt, p.method,
       p.scene, p.amount_e4, p.currency, p.paid_e4, p.refunded_e4, p.state, p.taken_as, p.provider_no, p.begun_at, p.paid_at
FROM payment p JOIN payable y ON y.lane = $1::smallint AND y.payable_id = p.payable_id
LEFT JOIN organisation g ON g.lane = $1::smallint AND g.org_id = p.org_id
WHERE p.lane = $1::smallint AND p.payment_id = ANY(ARRAY(
  SELECT a.payment_id FROM payment a WHERE a.lane = $1::smallint AND a.payment_id = ANY($2::bigint[])
  UNION SELECT b.payment_id FROM payment b WHERE b.lane = $1::smallint AND b.payable_id = ANY($2::bigint[])
  UNION SELECT c.payment_id FROM payment c WHERE c.lane = $1::smallint AND c.provider_no = $3 AND c.provider_no <> ''))
ORDER BY p.payment_id DESC LIMIT $4::int;

-- name: window_of_refunds
-- Where a look through a lane's refunds stops.
SELECT refund_id FROM payment_refund WHERE lane = $1::smallint AND refund_id < $2 AND refund_id >= $3
ORDER BY refund_id DESC OFFSET $4::int LIMIT 1;

-- name: oversee_refunds
-- Refunds of a lane from below $2 down to $3, newest first; what is NULL is not asked for.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund
WHERE lane = $1::smallint AND refund_id < $2 AND refund_id >= $3
  AND ($5::text[] IS NULL OR state = ANY($5)) AND ($6::int IS NULL OR channel_id = $6)
  AND ($7::text[] IS NULL OR cause = ANY($7))
ORDER BY refund_id DESC LIMIT $4::int;

-- name: oversee_open_refunds
-- The same of those that are not done, by the index of those; $8: only those that wait for a person.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund
WHERE lane = $1::smallint AND state <> 'done' AND refund_id < $2 AND refund_id >= $3
  AND ($5::text[] IS NULL OR state = ANY($5)) AND ($6::int IS NULL OR channel_id = $6)
  AND ($7::text[] IS NULL OR cause = ANY($7)) AND (NOT $8::boolean OR hand_no IS NULL)
ORDER BY refund_id DESC LIMIT $4::int;

-- name: open_channel
-- A channel account that nothing is asked of.
INSERT INTO payment_channel (protocol, name, currency, account_no, offers, fee_ppm, made_at, changed_at)
VALUES ('bench', 'bench', 'CNY', '', '[]', 6000, now(), now()) RETURNING channel_id;

-- name: make_payments
-- So many payments of a day in a lane, spread over it, booked a second after they were paid; ids as that moment's gate
-- would have dealt them.
WITH made AS (
  SELECT ((($3::bigint + n * 86399000 / $4::bigint - 1735689600000) << 22) | ($1::smallint::bigint << 12)) AS id,
         to_timestamp(($3::bigint + n * 86399000 / $4::bigint) / 1000.0) AS at, (100 + n % 49900) * 1000000 / 100 AS amount_e4
  FROM generate_series(0, $4::bigint - 1) AS n
)
INSERT INTO payment (lane, payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4,
                     state, taken_as, paid_e4, provider_no, begun_at, expires_at, paid_at, booked_at, transfer_id)
SELECT $1::smallint, id, id, $5, $2, 1, 'wechat', 'qr', amount_e4, 'CNY', (amount_e4 * 6 + 50000) / 100000 * 100, 'paid',
       'recharge', amount_e4, '4200' || id, at, at + interval '2 hours', at, at + interval '1 second', id | 1
FROM made;

-- name: make_payables
-- What they paid.
INSERT INTO payable (lane, payable_id, kind, org_id, amount_e4, currency, state, payment_id, expires_at, made_at, ended_at)
SELECT $1::smallint, payable_id, 'recharge', org_id, amount_e4, currency, 'paid', payment_id, expires_at, begun_at, booked_at
FROM payment WHERE lane = $1::smallint AND channel_id = $2 AND booked_at IS NOT NULL;

-- name: make_transfers
-- What booked them: in from the channel, the fee back, and on to a wallet.
WITH made AS (
  SELECT p.*, sum(p.amount_e4) OVER one::bigint AS paid_so_far, sum(p.fee_e4) OVER one::bigint AS fee_so_far FROM payment p
  WHERE p.lane = $1::smallint AND p.channel_id = $2 AND p.booked_at IS NOT NULL
  WINDOW one AS (ORDER BY p.payment_id)
)
INSERT INTO transfer (lane, transfer_id, debit_account, credit_account, amount_e4, kind, code, subject_id, debit_after_e4,
                      credit_after_e4, at)
SELECT $1::smallint, m.payment_id | t.n, t.debit_account, t.credit_account, t.amount_e4, 'posted', t.code, m.payment_id,
       t.debit_after_e4, t.credit_after_e4, m.booked_at
FROM made m, LATERAL (VALUES
  (1, $3::bigint, 3::bigint, m.amount_e4, 'channel_payment',
   m.fee_so_far - m.fee_e4 - m.paid_so_far, 0::bigint),
  (2, $4::bigint, $3::bigint, m.fee_e4, 'channel_fee', -m.fee_so_far, m.fee_so_far - m.paid_so_far),
  (3, 3, m.org_id, m.amount_e4, 'recharge', 0, m.paid_so_far)
) AS t (n, debit_account, credit_account, amount_e4, code, debit_after_e4, credit_after_e4);

-- name: move_balances
-- And what that came to.
UPDATE account a SET posted_e4 = a.posted_e4 + s.amount_e4 FROM (
  SELECT account_id, sum(amount_e4)::bigint AS amount_e4 FROM (
    SELECT debit_account AS account_id, -amount_e4 AS amount_e4 FROM transfer
    WHERE lane = $1::smallint AND at < now() - interval '1 day'
    UNION ALL
    SELECT credit_account, amount_e4 FROM transfer
    WHERE lane = $1::smallint AND at < now() - interval '1 day'
  ) AS each GROUP BY account_id
) AS s WHERE a.lane = $1::smallint AND a.account_id = s.account_id;

-- name: make_unpaid
-- Payments of a day that are not paid to our knowledge.
WITH made AS (
  SELECT ((($3::bigint + n * 1000 - 1735689600000) << 22) | ($1::smallint::bigint << 12) | 9) AS id,
         to_timestamp(($3::bigint + n * 1000) / 1000.0) AS at
  FROM generate_series(0, $4::bigint - 1) AS n
), thing AS (
  INSERT INTO payable (lane, payable_id, kind, org_id, amount_e4, currency, expires_at, made_at)
  SELECT $1::smallint, id, 'recharge', $5, 880000, 'CNY', at, at FROM made
)
INSERT INTO payment (lane, payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4,
                     state, begun_at, expires_at)
SELECT $1::smallint, id, id, $5, $2, 1, 'wechat', 'qr', 880000, 'CNY', 5300, 'unknown', at, at FROM made;

-- name: put_before
-- Some payments were paid a moment before their day.
UPDATE payment SET paid_at = to_timestamp($3::bigint / 1000.0) - interval '1 second'
WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]);

-- name: read_payments
-- What their provider's bill would say of them.
SELECT payment_no, provider_no, amount_e4, fee_e4, extract(epoch FROM begun_at)::float8 AS at, payment_id, booked_at IS NULL AS is_unpaid
FROM payment WHERE lane = $1::smallint AND channel_id = $2 ORDER BY payment_id;

-- name: found_cases
-- Every difference that was found.
SELECT kind, line_key, subject_id FROM bill_case WHERE lane = $1::smallint AND channel_id = $2;

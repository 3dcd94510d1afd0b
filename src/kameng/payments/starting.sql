-- name: open_payments
-- Attempts, before their providers are asked; what is to be paid from now on by the first of them; what each channel
-- began today.
WITH opened AS (
  INSERT INTO payable (lane, payable_id, kind, org_id, amount_e4, currency, wallet_e4, hold_id, bonus_e4, client_ref,
                       attempts, expires_at, fee_e4, made_at)
  SELECT $1::smallint, n.payable_id, n.kind, n.org_id, n.amount_e4, n.currency, n.wallet_e4, n.hold_id, n.bonus_e4,
         n.client_ref, n.attempts, n.expires_at, n.fee_e4, $2::timestamptz
  FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[],
              $11::bigint[], $12::text[], $13::int[], $14::timestamptz[], $15::bigint[])
    AS n (payable_id, kind, org_id, amount_e4, currency, wallet_e4, hold_id, bonus_e4, client_ref, attempts,
          expires_at, fee_e4)
), counted AS (
  INSERT INTO payment_day AS d (lane, channel_id, day, begun, begun_e4)
  SELECT $1::smallint, n.channel_id, $3::date, count(*)::int, sum(n.amount_e4)::bigint
  FROM unnest($19::int[], $23::bigint[]) AS n (channel_id, amount_e4) GROUP BY n.channel_id
  ON CONFLICT (lane, channel_id, day) DO UPDATE SET
    begun = d.begun + excluded.begun, begun_e4 = d.begun_e4 + excluded.begun_e4
)
INSERT INTO payment (lane, payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency,
                     fee_e4, decision, begun_at, expires_at)
SELECT $1::smallint, n.payment_id, n.payable_id, n.org_id, n.channel_id, n.attempt, n.method, n.scene, n.amount_e4,
       n.currency, n.fee_e4, n.decision, $2::timestamptz, n.expires_at
FROM unnest($16::bigint[], $17::bigint[], $18::bigint[], $19::int[], $20::int[], $21::text[], $22::text[],
            $23::bigint[], $24::text[], $25::bigint[], $26::jsonb[], $27::timestamptz[])
  AS n (payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4, decision,
        expires_at);

-- name: count_attempts
-- One more attempt to pay each of these, which were to be paid before.
UPDATE payable SET attempts = attempts + 1 WHERE lane = $1::smallint AND payable_id = ANY($2::bigint[]);

-- name: set_begun
-- What providers answered to attempts that nobody decided since.
UPDATE payment p SET state = n.state, shown = n.shown, code = n.code, closed_at = n.closed_at,
       provider_no = CASE WHEN n.provider_no = '' THEN p.provider_no ELSE n.provider_no END
FROM unnest($2::bigint[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::timestamptz[])
  AS n (payment_id, state, shown, code, provider_no, closed_at)
WHERE p.lane = $1::smallint AND p.payment_id = n.payment_id AND p.state = 'created'
RETURNING p.payment_id;

-- name: organisation
-- One organisation.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE lane = $1::smallint AND org_id = $2;

-- name: keys_of_organisation
-- The keys of one organisation, without their secrets.
SELECT k.key_id, k.name, k.scopes, k.rate_per_second, k.daily_limit_e4, k.state, k.expires_at,
       k.public_key IS NOT NULL AS is_strong, o.sandbox_of IS NOT NULL AS is_sandbox
FROM api_key k JOIN organisation o ON o.lane = k.lane AND o.org_id = k.org_id
WHERE k.lane = $1::smallint AND k.org_id = $2 ORDER BY k.key_id;

-- name: key
-- One key, without its secret, and whether it is a sandbox's.
SELECT k.key_id, k.name, k.scopes, k.rate_per_second, k.daily_limit_e4, k.state, k.expires_at,
       k.public_key IS NOT NULL AS is_strong, o.sandbox_of IS NOT NULL AS is_sandbox
FROM api_key k JOIN organisation o ON o.lane = k.lane AND o.org_id = k.org_id
WHERE k.lane = $1::smallint AND k.key_id = $2;

-- name: audit_lines_about
-- What was done to one subject, in some lanes, oldest first.
SELECT at, act, data FROM audit_line WHERE lane = ANY($1::smallint[]) AND subject_id = $2 ORDER BY at, audit_id;

-- name: has_wallet
-- Whether an organisation has its wallet here.
SELECT EXISTS (SELECT FROM account WHERE lane = $1::smallint AND account_id = $2 AND code = 'wallet');

-- name: sealed_cards
-- A few cards as they are sealed, whichever come first.
SELECT card_id, sealed FROM card WHERE sealed IS NOT NULL LIMIT $1;

-- name: warm_lane
-- Reads what the next orders of a lane's latest buyers will touch: the last page of each in every index that grows.
SELECT count(o.order_id) + count(r.order_id) + count(t.transfer_id) + count(a.account_id) AS touched
FROM (
  SELECT DISTINCT org_id
  FROM (SELECT org_id FROM orders WHERE lane = $1::smallint ORDER BY order_id DESC LIMIT $2::int) AS recent
) AS buyer
CROSS JOIN LATERAL (
  SELECT order_id FROM orders WHERE lane = $1::smallint AND org_id = buyer.org_id ORDER BY order_id DESC LIMIT 1
) AS o
LEFT JOIN LATERAL (
  SELECT order_id FROM order_ref
  WHERE lane = $1::smallint AND ref_key < int8send(buyer.org_id + 1) ORDER BY ref_key DESC LIMIT 1
) AS r ON true
LEFT JOIN LATERAL (
  SELECT transfer_id FROM transfer
  WHERE lane = $1::smallint AND debit_account = buyer.org_id AND debit_account >= 1000
  ORDER BY transfer_id DESC LIMIT 1
) AS t ON true
LEFT JOIN account a ON a.lane = $1::smallint AND a.account_id = buyer.org_id;

-- name: expiring_keys
-- Keys of a lane that work now and end before $3, with their organisations.
SELECT k.key_id, k.org_id, k.expires_at, o.sandbox_of IS NOT NULL AS is_sandbox
FROM api_key k JOIN organisation o ON o.lane = k.lane AND o.org_id = k.org_id
WHERE k.lane = $1::smallint AND k.state = 'active' AND k.expires_at > $2 AND k.expires_at < $3 ORDER BY k.key_id;

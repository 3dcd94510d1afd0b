-- name: organisation
-- One organisation.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
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

-- name: has_wallet
-- Whether an organisation has its wallet here.
SELECT EXISTS (SELECT FROM account WHERE lane = $1::smallint AND account_id = $2 AND code = 'wallet');

-- name: sealed_cards
-- A few cards as they are sealed, whichever come first.
SELECT card_id, sealed FROM card WHERE sealed IS NOT NULL LIMIT $1;

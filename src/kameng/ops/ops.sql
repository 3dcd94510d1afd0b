-- name: organisation
-- One organisation.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events
FROM organisation WHERE lane = $1::smallint AND org_id = $2;

-- name: keys_of_organisation
-- The keys of one organisation, without their secrets.
SELECT key_id, name, scopes, rate_per_second, daily_limit_e4, state, expires_at, public_key IS NOT NULL AS is_strong
FROM api_key WHERE lane = $1::smallint AND org_id = $2 ORDER BY key_id;

-- name: key_works
-- Whether a key is there and works.
SELECT EXISTS (SELECT FROM api_key WHERE lane = $1::smallint AND key_id = $2 AND state = 'active');

-- name: has_wallet
-- Whether an organisation has its wallet here.
SELECT EXISTS (SELECT FROM account WHERE lane = $1::smallint AND account_id = $2 AND code = 'wallet');


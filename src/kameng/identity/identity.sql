-- name: insert_organisation
-- Founds an organisation in its lane, for good.
INSERT INTO organisation (lane, org_id, name, kind, level, currency, sandbox_of, parent_id, changed, founded_at)
VALUES ($1::smallint, $2, $3, $4, $5::smallint, $6, $7, $8, $9, $10);

-- name: set_organisation
-- Changes what may change; stamped with the epoch so that every gateway sees it.
UPDATE organisation SET level = $3::smallint, state = $4, wants_events = $5, changed = $6
WHERE lane = $1::smallint AND org_id = $2;

-- name: move_organisation
-- Puts an organisation and its sandbox under another agent, or under the platform.
UPDATE organisation SET parent_id = $3, changed = $4
WHERE lane = $1::smallint AND (org_id = $2 OR sandbox_of = $2);

-- name: set_terms
-- What an organisation may spend, and who collects from its customers.
UPDATE organisation SET self_collected = $3, minimum_balance_e4 = $4, day_budget_e4 = $5, month_budget_e4 = $6,
       changed = $7
WHERE lane = $1::smallint AND org_id = $2;

-- name: all_agents
-- Every agent, in every lane: whoever may be above a buyer.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
FROM organisation WHERE kind = 'agent' AND sandbox_of IS NULL;

-- name: children
-- Who buys from an agent, in every lane; without sandboxes.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
FROM organisation WHERE parent_id = $1 AND sandbox_of IS NULL ORDER BY org_id;

-- name: read_organisations
-- Organisations of a lane by id.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
FROM organisation WHERE lane = $1::smallint AND org_id = ANY($2::bigint[]);

-- name: changed_organisations
-- Organisations that changed since an epoch, in every lane.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
FROM organisation WHERE changed > $1;

-- name: insert_api_key
-- A new key; its secret is sealed for this row.
INSERT INTO api_key (lane, key_id, org_id, name, scopes, sealed_secret, public_key, allowed_ips, rate_per_second,
                     daily_limit_e4, expires_at, changed, created_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: read_api_key
-- One key by id.
SELECT key_id, org_id, scopes, sealed_secret, public_key, allowed_ips, rate_per_second, daily_limit_e4, state,
       expires_at
FROM api_key WHERE lane = $1::smallint AND key_id = $2;

-- name: newest_api_keys
-- The newest keys that work, for a gateway that starts.
SELECT key_id, org_id, scopes, sealed_secret, public_key, allowed_ips, rate_per_second, daily_limit_e4, state,
       expires_at
FROM api_key WHERE state = 'active' ORDER BY changed DESC LIMIT $1;

-- name: all_organisations
-- Organisations by id, in every lane.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4
FROM organisation WHERE org_id = ANY($1::bigint[]);

-- name: changed_api_keys
-- Keys that changed since an epoch, in every lane.
SELECT key_id, org_id, scopes, sealed_secret, public_key, allowed_ips, rate_per_second, daily_limit_e4, state,
       expires_at
FROM api_key WHERE changed > $1;

-- name: expire_api_key
-- Rotation: the old key works on until then, or until its end if that comes sooner.
UPDATE api_key SET expires_at = least(expires_at, $3), changed = $4 WHERE lane = $1::smallint AND key_id = $2;

-- name: revoke_api_key
-- The key stops working everywhere within a second.
UPDATE api_key SET state = 'revoked', changed = $3 WHERE lane = $1::smallint AND key_id = $2 RETURNING org_id;

-- name: secrets_under_other_keys
-- Secrets not sealed with the current key of the ring, for re-sealing, from a key id on.
SELECT key_id, sealed_secret FROM api_key
WHERE lane = $1::smallint AND key_id > $2 AND sealed_secret IS NOT NULL
  AND get_byte(sealed_secret, 1) * 256 + get_byte(sealed_secret, 2) <> $3::int
ORDER BY key_id LIMIT $4::int;

-- name: reseal_secrets
-- Puts re-sealed secrets in place of what was read.
UPDATE api_key k SET sealed_secret = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (key_id, sealed, old)
WHERE k.lane = $1::smallint AND k.key_id = s.key_id AND k.sealed_secret = s.old;

-- name: known_nonces
-- Which of these nonces of one drawer were spent already; the caller holds the gate.
SELECT nonce_hash FROM nonce WHERE lane = $1::smallint AND drawer = $2::smallint AND nonce_hash = ANY($3::bytea[]);

-- name: insert_person
-- A new person, unless the sign-in is taken.
INSERT INTO person (person_id, sign_in, name, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (sign_in) DO NOTHING RETURNING person_id;

-- name: person_exists
-- Whether there is such a person.
SELECT EXISTS (SELECT 1 FROM person WHERE person_id = $1);

-- name: read_person
-- One person; without what he signs in with in secret.
SELECT person_id, sign_in, name, state FROM person WHERE person_id = $1;

-- name: people_after
-- People by id, from one on.
SELECT person_id, sign_in, name, state FROM person WHERE person_id > $1 ORDER BY person_id LIMIT $2::int;

-- name: memberships_of_all
-- Where some people belong, in every lane.
SELECT person_id, org_id, role FROM membership WHERE person_id = ANY($1::bigint[]) ORDER BY person_id, org_id;

-- name: set_membership
-- A person's role in an organisation.
INSERT INTO membership (lane, org_id, person_id, role, since) VALUES ($1::smallint, $2, $3, $4, $5)
ON CONFLICT (lane, org_id, person_id) DO UPDATE SET role = excluded.role, since = excluded.since;

-- name: memberships_of
-- Where a person belongs, in every lane.
SELECT org_id, role FROM membership WHERE person_id = $1 ORDER BY org_id;

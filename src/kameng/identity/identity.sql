-- name: insert_organisation
-- Founds an organisation in its lane, for good.
INSERT INTO organisation (lane, org_id, name, kind, level, currency, sandbox_of, parent_id, changed, founded_at, state)
VALUES ($1::smallint, $2, $3, $4, $5::smallint, $6, $7, $8, $9, $10, $11);

-- name: set_organisation
-- Changes what may change; stamped with the epoch so that every gateway sees it.
UPDATE organisation SET level = $3::smallint, state = $4, wants_events = $5, external_ref = $7, changed = $6
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
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE kind = 'agent' AND sandbox_of IS NULL;

-- name: children
-- Who buys from an agent, in every lane; without sandboxes.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE parent_id = $1 AND sandbox_of IS NULL ORDER BY org_id;

-- name: children_before
-- Who buys from an agent, in every lane, of these kinds and with this in the name, newest first; without sandboxes.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation
WHERE parent_id = $1 AND sandbox_of IS NULL AND org_id < $2 AND ARRAY[kind] <@ $3::text[]
  AND ($4::text = '' OR strpos(lower(name), lower($4)) > 0)
ORDER BY org_id DESC LIMIT $5::int;

-- name: read_organisations
-- Organisations of a lane by id.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE lane = $1::smallint AND org_id = ANY($2::bigint[]);

-- name: read_house
-- The platform's own organisation, the first of them.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE kind = 'platform' ORDER BY org_id LIMIT 1;

-- name: changed_organisations
-- Organisations that changed since an epoch, in every lane.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
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

-- name: has_address_list
-- Whether a working key of these organisations of a lane is bound to addresses.
SELECT EXISTS (
  SELECT FROM api_key
  WHERE lane = $1::smallint AND org_id = ANY($2::bigint[]) AND state = 'active' AND allowed_ips <> '{}');

-- name: newest_api_keys
-- The newest keys that work, for a gateway that starts.
SELECT key_id, org_id, scopes, sealed_secret, public_key, allowed_ips, rate_per_second, daily_limit_e4, state,
       expires_at
FROM api_key WHERE state = 'active' ORDER BY changed DESC LIMIT $1;

-- name: all_organisations
-- Organisations by id, in every lane.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE org_id = ANY($1::bigint[]);

-- name: changed_api_keys
-- Keys that changed since an epoch, in every lane.
SELECT key_id, org_id, scopes, sealed_secret, public_key, allowed_ips, rate_per_second, daily_limit_e4, state,
       expires_at
FROM api_key WHERE changed > $1;

-- name: list_api_keys
-- The keys of some organisations of a lane, newest first, without what they sign with.
SELECT key_id, org_id, name, scopes, public_key IS NOT NULL AS is_ed25519, allowed_ips, rate_per_second,
       daily_limit_e4, state, expires_at, created_at
FROM api_key WHERE lane = $1::smallint AND org_id = ANY($2::bigint[]) ORDER BY key_id DESC LIMIT $3::int;

-- name: set_api_key
-- Binds a key that works to other addresses and limits; no row if it is revoked.
UPDATE api_key SET name = $3, allowed_ips = $4, rate_per_second = $5, daily_limit_e4 = $6, changed = $7
WHERE lane = $1::smallint AND key_id = $2 AND state = 'active' RETURNING org_id;

-- name: sandboxes_of
-- The sandboxes beside an organisation.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation WHERE lane = $1::smallint AND sandbox_of = $2 ORDER BY org_id;

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

-- name: spend_unspent
-- Spends nonces of one drawer; those that were spent before don't come back. The caller holds the gate.
INSERT INTO nonce (lane, drawer, nonce_hash)
SELECT $1::smallint, $2::smallint, n.nonce_hash FROM unnest($3::bytea[]) AS n (nonce_hash)
ON CONFLICT DO NOTHING RETURNING nonce_hash;

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

-- name: read_person_by_sign_in
-- The person who signs in with this.
SELECT person_id, sign_in, name, state FROM person WHERE sign_in = $1;

-- name: rename_person
-- What a person is called from now on; no row, if he is closed or was never there.
UPDATE person SET name = $2 WHERE person_id = $1 AND state = 'active' RETURNING person_id;

-- name: erase_person
-- Leaves a number, a sign-in made of it, and nothing that says who it was; no row, if that was done before.
UPDATE person SET sign_in = $2, name = '', password_hash = NULL, state = 'closed'
WHERE person_id = $1 AND sign_in <> $2 RETURNING person_id;

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

-- name: role_of
-- A person's role in one organisation.
SELECT role FROM membership WHERE lane = $1::smallint AND org_id = $2 AND person_id = $3;

-- name: memberships_of
-- Where a person belongs, in every lane.
SELECT org_id, role FROM membership WHERE person_id = $1 ORDER BY org_id;

-- name: end_membership
-- A person belongs there no more.
DELETE FROM membership WHERE lane = $1::smallint AND org_id = $2 AND person_id = $3 RETURNING role;

-- name: owners_of
-- Who may do everything in one organisation.
SELECT person_id FROM membership WHERE lane = $1::smallint AND org_id = $2 AND role = 'owner' ORDER BY person_id;

-- name: members_of
-- Who belongs to one organisation, and since when.
SELECT person_id, role, since FROM membership
WHERE lane = $1::smallint AND org_id = $2 ORDER BY since, person_id LIMIT 1000;

-- name: organisations_below
-- Organisations of a lane below an id, newest first, without sandboxes; what is NULL is not asked for.
SELECT org_id, name, kind, level, state, currency, sandbox_of, wants_events, parent_id, self_collected,
       minimum_balance_e4, day_budget_e4, month_budget_e4, external_ref
FROM organisation
WHERE lane = $1::smallint AND org_id < $2 AND sandbox_of IS NULL AND ($3::text IS NULL OR kind = $3)
  AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR name ILIKE $5 OR external_ref ILIKE $5)
ORDER BY org_id DESC LIMIT $6::int;

-- name: read_people
-- People by id.
SELECT person_id, sign_in, name, state FROM person WHERE person_id = ANY($1::bigint[]);

-- name: people_from
-- People by sign-in, from a text on up to another, along its index.
SELECT person_id, sign_in, name, state FROM person WHERE sign_in >= $1 AND sign_in < $2 ORDER BY sign_in LIMIT $3::int;

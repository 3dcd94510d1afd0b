-- name: set_password
-- A person's password, hashed.
UPDATE person SET password_hash = $2 WHERE person_id = $1 AND state = 'active';

-- name: read_credentials
-- What somebody who signs in with this is compared with.
SELECT person_id, password_hash FROM person WHERE sign_in = $1 AND state = 'active';

-- name: insert_session
-- A device that has signed in.
INSERT INTO web_session
  (person_id, token_hash, session_id, org_id, factor, ip, agent, created_at, seen_at, proved_at, expires_at,
   place_zh, place_en)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: read_session
-- The session of a token, and whose it is, as long as it lasts and he may be here.
SELECT s.person_id, s.session_id, s.org_id, s.factor, s.ip, s.agent, s.created_at, s.seen_at, s.proved_at, s.expires_at,
       s.place_zh, s.place_en, p.sign_in, p.name
FROM web_session s JOIN person p USING (person_id)
WHERE s.person_id = $1 AND s.token_hash = $2 AND s.expires_at > $3 AND p.state = 'active';

-- name: touch_session
-- It is still used, and lasts as long from now on.
UPDATE web_session SET seen_at = $3, expires_at = $4 WHERE person_id = $1 AND token_hash = $2;

-- name: delete_session
-- Signed out.
DELETE FROM web_session WHERE person_id = $1 AND token_hash = $2;

-- name: set_session_organisation
-- Which organisation's pages it sees.
UPDATE web_session SET org_id = $3 WHERE person_id = $1 AND session_id = $2;

-- name: rotate_session
-- A new token in the place of one: whoever knew that one knows nothing. Proved, if a time is given.
UPDATE web_session SET token_hash = $3, proved_at = coalesce($4, proved_at) WHERE person_id = $1 AND session_id = $2;

-- name: sessions_of
-- The devices on which a person is signed in, the one last used first.
SELECT s.person_id, s.session_id, s.org_id, s.factor, s.ip, s.agent, s.created_at, s.seen_at, s.proved_at, s.expires_at,
       s.place_zh, s.place_en
FROM web_session s WHERE s.person_id = $1 AND s.expires_at > $2 ORDER BY s.seen_at DESC, s.session_id LIMIT 200;

-- name: delete_session_by_id
-- Signed out from elsewhere.
DELETE FROM web_session WHERE person_id = $1 AND session_id = $2 RETURNING session_id;

-- name: delete_other_sessions
-- Signed out everywhere but here (0: everywhere).
DELETE FROM web_session WHERE person_id = $1 AND session_id <> $2;

-- name: count_try
-- One more try, unless it has to wait; no row then. The first after a long while is the first again.
INSERT INTO try_limit AS l (key, tries, last_at, free_at)
VALUES ($1, 1, $2, $2::timestamptz + CASE WHEN 1 < $3::int THEN 0 ELSE $4::int END * interval '1 second')
ON CONFLICT (key) DO UPDATE SET
  tries = CASE WHEN l.last_at < $2::timestamptz - $6::int * interval '1 second' THEN 1 ELSE l.tries + 1 END,
  last_at = $2,
  free_at = $2::timestamptz + interval '1 second' * CASE
    WHEN l.last_at < $2::timestamptz - $6::int * interval '1 second' THEN CASE WHEN 1 < $3::int THEN 0 ELSE $4::int END
    WHEN l.tries + 1 < $3::int THEN 0
    ELSE least($4::int * 2 ^ least(l.tries + 1 - $3::int, 20), $5::int) END
WHERE l.free_at <= $2
RETURNING tries;

-- name: free_at
-- From when on somebody may try again.
SELECT free_at FROM try_limit WHERE key = $1;

-- name: forget_tries
-- It was right: nothing was tried.
DELETE FROM try_limit WHERE key = $1;

-- name: give_try_back
-- It was right: it does not count; what was tried before does.
UPDATE try_limit SET tries = greatest(tries - 1, 0), free_at = last_at WHERE key = $1;

-- name: insert_challenge
-- Something to answer.
INSERT INTO challenge (challenge_id, address_hash, code_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: try_code
-- One try at a code that was sent: counted before it is compared.
UPDATE challenge SET tries = tries + 1
WHERE challenge_id = $1 AND answered_at IS NULL AND expires_at > $2 AND tries < $3::int
RETURNING code_hash;

-- name: answer_challenge
-- It was answered, once and by nobody else.
UPDATE challenge SET answered_at = $2 WHERE challenge_id = $1 AND answered_at IS NULL AND expires_at > $2
RETURNING challenge_id;

-- name: spend_challenge
-- What its answer allows is done, once.
UPDATE challenge SET spent_at = $2 WHERE challenge_id = $1 AND answered_at IS NOT NULL AND spent_at IS NULL
RETURNING challenge_id;

-- name: insert_sign_in_event
-- Somebody signed in, or tried to.
INSERT INTO sign_in_event (event_id, person_id, at, method, outcome, shown, ip, place_zh, place_en, agent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: sign_in_events_of
-- A person's sign-ins, newest first, before one.
SELECT event_id, person_id, at, method, outcome, shown, ip, place_zh, place_en, agent
FROM sign_in_event WHERE person_id = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3::int;

-- name: put_totp
-- A new authenticator app, not confirmed yet, unless there is one that is.
INSERT INTO totp_secret AS t (person_id, sealed, created_at) VALUES ($1, $2, $3)
ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0
WHERE NOT t.is_confirmed RETURNING person_id;

-- name: read_totp
-- A person's authenticator app.
SELECT sealed, is_confirmed, last_step FROM totp_secret WHERE person_id = $1;

-- name: take_totp_step
-- A code of this half minute is taken; no row, if this or a later one was taken before.
UPDATE totp_secret SET last_step = $2, is_confirmed = is_confirmed OR $3
WHERE person_id = $1 AND last_step < $2 AND (is_confirmed OR $3) RETURNING person_id;

-- name: delete_totp
-- No authenticator app any more.
DELETE FROM totp_secret WHERE person_id = $1 RETURNING person_id;

-- name: insert_passkey
-- A new passkey.
INSERT INTO passkey (person_id, credential_id, public_key, sign_count, domain, name, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING person_id;

-- name: passkeys_of
-- A person's passkeys, oldest first.
SELECT credential_id, public_key, sign_count, domain, name, created_at, used_at
FROM passkey WHERE person_id = $1 ORDER BY created_at, credential_id;

-- name: use_passkey
-- It was used; its own count of uses never falls.
UPDATE passkey SET sign_count = greatest(sign_count, $3), used_at = $4 WHERE person_id = $1 AND credential_id = $2;

-- name: delete_passkey
-- A passkey less.
DELETE FROM passkey WHERE person_id = $1 AND credential_id = $2 RETURNING credential_id;

-- name: delete_recovery_codes
-- The old ones no longer work.
DELETE FROM recovery_code WHERE person_id = $1;

-- name: insert_recovery_codes
-- New ones.
INSERT INTO recovery_code (person_id, code_hash) SELECT $1, unnest($2::bytea[]);

-- name: use_recovery_code
-- One of them, once.
UPDATE recovery_code SET used_at = $3 WHERE person_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING person_id;

-- name: count_recovery_codes
-- How many are left.
SELECT count(*)::int FROM recovery_code WHERE person_id = $1 AND used_at IS NULL;

-- name: is_active
-- Whether a person may sign in at all.
SELECT state = 'active' FROM person WHERE person_id = $1;

-- name: has_password
-- Whether a person signs in with a password too.
SELECT password_hash IS NOT NULL FROM person WHERE person_id = $1;

-- name: hold_person
-- One at a time for a person, until the transaction ends; taken before any gate.
SELECT pg_advisory_xact_lock(hashtextextended('access', $1));

-- name: insert_invitation
-- Somebody is invited.
INSERT INTO invitation (lane, invitation_id, org_id, token_hash, role, shown, invited_by, created_at, expires_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: read_invitation
-- One invitation that still stands.
SELECT invitation_id, org_id, token_hash, role, shown, invited_by, created_at, expires_at FROM invitation
WHERE lane = $1::smallint AND invitation_id = $2 AND ended_at IS NULL AND expires_at > $3;

-- name: invitations_of
-- The invitations of an organisation that still stand, newest first.
SELECT invitation_id, org_id, token_hash, role, shown, invited_by, created_at, expires_at FROM invitation
WHERE lane = $1::smallint AND org_id = $2 AND ended_at IS NULL AND expires_at > $3
ORDER BY invitation_id DESC LIMIT 200;

-- name: end_invitation
-- Accepted by somebody, or taken back (no one); once.
UPDATE invitation SET ended_at = $4, accepted_by = $5
WHERE lane = $1::smallint AND org_id = $2 AND invitation_id = $3 AND ended_at IS NULL AND expires_at > $4
RETURNING role;

-- name: purge_sessions
-- Sessions that ended by themselves.
DELETE FROM web_session WHERE expires_at < $1;

-- name: purge_challenges
-- What nobody can answer any more.
DELETE FROM challenge WHERE expires_at < $1;

-- name: purge_tries
-- Tries of so long ago that they are forgotten.
DELETE FROM try_limit WHERE last_at < $1;

-- name: purge_sign_in_events
-- Sign-ins of so long ago.
DELETE FROM sign_in_event WHERE event_id < $1;

-- name: purge_invitations
-- Invitations of a lane that ended or ran out so long ago.
DELETE FROM invitation WHERE lane = $1::smallint AND expires_at < $2;

-- name: forget_person
-- Nothing is left by which a person could sign in, and no record of where from he did.
WITH a AS (DELETE FROM web_session WHERE person_id = $1), b AS (DELETE FROM totp_secret WHERE person_id = $1),
     c AS (DELETE FROM passkey WHERE person_id = $1), d AS (DELETE FROM recovery_code WHERE person_id = $1)
DELETE FROM sign_in_event WHERE person_id = $1;

-- name: totp_under_other_keys
-- Secrets of authenticator apps not sealed with the current key of the ring.
SELECT person_id, sealed FROM totp_secret
WHERE person_id > $1 AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $2::int ORDER BY person_id LIMIT $3::int;

-- name: reseal_totp
-- Puts a re-sealed secret in place of what was read.
UPDATE totp_secret SET sealed = $2 WHERE person_id = $1 AND sealed = $3;

-- name: set_guise
-- Whose pages a session sees, or that it sees its own again.
UPDATE web_session SET guise_person_id = $3, guise_org_id = $4, guise_until = $5, guise_may_write = $6
WHERE person_id = $1 AND session_id = $2;

-- name: read_guise
-- Whose pages a session sees.
SELECT guise_person_id, guise_org_id, guise_until, guise_may_write FROM web_session
WHERE person_id = $1 AND session_id = $2;

-- name: has_factor_rule
-- Whether an organisation asks its people for a second factor.
SELECT EXISTS (SELECT FROM factor_rule WHERE lane = $1::smallint AND org_id = $2);

-- name: insert_factor_rule
-- From now on it does; no row, if it did.
INSERT INTO factor_rule (lane, org_id, since, set_by) VALUES ($1::smallint, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING org_id;

-- name: delete_factor_rule
-- Not any more; no row, if it did not.
DELETE FROM factor_rule WHERE lane = $1::smallint AND org_id = $2 RETURNING org_id;

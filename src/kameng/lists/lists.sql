-- name: insert_view
-- A view that somebody keeps.
INSERT INTO saved_view (person_id, view_id, org_id, path, name, query, created_at, is_shared)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: views_of
-- A person's views of one list, and those that others share with everybody of the organisation; oldest first.
SELECT view_id, name, query, is_shared, person_id = $1 AS is_own FROM saved_view
WHERE org_id = $2 AND path = $3 AND (person_id = $1 OR is_shared) ORDER BY created_at, view_id LIMIT 100;

-- name: delete_view
-- Not kept any more: one's own, or with $4 whatever is shared.
DELETE FROM saved_view WHERE org_id = $2 AND view_id = $3 AND (person_id = $1 OR (is_shared AND $4::boolean))
RETURNING path;

-- name: insert_run
-- An act or an export that is about to begin.
INSERT INTO list_run
  (lane, run_id, org_id, person_id, kind, plan, query, wanted, up_to, reason, language, form, state, total,
   created_at, expires_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'waiting', $13, $14, $15);

-- name: read_run
-- One run.
SELECT org_id, person_id, kind, plan, query, wanted, reason, language, form, run_id, lane, up_to, state, total, done,
       refused, amount_e4, refusals, place, pending, file_name, file_bytes, is_stop_asked, created_at, ended_at, expires_at
FROM list_run WHERE lane = $1::smallint AND run_id = $2;

-- name: runs_of
-- Somebody's runs for an organisation, newest first.
SELECT org_id, person_id, kind, plan, query, wanted, reason, language, form, run_id, lane, up_to, state, total, done,
       refused, amount_e4, refusals, place, pending, file_name, file_bytes, is_stop_asked, created_at, ended_at, expires_at
FROM list_run WHERE lane = $1::smallint AND org_id = $2 AND person_id = $3 AND run_id < $4 AND expires_at > $5
ORDER BY run_id DESC LIMIT $6;

-- name: count_running
-- How many of somebody's runs have not ended.
SELECT count(*) FROM list_run
WHERE lane = $1::smallint AND org_id = $2 AND person_id = $3 AND state IN ('waiting', 'running') AND expires_at > $4;

-- name: advance_run
-- How far it is; says whether it was asked to stop.
UPDATE list_run SET state = 'running', done = $3, refused = $4, amount_e4 = $5, refusals = $6, place = $7, pending = $8,
  total = greatest(total, $3::int + $4::int)
WHERE lane = $1::smallint AND run_id = $2 AND ended_at IS NULL RETURNING is_stop_asked;

-- name: end_run
-- How it ended.
UPDATE list_run SET state = $3, ended_at = $4, file_name = $5, file_bytes = $6
WHERE lane = $1::smallint AND run_id = $2 AND ended_at IS NULL;

-- name: ask_stop
-- It stops at the next rows.
UPDATE list_run SET is_stop_asked = true
WHERE lane = $1::smallint AND run_id = $2 AND org_id = $3 AND person_id = $4 AND ended_at IS NULL RETURNING run_id;

-- name: purge_runs
-- Those whose time is over.
DELETE FROM list_run WHERE lane = $1::smallint AND expires_at < $2 RETURNING run_id;

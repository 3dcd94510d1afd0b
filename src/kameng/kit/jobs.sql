-- name: due_job_kinds
-- Which of the kinds $2 have something to do. Looks without the gate: an idle lane costs one read, no commit.
-- LATERAL with LIMIT, for EXISTS becomes a hash of the whole backlog (98 ms with 200,000 jobs; this one 0.2 ms).
SELECT k.kind FROM unnest($2::text[]) AS k (kind)
CROSS JOIN LATERAL (
  (SELECT FROM job WHERE lane = $1 AND job.kind = k.kind AND state = 'waiting' AND due_at <= $3 LIMIT 1)
  UNION ALL
  (SELECT FROM job WHERE lane = $1 AND job.kind = k.kind AND state IN ('leased', 'sending')
     AND lease_until <= $3 LIMIT 1)
  LIMIT 1) AS work;

-- name: waiting_jobs
-- What is due of one kind, for a handler that finishes in this very transaction; $5 narrows it to some jobs.
SELECT job_id, kind, subject_id, payload, attempts + 1 AS attempts, lease_token, state FROM job
WHERE lane = $1 AND kind = $2 AND state = 'waiting' AND due_at <= $3
  AND ($5::bigint[] IS NULL OR job_id = ANY ($5))
ORDER BY due_at, job_id LIMIT $4;

-- name: claim_jobs
-- Leases what is due of one kind: first what a lost worker left, then what waits. `sending` stays `sending`.
UPDATE job SET
  state = CASE state WHEN 'sending' THEN 'sending' ELSE 'leased' END,
  attempts = attempts + 1, lease_token = $5, lease_until = $6
WHERE lane = $1 AND job_id IN (
  (SELECT job_id FROM job WHERE lane = $1 AND kind = $2 AND state IN ('leased', 'sending') AND lease_until <= $3
   ORDER BY lease_until LIMIT $4)
  UNION ALL
  (SELECT job_id FROM job WHERE lane = $1 AND kind = $2 AND state = 'waiting' AND due_at <= $3
   ORDER BY due_at, job_id LIMIT $4)
  LIMIT $4)
RETURNING job_id, kind, subject_id, payload, attempts, lease_token, state;

-- name: mark_jobs_sending
-- From here on an effect outside may exist. Only jobs that are still leased to the caller.
UPDATE job SET state = 'sending', lease_until = $4
FROM unnest($2::bigint[], $3::bigint[]) AS j (job_id, lease_token)
WHERE job.lane = $1 AND job.job_id = j.job_id AND job.lease_token = j.lease_token AND job.state = 'leased'
RETURNING job.job_id;

-- name: extend_jobs
-- The heartbeat: leases of the caller's jobs run on until $4.
UPDATE job SET lease_until = $4
FROM unnest($2::bigint[], $3::bigint[]) AS j (job_id, lease_token)
WHERE job.lane = $1 AND job.job_id = j.job_id AND job.lease_token = j.lease_token
RETURNING job.job_id;

-- name: complete_jobs
-- Done jobs go; one whose lease another worker took stays as it is.
DELETE FROM job USING unnest($2::bigint[], $3::bigint[]) AS j (job_id, lease_token)
WHERE job.lane = $1 AND job.job_id = j.job_id AND job.lease_token IS NOT DISTINCT FROM j.lease_token
  AND job.state IN ('waiting', 'leased', 'sending')
RETURNING job.job_id;

-- name: fail_jobs
-- Failed jobs wait again, go to the desk, or stay `sending` until asked about at due_at (under token $8, nobody's).
UPDATE job SET
  state = f.state, attempts = f.attempts, due_at = f.due_at, error = f.error,
  lease_token = CASE f.state WHEN 'sending' THEN $8::bigint END,
  lease_until = CASE f.state WHEN 'sending' THEN f.due_at END
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::int[], $6::timestamptz[], $7::text[])
  AS f (job_id, lease_token, state, attempts, due_at, error)
WHERE job.lane = $1 AND job.job_id = f.job_id AND job.lease_token IS NOT DISTINCT FROM f.lease_token
  AND job.state IN ('waiting', 'leased', 'sending')
RETURNING job.job_id;

-- name: desk_jobs
-- The dead-letter desk of one lane, oldest first, from beyond the id $2.
SELECT job_id, kind, subject_id, payload, attempts, state, error, due_at FROM job
WHERE lane = $1 AND job_id > $2 AND state IN ('dead', 'unknown')
ORDER BY job_id LIMIT $3;

-- name: desk_mark
-- How much lies on a lane's desk, as far as anybody counts, and the newest of it.
SELECT count(*)::int AS jobs, coalesce(max(job_id), 0) AS newest_id FROM (
  SELECT job_id FROM job WHERE lane = $1::smallint AND state IN ('dead', 'unknown') LIMIT 1000) AS desk;

-- name: jobs_of_subject
-- What waits for one subject.
SELECT kind, state FROM job WHERE lane = $1 AND subject_id = $2 ORDER BY job_id;

-- name: retry_jobs
-- From the desk back to waiting with fresh attempts; those of unknown outcome only where $4 says so.
UPDATE job SET state = 'waiting', attempts = 0, due_at = $3, error = NULL
WHERE lane = $1 AND job_id = ANY ($2::bigint[]) AND (state = 'dead' OR state = 'unknown' AND $4::boolean)
RETURNING job_id;

-- name: discard_jobs
-- Away from the desk for good.
DELETE FROM job WHERE lane = $1 AND job_id = ANY ($2::bigint[]) AND state IN ('dead', 'unknown')
RETURNING job_id;

-- name: withdraw_jobs
-- Jobs of these subjects and kinds, with what these payloads say, that nobody has in hand, and whose outcome is known:
-- their work is not wanted now.
DELETE FROM job USING unnest($2::bigint[], $3::text[], $4::jsonb[]) AS j (subject_id, kind, payload)
WHERE job.lane = $1 AND job.subject_id = j.subject_id AND job.kind = j.kind AND job.state IN ('waiting', 'dead')
  AND (j.payload IS NULL OR job.payload @> j.payload);

-- name: enrol_entries
-- Timetable entries that are new run at once; a shortened interval counts from now.
INSERT INTO timetable (name, next_at)
SELECT e.name, $2::timestamptz FROM unnest($1::text[], $3::float8[]) AS e (name, every_s)
ON CONFLICT (name) DO UPDATE SET next_at = least(timetable.next_at, $2::timestamptz + make_interval(secs => (
  SELECT e.every_s FROM unnest($1::text[], $3::float8[]) AS e (name, every_s) WHERE e.name = timetable.name)));

-- name: due_entries
-- Which of the entries are due and run nowhere.
SELECT name FROM timetable
WHERE name = ANY ($1::text[]) AND next_at <= $2 AND (lease_until IS NULL OR lease_until <= $2);

-- name: claim_entry
-- Exactly one process runs an entry: the one whose token stands here.
UPDATE timetable SET lease_token = $3, lease_until = $4
WHERE name = $1 AND next_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
RETURNING next_at;

-- name: extend_entry
-- The heartbeat of a running entry.
UPDATE timetable SET lease_until = $3 WHERE name = $1 AND lease_token = $2 RETURNING name;

-- name: finish_entry
-- The run is over; the next one is set.
UPDATE timetable SET lease_token = NULL, lease_until = NULL, next_at = $3, last_at = $4, last_ms = $5, last_error = $6
WHERE name = $1 AND lease_token = $2
RETURNING name;

-- name: timetable_rows
-- When everything runs next, and how it went.
SELECT name, next_at, lease_until, last_at, last_ms, last_error FROM timetable ORDER BY name;

-- name: insert_desk_job
-- What its own way of trying has given up on lies on the desk at once, to be retried or discarded there.
INSERT INTO job (lane, job_id, kind, subject_id, payload, state, due_at, error)
VALUES ($1::smallint, $2, $3, $4, $5, 'dead', $6, $7);

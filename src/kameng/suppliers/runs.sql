-- name: insert_run
-- A file of cards, before it is all there.
INSERT INTO card_run (run_id, org_id, sku_id, file_name, file_bytes, uses, cost_e4, expires_on, state, created_by,
                      created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'arriving', $9, $10);

-- name: count_open_runs
-- How many files of a supplier are not through yet.
SELECT count(*) FROM card_run
WHERE org_id = $1 AND state IN ('arriving', 'reading', 'ready', 'loading');

-- name: read_run
-- One file.
SELECT run_id, org_id, sku_id, file_name, file_bytes, uses, cost_e4, expires_on, state, format, encoding, cards, broken,
       repeated, known, preview, fault, fault_zh, batch_id, cursor_line, gone, loaded, created_by, created_at, ended_at
FROM card_run WHERE run_id = $1;

-- name: runs_of
-- A supplier's files below the cursor, newest first.
SELECT run_id, org_id, sku_id, file_name, file_bytes, uses, cost_e4, expires_on, state, format, encoding, cards, broken,
       repeated, known, preview, fault, fault_zh, batch_id, cursor_line, gone, loaded, created_by, created_at, ended_at
FROM card_run WHERE org_id = $1 AND run_id < $2 ORDER BY run_id DESC LIMIT $3::int;

-- name: set_run_state
-- Leads a file on, if it is still where it was; returns its id then.
UPDATE card_run SET state = $3, ended_at = $4::timestamptz WHERE run_id = $1 AND state = $2 RETURNING run_id;

-- name: refuse_run
-- A file that can't be read, and why.
UPDATE card_run SET state = 'refused', fault = $2, fault_zh = $3, ended_at = $4
WHERE run_id = $1 AND state = 'reading' RETURNING run_id;

-- name: set_run_read
-- What was found in a file; it waits for its supplier's word.
UPDATE card_run
SET state = 'ready', format = $2, encoding = $3, cards = $4, broken = $5, repeated = $6, known = $7, preview = $8
WHERE run_id = $1 AND state = 'reading' RETURNING run_id;

-- name: set_run_batch
-- The batch that its cards go to, once.
UPDATE card_run SET batch_id = $2 WHERE run_id = $1 AND batch_id IS NULL AND state = 'loading' RETURNING run_id;

-- name: advance_run
-- Cards that were gone through, with the transaction that loaded them; nothing, if somebody else went on with it.
UPDATE card_run SET cursor_line = $3::int, gone = gone + $4::int, loaded = loaded + $5::int
WHERE run_id = $1 AND cursor_line = $2::int AND state = 'loading' RETURNING run_id;

-- name: insert_run_lines
-- Lines that are not loaded, and why; those that are known stay as they are.
INSERT INTO card_run_line (run_id, line, reason, preview, first_line)
SELECT $1, l.line, l.reason, l.preview, l.first_line
FROM unnest($2::int[], $3::text[], $4::text[], $5::int[]) AS l (line, reason, preview, first_line)
ON CONFLICT DO NOTHING;

-- name: forget_run_lines
-- Lines of a file that is read anew.
DELETE FROM card_run_line WHERE run_id = $1;

-- name: run_lines
-- Lines of a file that are not loaded, beyond a line.
SELECT line, reason, preview, first_line FROM card_run_line WHERE run_id = $1 AND line > $2::int ORDER BY line LIMIT $3::int;

-- name: run_reasons
-- How many lines of a file are not loaded for which reason.
SELECT reason, count(*)::int AS lines FROM card_run_line WHERE run_id = $1 GROUP BY reason ORDER BY lines DESC, reason;

-- name: stale_runs
-- Files that never came whole since $1, or wait for a word since $2.
SELECT run_id, state FROM card_run
WHERE state = 'arriving' AND created_at < $1::timestamptz OR state = 'ready' AND created_at < $2::timestamptz
ORDER BY run_id LIMIT $3::int;

-- name: forget_old_lines
-- Reports of files that ended before $1, so many lines at once.
DELETE FROM card_run_line l USING (
  SELECT c.run_id, c.line FROM card_run r JOIN card_run_line c ON c.run_id = r.run_id
  WHERE r.ended_at < $1::timestamptz LIMIT $2::int) AS old
WHERE l.run_id = old.run_id AND l.line = old.line;

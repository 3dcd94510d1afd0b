-- name: pass_gate
-- Locks the lane, counts the transaction, and deals ids: the last $3 ticks up to last_tick.
UPDATE lane SET last_tick = greatest(last_tick, $2::bigint) + $3::int, serial = serial + 1
WHERE lane = $1::smallint
RETURNING last_tick, serial;

-- name: lane_numbers
-- Every lane there is.
SELECT lane FROM lane ORDER BY lane;

-- name: last_tick
-- How far a lane has come: the last tick that a committed transaction was dealt.
SELECT last_tick FROM lane WHERE lane = $1::smallint;

-- name: choose_lane
-- The lane with the fewest organisations; counts the new one at once, so that parallel foundings spread.
UPDATE lane SET organisations = organisations + 1
WHERE lane = (SELECT lane FROM lane ORDER BY organisations, lane LIMIT 1 FOR UPDATE)
RETURNING lane;

-- name: join_lane
-- Counts an organisation that was given this lane for a reason of its own.
UPDATE lane SET organisations = organisations + 1 WHERE lane = $1::smallint;

-- name: create_lanes
-- Adds the missing lanes below $1.
INSERT INTO lane (lane) SELECT generate_series(0, $1::int - 1) ON CONFLICT DO NOTHING;

-- name: bump_epoch
-- Marks a directory as changed and returns its new value; holding the row orders the changes by commit.
UPDATE epoch SET value = value + 1 WHERE topic = $1 RETURNING value;

-- name: read_epochs
-- The value of every directory.
SELECT topic, value FROM epoch;

-- name: events_of_subject
-- The timeline of one subject, oldest first.
SELECT sequence, event_id, kind, actor_id, at, data FROM event
WHERE lane = $1 AND subject_id = $2 ORDER BY sequence;

-- name: recent_events
-- What happened in a lane beyond an event, oldest first. Only for what is new: the index knows where late rows lie.
SELECT event_id, org_id, subject_id, kind FROM event
WHERE lane = $1::smallint AND event_id > $2 ORDER BY event_id LIMIT $3;

-- name: next_event_sequences
-- The number that the next event of each subject gets; the caller holds the gate.
SELECT s.subject_id, 1 + coalesce((
  SELECT max(e.sequence) FROM event e WHERE e.lane = $1::smallint AND e.subject_id = s.subject_id), 0) AS sequence
FROM unnest($2::bigint[]) AS s (subject_id);

-- name: audit_lines
-- Audit lines of a lane below the cursor, newest first; what is NULL is not asked for.
SELECT audit_id, at, org_id, actor_id, act, subject_id, data FROM audit_line
WHERE lane = $1::smallint AND audit_id < $2 AND audit_id >= $3
  AND ($4::bigint IS NULL OR org_id = $4) AND ($5::bigint IS NULL OR actor_id = $5)
  AND ($6::text IS NULL OR act = $6 OR starts_with(act, $6 || '.'))
  AND ($7::bigint IS NULL OR subject_id = $7)
ORDER BY audit_id DESC LIMIT $8::int;

-- name: insert_audit_lines
-- Who did what; audit lines are never changed.
INSERT INTO audit_line (lane, audit_id, at, org_id, actor_id, act, subject_id, data)
SELECT $1::smallint, a.audit_id, $2::timestamptz, a.org_id, a.actor_id, a.act, a.subject_id, a.data
FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::jsonb[])
  AS a (audit_id, org_id, actor_id, act, subject_id, data);

-- name: latest_audit_data
-- What the latest line of an act on one subject says.
SELECT data FROM audit_line WHERE lane = $1::smallint AND subject_id = $2 AND act = $3 ORDER BY audit_id DESC LIMIT 1;

-- name: insert_blob_piece
-- A piece of a file, sealed.
INSERT INTO blob_piece (lane, piece_id, blob_id, sealed) VALUES ($1::smallint, $2, $3, $4);

-- name: blob_pieces
-- The pieces of a file, in order.
SELECT piece_id, sealed FROM blob_piece WHERE lane = $1::smallint AND blob_id = $2 ORDER BY piece_id;

-- name: wipe_blobs
-- Files that are not kept any more.
DELETE FROM blob_piece WHERE lane = $1::smallint AND blob_id = ANY ($2::bigint[]);

-- name: blobs_under_other_keys
-- Pieces not sealed with the current key of the ring, for re-sealing, from an id on.
SELECT piece_id, sealed FROM blob_piece
WHERE lane = $1::smallint AND piece_id > $2 AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $3::int
ORDER BY piece_id LIMIT $4::int;

-- name: reseal_blobs
-- Puts re-sealed pieces in place of what was read.
UPDATE blob_piece b SET sealed = s.sealed FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (piece_id, sealed, old)
WHERE b.lane = $1::smallint AND b.piece_id = s.piece_id AND b.sealed = s.old;

-- name: audit_lines_of_subject
-- What was done to one subject, newest first.
SELECT audit_id, at, org_id, actor_id, act, subject_id, data FROM audit_line
WHERE lane = $1::smallint AND subject_id = $2 ORDER BY audit_id DESC LIMIT $3::int;

-- name: all_switches
-- Feature switches that somebody moved.
SELECT name, is_on, changed_at, changed_by, reason FROM feature_switch;

-- name: set_switch
-- A feature is on or off from now on.
INSERT INTO feature_switch (name, is_on, changed_at, changed_by, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, changed_at = excluded.changed_at,
  changed_by = excluded.changed_by, reason = excluded.reason;

-- name: server_health
-- How PostgreSQL itself is: connections, cache, locks, the log, standbys, size on disk. Nothing of any table is read.
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections,
       (SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend')::int AS active,
       current_setting('max_connections')::int AS connections_max,
       (SELECT blks_hit FROM pg_stat_database WHERE datname = current_database()) AS blocks_hit,
       (SELECT blks_read FROM pg_stat_database WHERE datname = current_database()) AS blocks_read,
       (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS commits,
       (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) AS deadlocks,
       (SELECT count(*) FROM pg_locks WHERE NOT granted)::int AS locks_awaited,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
        WHERE state <> 'idle' AND backend_type = 'client backend' AND pid <> pg_backend_pid()) AS longest_s,
       CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END::bigint AS wal_bytes,
       (SELECT count(*) FROM pg_stat_replication)::int AS standbys,
       pg_database_size(current_database()) AS disk_bytes;

-- name: pass_gate
-- Locks the lane, counts the transaction, and deals ids: the last $3 ticks up to last_tick.
UPDATE lane SET last_tick = greatest(last_tick, $2::bigint) + $3::int, serial = serial + 1
WHERE lane = $1::smallint
RETURNING last_tick, serial;

-- name: lane_numbers
-- Every lane there is.
SELECT lane FROM lane ORDER BY lane;

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

-- name: insert_audit_lines
-- Who did what; audit lines are never changed.
INSERT INTO audit_line (lane, audit_id, at, org_id, actor_id, act, subject_id, data)
SELECT $1::smallint, a.audit_id, $2::timestamptz, a.org_id, a.actor_id, a.act, a.subject_id, a.data
FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::jsonb[])
  AS a (audit_id, org_id, actor_id, act, subject_id, data);

-- name: rules
-- The rules in force.
SELECT rule_id, name, entity, kinds, window_s, limit_count, limit_e4, outcome FROM risk_rule
WHERE enabled ORDER BY rule_id;

-- name: listings
-- The lists in force.
SELECT entity, value, verdict, until FROM risk_listing WHERE until IS NULL OR until > $1;

-- name: shares
-- What each buyer may have of some SKUs, until later than a moment.
SELECT share_id, sku_id, starts_s, ends_s, buyer_max FROM risk_share WHERE ends_s > $1 ORDER BY share_id DESC;

-- name: add_share
-- So many pieces of a SKU for each buyer, between two seconds.
INSERT INTO risk_share (sku_id, starts_s, ends_s, buyer_max) VALUES ($1, $2, $3, $4);

-- name: every_rule
-- The rules, those that are switched off too.
SELECT rule_id, name, entity, kinds, window_s, limit_count, limit_e4, outcome, enabled FROM risk_rule ORDER BY name;

-- name: every_listing
-- The lists, with what ended.
SELECT entity, value, verdict, reason, until FROM risk_listing ORDER BY entity, value;

-- name: set_listing
-- Lists somebody or something.
INSERT INTO risk_listing (entity, value, verdict, reason, until, changed) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (entity, value) DO UPDATE
SET verdict = excluded.verdict, reason = excluded.reason, until = excluded.until, changed = excluded.changed;

-- name: remove_listing
-- Takes somebody or something off the lists; what it was.
DELETE FROM risk_listing WHERE entity = $1 AND value = $2 RETURNING verdict;

-- name: set_rule
-- Puts a velocity rule in place.
INSERT INTO risk_rule (name, entity, kinds, window_s, limit_count, limit_e4, enabled, changed, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (name) DO UPDATE
SET entity = excluded.entity, kinds = excluded.kinds, window_s = excluded.window_s, limit_count = excluded.limit_count,
    limit_e4 = excluded.limit_e4, enabled = excluded.enabled, changed = excluded.changed, outcome = excluded.outcome
RETURNING rule_id;

-- name: switch_rule
-- Switches a rule on or off.
UPDATE risk_rule SET enabled = $2, changed = $3 WHERE name = $1 RETURNING rule_id;

-- name: add_rule
-- A rule under a name that is not taken.
INSERT INTO risk_rule (name, entity, kinds, window_s, limit_count, limit_e4, changed, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING;

-- name: raise_counters
-- Raises counters by what a batch wants, in key order, and returns where they stand: the rows are locked from here.
INSERT INTO counter AS c (entity_hash, rule_id, window_start, taken_count, taken_e4)
SELECT * FROM unnest($1::bytea[], $2::int[], $3::bigint[], $4::int[], $5::bigint[])
  AS w (entity_hash, rule_id, window_start, taken_count, taken_e4)
ORDER BY entity_hash, rule_id, window_start
ON CONFLICT (entity_hash, rule_id, window_start) DO UPDATE
SET taken_count = c.taken_count + excluded.taken_count, taken_e4 = c.taken_e4 + excluded.taken_e4
RETURNING entity_hash, rule_id, window_start, taken_count, taken_e4;

-- name: raise_within
-- Raises counters of one rule by what a batch wants, in key order, each only if it stays within the rule's limits; those
-- that were raised. A statement of its own, whose commit does not wait for the disk.
WITH at_ease AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO counter AS c (entity_hash, rule_id, window_start, taken_count, taken_e4)
SELECT w.entity_hash, $1::int, $2::bigint, w.taken_count, w.taken_e4
FROM at_ease, unnest($5::bytea[], $6::int[], $7::bigint[]) AS w (entity_hash, taken_count, taken_e4)
WHERE ($3::int IS NULL OR w.taken_count <= $3) AND ($4::bigint IS NULL OR w.taken_e4 <= $4)
ORDER BY w.entity_hash
ON CONFLICT (entity_hash, rule_id, window_start) DO UPDATE
SET taken_count = c.taken_count + excluded.taken_count, taken_e4 = c.taken_e4 + excluded.taken_e4
WHERE ($3::int IS NULL OR c.taken_count + excluded.taken_count <= $3)
  AND ($4::bigint IS NULL OR c.taken_e4 + excluded.taken_e4 <= $4)
RETURNING entity_hash;

-- name: write_counters
-- Puts counters where the holder of their locks decided.
UPDATE counter c SET taken_count = t.taken_count, taken_e4 = t.taken_e4
FROM unnest($1::bytea[], $2::int[], $3::bigint[], $4::int[], $5::bigint[])
  AS t (entity_hash, rule_id, window_start, taken_count, taken_e4)
WHERE (c.entity_hash, c.rule_id, c.window_start) = (t.entity_hash, t.rule_id, t.window_start);

-- name: purge_counters
-- Forgets some windows that ended; how many.
WITH gone AS (
  DELETE FROM counter WHERE (entity_hash, rule_id, window_start) IN (
    SELECT entity_hash, rule_id, window_start FROM counter WHERE window_start < $1 LIMIT $2::int
  ) RETURNING 1
)
SELECT count(*) FROM gone;

-- name: read_lane_counters
-- Counters of a lane; the caller holds the gate.
SELECT l.entity_id, l.rule_id, l.window_start, l.taken_count, l.taken_e4 FROM lane_counter l
JOIN unnest($2::bigint[], $3::int[], $4::bigint[]) AS w (entity_id, rule_id, window_start)
  ON l.entity_id = w.entity_id AND l.rule_id = w.rule_id AND l.window_start = w.window_start
WHERE l.lane = $1::smallint;

-- name: write_lane_counters
-- Puts the counters of a lane where the batch decided.
INSERT INTO lane_counter (lane, entity_id, rule_id, window_start, taken_count, taken_e4)
SELECT $1::smallint, * FROM unnest($2::bigint[], $3::int[], $4::bigint[], $5::int[], $6::bigint[])
ON CONFLICT (lane, entity_id, rule_id, window_start) DO UPDATE
SET taken_count = excluded.taken_count, taken_e4 = excluded.taken_e4;

-- name: ended_windows
-- Some windows of a lane that ended. Those of months (rule -2) do so a month later.
SELECT entity_id, rule_id, window_start FROM lane_counter
WHERE lane = $1::smallint AND window_start < $2::bigint - CASE rule_id WHEN -2 THEN 31 * 86400 ELSE 0 END
LIMIT $3::int;

-- name: forget_windows
-- Forgets these windows of a lane.
DELETE FROM lane_counter l USING unnest($2::bigint[], $3::int[], $4::bigint[]) AS w (entity_id, rule_id, window_start)
WHERE l.lane = $1::smallint AND l.entity_id = w.entity_id AND l.rule_id = w.rule_id
  AND l.window_start = w.window_start;

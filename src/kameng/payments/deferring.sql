-- name: set_down
-- What providers told, written before it has its effect; sorted, so that two who write the same wait for each other in
-- one order. What stands there already stays as it was told first.
INSERT INTO payment_inbox (lane, channel_id, event_id, kind, facts, said, at, due_at)
SELECT $1::smallint, n.channel_id, n.event_id, n.kind, n.facts, n.said, $2::timestamptz, $2::timestamptz
FROM unnest($3::int[], $4::text[], $5::text[], $6::jsonb[], $7::text[]) AS n (channel_id, event_id, kind, facts, said)
ORDER BY n.channel_id, n.event_id
ON CONFLICT (lane, channel_id, event_id) DO NOTHING;

-- name: has_due
-- Whether something set down is due since a moment.
SELECT EXISTS (SELECT FROM payment_inbox WHERE lane = $1::smallint AND due_at <= $2::timestamptz);

-- name: take_out
-- What is due since a moment, the oldest first, so many at most: out of the inbox, if the effect stands. The caller holds
-- the gate. By where rows lie, not by their key: a plan is made while the inbox is empty, and read all of it for each row.
DELETE FROM payment_inbox i USING (
  SELECT ctid FROM payment_inbox WHERE lane = $1::smallint AND due_at <= $2::timestamptz
  ORDER BY due_at, channel_id, event_id LIMIT $3::int FOR UPDATE SKIP LOCKED) AS o
WHERE i.lane = $1::smallint AND i.ctid = o.ctid
RETURNING i.channel_id, i.event_id, i.kind, i.facts, i.said, i.tries;

-- name: put_off
-- What is due first comes again at a later moment; the caller holds the gate.
UPDATE payment_inbox i SET tries = i.tries + 1,
       due_at = $3::timestamptz + make_interval(secs => least($4::int * power(2, i.tries), $5::int))
FROM (SELECT channel_id, event_id FROM payment_inbox WHERE lane = $1::smallint AND due_at <= $2::timestamptz
      ORDER BY due_at, channel_id, event_id LIMIT 1 FOR UPDATE) AS o
WHERE i.lane = $1::smallint AND i.channel_id = o.channel_id AND i.event_id = o.event_id
RETURNING i.channel_id, i.event_id, i.kind, i.facts, i.said, i.tries;

-- name: measure_inbox
-- How many wait for their effect, and since when the oldest does.
SELECT count(*) AS depth, min(at) AS oldest_at FROM payment_inbox WHERE lane = $1::smallint;

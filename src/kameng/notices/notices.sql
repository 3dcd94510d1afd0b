-- name: insert_endpoint
-- A new webhook endpoint; what happens from now on is sent to it.
INSERT INTO webhook_endpoint (lane, endpoint_id, org_id, name, url, kinds, changed, created_at, cursor_id)
VALUES ($1::smallint, $2, $3, $4, $5, $6::text[], $7, $8, $2);

-- name: insert_secret
-- A secret of an endpoint, sealed for this row.
INSERT INTO webhook_secret (lane, secret_id, endpoint_id, sealed) VALUES ($1::smallint, $2, $3, $4);

-- name: endpoints_of_organisation
-- The endpoints of one organisation, oldest first.
SELECT endpoint_id, org_id, name, url, kinds, state, reason, changed, created_at, cursor_id, failures, failing_since,
       paused_until
FROM webhook_endpoint WHERE lane = $1::smallint AND org_id = $2 AND state <> 'removed' ORDER BY endpoint_id;

-- name: read_endpoint
-- One endpoint.
SELECT endpoint_id, org_id, name, url, kinds, state, reason, changed, created_at, cursor_id, failures, failing_since,
       paused_until
FROM webhook_endpoint WHERE lane = $1::smallint AND endpoint_id = $2 AND state <> 'removed';

-- name: changed_endpoints
-- The endpoints of a lane that were changed by a transaction after the one of that serial.
SELECT endpoint_id, org_id, name, url, kinds, state, reason, changed, created_at, cursor_id, failures, failing_since,
       paused_until
FROM webhook_endpoint WHERE lane = $1::smallint AND changed > $2 ORDER BY changed;

-- name: set_endpoint
-- Changes an endpoint; one that is made active again starts with a clean sheet, at $9 at the earliest.
UPDATE webhook_endpoint SET
  name = $3, url = $4, kinds = $5::text[], state = $6, reason = $7, changed = $8,
  cursor_id = CASE WHEN $10 THEN greatest(cursor_id, $9) ELSE cursor_id END,
  failures = CASE WHEN $10 THEN 0 ELSE failures END,
  failing_since = CASE WHEN $10 THEN NULL ELSE failing_since END,
  paused_until = CASE WHEN $10 THEN NULL ELSE paused_until END
WHERE lane = $1::smallint AND endpoint_id = $2;

-- name: touch_endpoint
-- Whoever serves the endpoint reads it again.
UPDATE webhook_endpoint SET changed = $3 WHERE lane = $1::smallint AND endpoint_id = $2;

-- name: remove_endpoint
-- Removes an endpoint with all that hangs on it but its log. The bare row stays a while, to tell whoever serves it.
WITH secrets AS (DELETE FROM webhook_secret WHERE lane = $1::smallint AND endpoint_id = $2),
     late AS (DELETE FROM webhook_late WHERE lane = $1::smallint AND endpoint_id = $2),
     replays AS (DELETE FROM webhook_replay WHERE lane = $1::smallint AND endpoint_id = $2)
UPDATE webhook_endpoint SET state = 'removed', url = '', kinds = '{}', name = '', changed = $3
WHERE lane = $1::smallint AND endpoint_id = $2;

-- name: purge_removed
-- Bare rows of removed endpoints go when everybody knows: those changed before a transaction.
DELETE FROM webhook_endpoint WHERE lane = $1::smallint AND state = 'removed' AND changed < $2;

-- name: want_events
-- Whether the organisation's events are due: while it has an active endpoint or an open feed. Stamped with the identity
-- epoch, for gateways know organisations by heart. It is the one column of identity's that notices writes.
UPDATE organisation o SET wants_events = w.wanted, changed = $3
FROM (SELECT EXISTS (SELECT FROM webhook_endpoint WHERE lane = $1::smallint AND org_id = $2 AND state = 'active')
          OR EXISTS (SELECT FROM event_feed WHERE lane = $1::smallint AND org_id = $2) AS wanted) AS w
WHERE o.lane = $1::smallint AND o.org_id = $2 AND o.wants_events <> w.wanted;

-- name: secrets_of_endpoints
-- The secrets that sign for some endpoints, the newest first.
SELECT endpoint_id, secret_id, sealed, until FROM webhook_secret
WHERE lane = $1::smallint AND endpoint_id = ANY ($2::bigint[]) AND (until IS NULL OR until > $3)
ORDER BY secret_id DESC;

-- name: retire_secrets
-- The present secret signs on until $4; older ones stop at once.
UPDATE webhook_secret SET until = CASE WHEN until IS NULL THEN $4::timestamptz ELSE least(until, $3::timestamptz) END
WHERE lane = $1::smallint AND endpoint_id = $2;

-- name: secrets_under_other_keys
-- Secrets not sealed with the current key of the ring, for re-sealing, from a secret on.
SELECT secret_id, sealed FROM webhook_secret
WHERE lane = $1::smallint AND secret_id > $2
  AND get_byte(sealed, 1) * 256 + get_byte(sealed, 2) <> $3::int
ORDER BY secret_id LIMIT $4::int;

-- name: reseal_secrets
-- Puts re-sealed secrets in place of what was read.
UPDATE webhook_secret w SET sealed = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (secret_id, sealed, old)
WHERE w.lane = $1::smallint AND w.secret_id = s.secret_id AND w.sealed = s.old;

-- name: lane_has_endpoints
-- Whether a lane has anything to serve.
SELECT EXISTS (SELECT FROM webhook_endpoint WHERE lane = $1::smallint AND state = 'active');

-- name: hold_lane
-- Takes a lane whose lease ran out, or keeps one's own; nothing if another has it.
INSERT INTO webhook_lane (lane, lease_token, lease_until) VALUES ($1::smallint, $2, $4)
ON CONFLICT (lane) DO UPDATE SET lease_token = excluded.lease_token, lease_until = excluded.lease_until
WHERE webhook_lane.lease_token = $2 OR webhook_lane.lease_until <= $3
RETURNING lane;

-- name: leave_lane
-- Whoever comes next need not wait.
DELETE FROM webhook_lane WHERE lane = $1::smallint AND lease_token = $2;

-- name: last_due_event
-- The newest event of a lane that is owed to anybody; ids are in the order of commits.
SELECT coalesce(max(event_id), 0) FROM event WHERE lane = $1::smallint AND due;

-- name: due_events
-- What is owed in a lane, from beyond an event on: everybody's, in order.
SELECT event_id, org_id, subject_id, sequence, kind, at, data FROM event
WHERE lane = $1::smallint AND due AND event_id > $2 ORDER BY event_id LIMIT $3;

-- name: due_events_of
-- What is owed to one organisation between two events, in order.
SELECT event_id, org_id, subject_id, sequence, kind, at, data FROM event
WHERE lane = $1::smallint AND org_id = $2 AND due AND event_id > $3 AND event_id <= $4 ORDER BY event_id LIMIT $5;

-- name: late_events
-- What is late of some endpoints, with the events themselves.
SELECT l.endpoint_id, l.attempts, l.next_at, e.event_id, e.org_id, e.subject_id, e.sequence, e.kind, e.at, e.data
FROM webhook_late l JOIN event e ON e.lane = l.lane AND e.subject_id = l.subject_id AND e.sequence = l.sequence
WHERE l.lane = $1::smallint AND l.endpoint_id = ANY ($2::bigint[]) ORDER BY e.event_id;

-- name: upsert_late
-- What failed waits here for its next attempt.
INSERT INTO webhook_late (lane, endpoint_id, subject_id, sequence, attempts, next_at)
SELECT $1::smallint, l.endpoint_id, l.subject_id, l.sequence, l.attempts, l.next_at
FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::timestamptz[])
  AS l (endpoint_id, subject_id, sequence, attempts, next_at)
ON CONFLICT (lane, endpoint_id, subject_id) DO UPDATE
SET sequence = excluded.sequence, attempts = excluded.attempts, next_at = excluded.next_at;

-- name: delete_late
-- What was late and is not any more.
DELETE FROM webhook_late USING unnest($2::bigint[], $3::bigint[]) AS l (endpoint_id, subject_id)
WHERE webhook_late.lane = $1::smallint AND webhook_late.endpoint_id = l.endpoint_id
  AND webhook_late.subject_id = l.subject_id;

-- name: write_progress
-- How far endpoints are, and how they do.
UPDATE webhook_endpoint e
SET cursor_id = p.cursor_id, failures = p.failures, failing_since = p.failing_since, paused_until = p.paused_until
FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::timestamptz[], $6::timestamptz[])
  AS p (endpoint_id, cursor_id, failures, failing_since, paused_until)
WHERE e.lane = $1::smallint AND e.endpoint_id = p.endpoint_id AND e.state = 'active';

-- name: insert_log
-- Many attempts of an endpoint in one row.
INSERT INTO webhook_log (lane, log_id, endpoint_id, at, event_ids, statuses, took_ms, attempts, faults)
VALUES ($1::smallint, $2, $3, $4, $5::bigint[], $6::smallint[], $7::int[], $8::smallint[], $9::text[]);

-- name: read_log
-- The delivery log of an endpoint, newest first.
SELECT log_id, at, event_ids, statuses, took_ms, attempts, faults FROM webhook_log
WHERE lane = $1::smallint AND endpoint_id = $2 AND log_id < $3 ORDER BY log_id DESC LIMIT $4;

-- name: purge_log
-- Forgets the log before an id.
DELETE FROM webhook_log WHERE lane = $1::smallint AND log_id IN (
  SELECT log_id FROM webhook_log WHERE lane = $1::smallint AND log_id < $2 ORDER BY log_id LIMIT $3);

-- name: insert_replay
-- Events that are sent again.
INSERT INTO webhook_replay (lane, replay_id, endpoint_id, after_id, until_id) VALUES ($1::smallint, $2, $3, $4, $5);

-- name: replays_of_endpoints
-- What some endpoints are still to be sent again, in the order it was asked for.
SELECT endpoint_id, replay_id, after_id, until_id FROM webhook_replay
WHERE lane = $1::smallint AND endpoint_id = ANY ($2::bigint[]) ORDER BY replay_id;

-- name: move_replays
-- How far replays are.
UPDATE webhook_replay r SET after_id = p.after_id FROM unnest($2::bigint[], $3::bigint[]) AS p (replay_id, after_id)
WHERE r.lane = $1::smallint AND r.replay_id = p.replay_id;

-- name: delete_replays
-- Replays that are through.
DELETE FROM webhook_replay WHERE lane = $1::smallint AND replay_id = ANY ($2::bigint[]);

-- name: organisation_exists
-- Whether there is such an organisation.
SELECT EXISTS (SELECT FROM organisation WHERE lane = $1::smallint AND org_id = $2);

-- name: event_of_organisation
-- Whether an event is owed to this organisation.
SELECT EXISTS (SELECT FROM event WHERE lane = $1::smallint AND org_id = $2 AND due AND event_id = $3);

-- name: open_feed
-- From here on an organisation's events are kept to be read.
INSERT INTO event_feed (lane, org_id, since_id, opened_at) VALUES ($1::smallint, $2, $3, $4)
ON CONFLICT (lane, org_id) DO NOTHING;

-- name: feed_since
-- From which event on an organisation's feed is whole.
SELECT since_id FROM event_feed WHERE lane = $1::smallint AND org_id = $2;

-- name: insert_message
-- A message to somebody, to be sent by its job.
INSERT INTO message (lane, message_id, org_id, channel, template, facts, address, address_hash, created_at, language,
                     about, shown)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: messages_since
-- How many messages an address was sent since then.
SELECT count(*) FROM message WHERE lane = $1::smallint AND address_hash = $2 AND created_at > $3;

-- name: read_message
-- One message.
SELECT message_id, org_id, channel, template, facts, address, state, receipt, created_at, language FROM message
WHERE lane = $1::smallint AND message_id = $2;

-- name: settle_messages
-- Messages that were sent, with what the channel said.
UPDATE message m SET state = 'sent', receipt = s.receipt, sent_at = $4
FROM unnest($2::bigint[], $3::text[]) AS s (message_id, receipt)
WHERE m.lane = $1::smallint AND m.message_id = s.message_id;

-- name: purge_messages
-- Forgets messages before an id; their addresses go with them.
DELETE FROM message WHERE lane = $1::smallint AND message_id IN (
  SELECT message_id FROM message WHERE lane = $1::smallint AND message_id < $2 AND state = 'sent'
  ORDER BY message_id LIMIT $3);

-- name: addresses_under_other_keys
-- Addresses not sealed with the current key of the ring, for re-sealing, from a message on.
SELECT message_id, address FROM message
WHERE lane = $1::smallint AND message_id > $2
  AND get_byte(address, 1) * 256 + get_byte(address, 2) <> $3::int
ORDER BY message_id LIMIT $4::int;

-- name: reseal_addresses
-- Puts re-sealed addresses in place of what was read.
UPDATE message m SET address = s.sealed
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (message_id, sealed, old)
WHERE m.lane = $1::smallint AND m.message_id = s.message_id AND m.address = s.old;

-- name: was_told
-- Whether an address was told of something since then.
SELECT EXISTS (
  SELECT FROM message
  WHERE lane = $1::smallint AND address_hash = $2 AND created_at > $3 AND template = $4 AND about = $5);

-- name: messages_of_organisation
-- What was told in the name of an organisation (0: to staff), newest first. No address stands in clear.
SELECT message_id, channel, template, language, shown, state, receipt, created_at, sent_at FROM message
WHERE lane = $1::smallint AND org_id = $2 AND message_id < $3 ORDER BY message_id DESC LIMIT $4::int;

-- name: find_subscription
-- The subscription of an address to a topic.
SELECT subscription_id FROM notice_subscription
WHERE org_id = $1 AND topic = $2 AND channel = $3 AND address_hash = $4;

-- name: put_subscription
-- Somebody is to be told of a topic; asked for again, in the language and with the secret said last.
INSERT INTO notice_subscription (subscription_id, org_id, topic, channel, language, address, address_hash, shown,
                                 created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (org_id, topic, channel, address_hash) DO UPDATE
SET language = excluded.language, address = excluded.address;

-- name: subscriptions_of
-- Whom an organisation (0: the staff) wants told, and of what.
SELECT subscription_id, org_id, topic, channel, language, shown, created_at FROM notice_subscription
WHERE org_id = $1 ORDER BY topic, subscription_id;

-- name: subscribers
-- Whom an organisation wants told of one topic.
SELECT subscription_id, channel, language, address FROM notice_subscription
WHERE org_id = $1 AND topic = $2 ORDER BY subscription_id;

-- name: has_subscribers
-- Whether anybody is to be told of a topic.
SELECT EXISTS (SELECT FROM notice_subscription WHERE org_id = $1 AND topic = $2);

-- name: remove_subscription
-- Takes one of an organisation's away; what it was about.
DELETE FROM notice_subscription WHERE org_id = $1 AND subscription_id = $2 RETURNING topic;

-- name: subscriptions_under_other_keys
-- Addresses not sealed with the current key of the ring, for re-sealing, from a subscription on.
SELECT subscription_id, address FROM notice_subscription
WHERE subscription_id > $1 AND get_byte(address, 1) * 256 + get_byte(address, 2) <> $2::int
ORDER BY subscription_id LIMIT $3::int;

-- name: reseal_subscriptions
-- Puts re-sealed addresses in place of what was read.
UPDATE notice_subscription n SET address = s.sealed
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS s (subscription_id, sealed, old)
WHERE n.subscription_id = s.subscription_id AND n.address = s.old;

-- name: untold_desk
-- What lies on the desk and staff does not know yet, or does not know to have waited since before $2. What was overdue
-- and is not any more came back between two looks, and is told as new. What messages themselves laid there is left out:
-- a broken channel must not tell of itself for ever.
SELECT j.job_id, j.kind, j.due_at < $2 AS is_overdue,
       t.job_id IS NULL OR t.was_overdue AND j.due_at >= $2 AS is_new
FROM job j LEFT JOIN desk_told t ON t.lane = $1::smallint AND t.job_id = j.job_id
WHERE j.lane = $1::smallint AND j.state IN ('dead', 'unknown') AND NOT starts_with(j.kind, 'notices.')
  AND (t.job_id IS NULL OR t.was_overdue <> (j.due_at < $2))
ORDER BY j.job_id LIMIT $3::int;

-- name: put_desk_told
-- Staff knows of these now.
INSERT INTO desk_told (lane, job_id, was_overdue)
SELECT $1::smallint, d.job_id, d.was_overdue FROM unnest($2::bigint[], $3::boolean[]) AS d (job_id, was_overdue)
ON CONFLICT (lane, job_id) DO UPDATE SET was_overdue = excluded.was_overdue;

-- name: has_left_desk
-- Whether something that staff was told of is not on the desk any more.
SELECT EXISTS (
  SELECT FROM desk_told t WHERE t.lane = $1::smallint AND NOT EXISTS (
    SELECT FROM job j WHERE j.lane = $1::smallint AND j.job_id = t.job_id AND j.state IN ('dead', 'unknown')));

-- name: forget_desk_told
-- Forgets what left the desk: should it come back, it is told anew.
DELETE FROM desk_told t WHERE t.lane = $1::smallint AND NOT EXISTS (
  SELECT FROM job j WHERE j.lane = $1::smallint AND j.job_id = t.job_id AND j.state IN ('dead', 'unknown'));

-- name: attempts_of_events
-- What was tried of some events at an organisation's endpoints, from the first of them on; at most so many rows are
-- looked at.
SELECT l.endpoint_id, l.at, l.event_ids, l.statuses, l.took_ms, l.attempts, l.faults
FROM webhook_endpoint w CROSS JOIN LATERAL (
  SELECT * FROM webhook_log
  WHERE lane = $1::smallint AND endpoint_id = w.endpoint_id AND log_id > $4 ORDER BY log_id LIMIT $5::int
) AS l
WHERE w.lane = $1::smallint AND w.org_id = $2 AND l.event_ids && $3::bigint[] ORDER BY l.at;

-- name: endpoints_in_trouble
-- Endpoints of a lane that fail or were disabled.
SELECT endpoint_id, org_id, name, url, kinds, state, reason, changed, created_at, cursor_id, failures, failing_since,
       paused_until
FROM webhook_endpoint
WHERE lane = $1::smallint AND (state = 'disabled' OR state = 'active' AND failures > 0) ORDER BY endpoint_id LIMIT $2::int;

-- name: endpoints_of_lane
-- Endpoints of a lane below an id, newest first.
SELECT endpoint_id, org_id, name, url, kinds, state, reason, changed, created_at, cursor_id, failures, failing_since,
       paused_until
FROM webhook_endpoint WHERE lane = $1::smallint AND endpoint_id < $2 AND state <> 'removed'
ORDER BY endpoint_id DESC LIMIT $3::int;

-- name: insert_bulletin
-- Something to be said on pages.
INSERT INTO announcement (announcement_id, face, tone, zh, en, starts_at, ends_at, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: withdraw_bulletin
-- It is not said any more.
UPDATE announcement SET withdrawn_at = $2 WHERE announcement_id = $1 AND withdrawn_at IS NULL RETURNING announcement_id;

-- name: standing_bulletins
-- What is said now, or will be.
SELECT announcement_id, face, tone, zh, en, starts_at, ends_at, created_at, created_by, withdrawn_at FROM announcement
WHERE withdrawn_at IS NULL AND (ends_at IS NULL OR ends_at > $1) ORDER BY starts_at DESC LIMIT 100;

-- name: all_bulletins
-- Everything that was ever said, newest first, below an id.
SELECT announcement_id, face, tone, zh, en, starts_at, ends_at, created_at, created_by, withdrawn_at FROM announcement
WHERE announcement_id < $1 ORDER BY announcement_id DESC LIMIT $2::int;

-- name: every_channel
-- Every channel account, without its credentials.
SELECT channel_id, org_id, protocol, name, currency, account_no, offers, fee_ppm, fee_fixed_e4, least_e4, most_e4,
       day_most_e4, opens_min, closes_min, licence_until, certificate_until, notify_from, weight, is_on, revision,
       made_at, changed_at, day_target_e4
FROM payment_channel ORDER BY channel_id;

-- name: every_credential
-- What channel accounts speak with, sealed.
SELECT channel_id, revision, protocol, credentials FROM payment_channel WHERE credentials IS NOT NULL;

-- name: insert_channel
-- A new channel account, switched off; its credentials are sealed for its number.
INSERT INTO payment_channel (org_id, protocol, name, currency, account_no, offers, fee_ppm, fee_fixed_e4, least_e4,
                             most_e4, day_most_e4, opens_min, closes_min, licence_until, certificate_until, notify_from,
                             weight, made_at, changed_at, day_target_e4)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)
ON CONFLICT (org_id, name) DO NOTHING RETURNING channel_id;

-- name: set_channel
-- Changes what may be changed of a channel account, if nobody else did meanwhile.
UPDATE payment_channel SET name = $3, offers = $4, fee_ppm = $5, fee_fixed_e4 = $6, least_e4 = $7, most_e4 = $8,
       day_most_e4 = $9, opens_min = $10, closes_min = $11, licence_until = $12, certificate_until = $13,
       notify_from = $14, weight = $15, is_on = $16, account_no = $17, changed_at = $18,
       day_target_e4 = $19, revision = revision + 1
WHERE channel_id = $1 AND revision = $2 RETURNING revision;

-- name: set_credentials
-- Other credentials for a channel account.
UPDATE payment_channel SET credentials = $2, changed_at = $3, revision = revision + 1 WHERE channel_id = $1
RETURNING revision;

-- name: reseal_credentials
-- Re-sealed credentials in place of what was read.
UPDATE payment_channel SET credentials = $2 WHERE channel_id = $1 AND credentials = $3;

-- name: own_rules
-- Which of these agents collect themselves, each with what its shop takes.
SELECT g.org_id, coalesce(u.rule, 'only') AS rule
FROM organisation g LEFT JOIN channel_use u ON u.org_id = g.org_id
WHERE g.org_id = ANY($1::bigint[]) AND g.self_collected AND g.state = 'active';

-- name: channel_rule
-- What an agent's shop takes.
SELECT rule FROM channel_use WHERE org_id = $1;

-- name: set_channel_rule
-- What an agent's shop takes from now on.
INSERT INTO channel_use (org_id, rule, changed_at, changed_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (org_id) DO UPDATE SET rule = excluded.rule, changed_at = excluded.changed_at,
  changed_by = excluded.changed_by;

-- name: day_totals
-- What was begun through each channel on a day, over all lanes.
SELECT channel_id, sum(begun_e4)::bigint AS begun_e4 FROM payment_day WHERE day = $1 GROUP BY channel_id;

-- name: channel_days
-- What went through each channel since a day, over all lanes.
SELECT channel_id, day, sum(begun)::bigint AS begun, sum(begun_e4)::bigint AS begun_e4, sum(paid)::bigint AS paid,
       sum(paid_e4)::bigint AS paid_e4, sum(fee_e4)::bigint AS fee_e4, sum(refunded_e4)::bigint AS refunded_e4
FROM payment_day WHERE day >= $1 GROUP BY channel_id, day ORDER BY day, channel_id;

-- name: add_to_days
-- Adds what a batch did to the sums of its channels' days.
INSERT INTO payment_day AS d (lane, channel_id, day, begun, begun_e4, paid, paid_e4, fee_e4, refunded_e4)
SELECT $1::smallint, n.* FROM unnest($2::int[], $3::date[], $4::int[], $5::bigint[], $6::int[], $7::bigint[],
                                     $8::bigint[], $9::bigint[]) AS n
ON CONFLICT (lane, channel_id, day) DO UPDATE SET
  begun = d.begun + excluded.begun, begun_e4 = d.begun_e4 + excluded.begun_e4, paid = d.paid + excluded.paid,
  paid_e4 = d.paid_e4 + excluded.paid_e4, fee_e4 = d.fee_e4 + excluded.fee_e4,
  refunded_e4 = d.refunded_e4 + excluded.refunded_e4;

-- name: read_payables
-- What is to be paid, by id; the caller holds the gate.
SELECT payable_id, kind, org_id, amount_e4, currency, wallet_e4, hold_id, bonus_e4, client_ref, attempts, state,
       payment_id, expires_at, made_at, ended_at, fee_e4
FROM payable WHERE lane = $1::smallint AND payable_id = ANY($2::bigint[]);

-- name: find_recharge
-- A recharge by its organisation's reference.
SELECT payable_id, kind, org_id, amount_e4, currency, wallet_e4, hold_id, bonus_e4, client_ref, attempts, state,
       payment_id, expires_at, made_at, ended_at, fee_e4
FROM payable WHERE lane = $1::smallint AND org_id = $2 AND client_ref = $3;

-- name: list_recharges
-- Recharges of an organisation below the cursor, newest first.
SELECT payable_id, kind, org_id, amount_e4, currency, wallet_e4, hold_id, bonus_e4, client_ref, attempts, state,
       payment_id, expires_at, made_at, ended_at, fee_e4
FROM payable WHERE lane = $1::smallint AND org_id = $2 AND payable_id < $3 AND kind = 'recharge'
ORDER BY payable_id DESC LIMIT $4::int;

-- name: end_payables
-- These are paid, by the payment named, or closed.
UPDATE payable p SET state = c.state, payment_id = c.payment_id, ended_at = $2
FROM unnest($3::bigint[], $4::text[], $5::bigint[]) AS c (payable_id, state, payment_id)
WHERE p.lane = $1::smallint AND p.payable_id = c.payable_id;

-- name: read_payments
-- Attempts by id; the caller holds the gate if he writes.
SELECT payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4, state, taken_as,
       paid_e4, refunded_e4, provider_no, payer, code, shown, begun_at, expires_at, paid_at, booked_at,
       closed_at, transfer_id
FROM payment WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]);

-- name: read_due
-- Attempts by id, each with what it is to pay; the caller holds the gate.
SELECT a.payment_id, a.payable_id, a.org_id, a.channel_id, a.attempt, a.method, a.scene, a.amount_e4, a.currency,
       a.fee_e4, a.state, a.taken_as, a.paid_e4, a.refunded_e4, a.provider_no, a.payer, a.code, a.shown, a.begun_at,
       a.expires_at, a.paid_at, a.booked_at, a.closed_at, a.transfer_id,
       p.payable_id, p.kind, p.org_id, p.amount_e4, p.currency, p.wallet_e4, p.hold_id, p.bonus_e4, p.client_ref,
       p.attempts, p.state, p.payment_id, p.expires_at, p.made_at, p.ended_at, p.fee_e4
FROM payment a JOIN payable p ON p.lane = $1::smallint AND p.payable_id = a.payable_id
WHERE a.lane = $1::smallint AND a.payment_id = ANY($2::bigint[]);

-- name: attempts_of
-- All attempts to pay some things, in order.
SELECT payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4, state, taken_as,
       paid_e4, refunded_e4, provider_no, payer, code, shown, begun_at, expires_at, paid_at, booked_at,
       closed_at, transfer_id
FROM payment WHERE lane = $1::smallint AND payable_id = ANY($2::bigint[]) ORDER BY payable_id, attempt;

-- name: set_payments
-- Puts attempts where what was told led them, and ends what they were to pay, as end_payables does.
WITH ended AS (
  UPDATE payable p SET state = c.state, payment_id = c.payment_id, ended_at = $13
  FROM unnest($14::bigint[], $15::text[], $16::bigint[]) AS c (payable_id, state, payment_id)
  WHERE p.lane = $1::smallint AND p.payable_id = c.payable_id
)
UPDATE payment p SET state = n.state, taken_as = n.taken_as, paid_e4 = n.paid_e4, provider_no = n.provider_no,
       payer = n.payer, code = n.code, paid_at = n.paid_at, booked_at = n.booked_at, closed_at = n.closed_at,
       transfer_id = n.transfer_id
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
            $10::timestamptz[], $11::timestamptz[], $12::bigint[])
  AS n (payment_id, state, taken_as, paid_e4, provider_no, payer, code, paid_at, booked_at, closed_at, transfer_id)
WHERE p.lane = $1::smallint AND p.payment_id = n.payment_id;

-- name: add_refunded
-- What was given back of payments, by their providers' word.
UPDATE payment p SET refunded_e4 = p.refunded_e4 + n.amount_e4,
       state = CASE WHEN p.refunded_e4 + n.amount_e4 = p.paid_e4 THEN 'refunded' ELSE p.state END
FROM unnest($2::bigint[], $3::bigint[]) AS n (payment_id, amount_e4)
WHERE p.lane = $1::smallint AND p.payment_id = n.payment_id;

-- name: known_events
-- Which of these events of providers are in the inbox.
SELECT n.channel_id, n.event_id FROM payment_notice n
JOIN unnest($2::int[], $3::text[]) AS w (channel_id, event_id) ON w.channel_id = n.channel_id AND w.event_id = n.event_id
WHERE n.lane = $1::smallint;

-- name: insert_notices
-- What providers told, with what came of it; and what it was, masked, of those that were requests.
WITH told AS (
  SELECT * FROM unnest($3::int[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::jsonb[], $10::text[])
    AS n (channel_id, event_id, kind, payment_id, refund_id, effect, facts, said)
), kept AS (
  INSERT INTO payment_message (lane, channel_id, event_id, said, at)
  SELECT $1::smallint, channel_id, event_id, said, $2::timestamptz FROM told WHERE said IS NOT NULL
)
INSERT INTO payment_notice (lane, channel_id, event_id, kind, payment_id, refund_id, effect, facts, at)
SELECT $1::smallint, channel_id, event_id, kind, payment_id, refund_id, effect, facts, $2::timestamptz FROM told;

-- name: purge_messages
-- Notices of before a moment: what they proved stays, what they were goes, so many at once.
DELETE FROM payment_message m USING (
  SELECT channel_id, event_id FROM payment_message WHERE lane = $1::smallint AND at < $2 ORDER BY at LIMIT $3::int) AS o
WHERE m.lane = $1::smallint AND m.channel_id = o.channel_id AND m.event_id = o.event_id
RETURNING m.event_id;

-- name: notices_of
-- What providers told of a payment and of its refunds, in order, with what they sent.
SELECT n.channel_id, n.event_id, n.kind, n.refund_id, n.effect, n.facts, n.at, m.said
FROM payment_notice n
LEFT JOIN payment_message m ON m.lane = $1::smallint AND m.channel_id = n.channel_id AND m.event_id = n.event_id
WHERE n.lane = $1::smallint AND (n.payment_id = $2 OR n.refund_id = ANY($3::bigint[])) ORDER BY n.at, n.event_id;

-- name: read_refunds
-- Refunds by id.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund WHERE lane = $1::smallint AND refund_id = ANY($2::bigint[]);

-- name: refunds_of
-- Refunds of some payments, in order.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]) ORDER BY refund_id;

-- name: refund_by_key
-- The refund that was asked for under a key.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund WHERE lane = $1::smallint AND request_key = $2;

-- name: refunds_on_desk
-- Which of these refunds, by number, wait for a person to book how they went back.
SELECT payload ->> 'reference' AS refund_no FROM job
WHERE lane = $1::smallint AND subject_id = ANY($2::bigint[]) AND state IN ('waiting', 'dead')
  AND payload ->> 'reference' = ANY($3::text[]);

-- name: insert_refunds
-- Money that is to go back to where it came from.
INSERT INTO payment_refund (lane, refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4,
                            currency, reason, case_id, origin, asked_at)
SELECT $1::smallint, n.refund_id, n.payment_id, n.payable_id, n.org_id, n.channel_id, n.request_key, n.cause,
       n.amount_e4, n.currency, n.reason, n.case_id, n.origin, $2::timestamptz
FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::text[], $9::text[], $10::bigint[],
            $11::text[], $12::text[], $13::bigint[], $14::jsonb[])
  AS n (refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, case_id,
        origin);

-- name: set_by_hand
-- A person gave it back by other means.
UPDATE payment_refund SET hand_no = $3, hand_by = $4, hand_at = $5 WHERE lane = $1::smallint AND refund_id = $2;

-- name: refunds_of_cases
-- Refunds of some differences, in order.
SELECT refund_id, payment_id, payable_id, org_id, channel_id, request_key, cause, amount_e4, currency, reason, state,
       tries, provider_refund_no, code, asked_at, sent_at, ended_at, transfer_id, case_id, origin, hand_no, hand_by, hand_at
FROM payment_refund WHERE lane = $1::smallint AND case_id = ANY($2::bigint[]) ORDER BY refund_id;

-- name: set_refunds
-- Puts refunds where what was told led them.
UPDATE payment_refund r SET state = n.state, tries = n.tries, provider_refund_no = n.provider_refund_no, code = n.code,
       sent_at = n.sent_at, ended_at = n.ended_at, transfer_id = n.transfer_id
FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
            $9::bigint[])
  AS n (refund_id, state, tries, provider_refund_no, code, sent_at, ended_at, transfer_id)
WHERE r.lane = $1::smallint AND r.refund_id = n.refund_id;

-- name: find_decision
-- Why an attempt went to its channel.
SELECT decision, propensity FROM payment WHERE lane = $1::smallint AND payment_id = $2;

-- name: undrawn_decisions
-- Decisions above the cursor whose propensity nobody has estimated yet.
SELECT payment_id, decision FROM payment
WHERE lane = $1::smallint AND payment_id > $2 AND propensity IS NULL AND decision IS NOT NULL
ORDER BY payment_id LIMIT $3::int;

-- name: set_propensities
-- How likely these attempts were to go where they went.
UPDATE payment p SET propensity = n.propensity
FROM unnest($2::bigint[], $3::double precision[]) AS n (payment_id, propensity)
WHERE p.lane = $1::smallint AND p.payment_id = n.payment_id;

-- name: channel_pace
-- What became of a lane's attempts above the cursor, channel by channel.
SELECT channel_id, count(*) AS begun, count(*) FILTER (WHERE state IN ('paid', 'refunded')) AS paid,
       count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'unknown') AS unknown,
       sum(amount_e4)::bigint AS amount_e4
FROM payment WHERE lane = $1::smallint AND payment_id > $2 GROUP BY channel_id;

-- name: channel_faults
-- How a channel's creates failed above the cursor, in a lane.
SELECT state, code, count(*) AS times, max(begun_at) AS last_at FROM payment
WHERE lane = $1::smallint AND payment_id > $2 AND channel_id = $3 AND state IN ('failed', 'unknown')
GROUP BY state, code;

-- name: read_policy
-- How channels are chosen; none: as it is built in.
SELECT policy FROM routing_policy;

-- name: put_policy
-- Another way of choosing.
INSERT INTO routing_policy (policy, changed_by, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (is_only) DO UPDATE SET policy = excluded.policy, changed_by = excluded.changed_by,
  changed_at = excluded.changed_at;

-- name: every_rule
-- The rules that hold, in their order.
SELECT rule_id, place, rule, changed_by, changed_at FROM routing_rule WHERE ended_at IS NULL ORDER BY place, rule_id;

-- name: insert_rule
-- A rule after all others.
INSERT INTO routing_rule (place, rule, changed_by, changed_at)
SELECT coalesce(max(place), 0) + 1, $1, $2, $3 FROM routing_rule WHERE ended_at IS NULL RETURNING rule_id;

-- name: set_rule
-- What a rule says from now on, and where it stands.
UPDATE routing_rule SET rule = $2, place = $3, changed_by = $4, changed_at = $5
WHERE rule_id = $1 AND ended_at IS NULL RETURNING rule_id;

-- name: end_rule
-- A rule that holds no more.
UPDATE routing_rule SET ended_at = $3, changed_by = $2, changed_at = $3
WHERE rule_id = $1 AND ended_at IS NULL RETURNING rule;

-- name: put_book
-- Channels, rules and policy as they stand; nothing if they stood so before.
INSERT INTO routing_book (digest, book, made_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING
RETURNING revision;

-- name: revision_of
-- Under which revision they stood so before.
SELECT revision FROM routing_book WHERE digest = $1;

-- name: read_book
-- What a decision was made by.
SELECT book FROM routing_book WHERE revision = $1;

-- name: insert_sheet
-- What a process heard; the caller holds the gate.
INSERT INTO routing_sheet (lane, sheet_id, writer, heard) VALUES ($1, $2, $3, $4);

-- name: sheets_after
-- What processes heard since; of the reader's own only that there is a sheet.
SELECT sheet_id, CASE WHEN writer <> $3 THEN heard END AS heard FROM routing_sheet
WHERE lane = $1::smallint AND sheet_id > $2 ORDER BY sheet_id LIMIT $4::int;

-- name: drop_sheets
-- What everybody read long ago.
DELETE FROM routing_sheet WHERE lane = $1::smallint AND sheet_id < $2;

-- name: read_memory
-- What a learner kept the last time.
SELECT state, seen_id, at FROM routing_memory WHERE lane = $1::smallint;

-- name: put_memory
-- What a learner keeps, unless another was kept meanwhile that knows more.
INSERT INTO routing_memory AS m (lane, state, seen_id, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (lane) DO UPDATE SET state = excluded.state, seen_id = excluded.seen_id, at = excluded.at
WHERE m.seen_id <= excluded.seen_id;

-- name: every_bonus
-- The rules of what is given on top of recharges that may still apply.
SELECT bonus_id, from_e4, give_e4, give_ppm, most_e4, starts_at, ends_at FROM recharge_bonus
WHERE ends_at IS NULL OR ends_at > $1 ORDER BY from_e4, bonus_id;

-- name: insert_bonus
-- One more rule.
INSERT INTO recharge_bonus (from_e4, give_e4, give_ppm, most_e4, starts_at, ends_at, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING bonus_id;

-- name: end_bonus
-- A rule that applies no more.
UPDATE recharge_bonus SET ends_at = greatest($2, starts_at + interval '1 microsecond')
WHERE bonus_id = $1 AND (ends_at IS NULL OR ends_at > $2) RETURNING bonus_id;

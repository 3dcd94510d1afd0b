-- name: read_channels
-- The platform's channel accounts, as far as reconciliation has to know them: an agent's own bills are its own matter.
SELECT channel_id, name, protocol, currency FROM payment_channel WHERE org_id = 0 ORDER BY channel_id;

-- name: expect_bill
-- From now on that bill is waited for.
INSERT INTO bill (channel_id, day, next_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: lock_bill
-- A bill, for whoever works on it; the next one waits.
SELECT channel_id, day, state, lines, payment_e4, refund_e4, fee_e4, digest, tries, said, next_at, fetched_at, settled_at,
       closed_at
FROM bill WHERE channel_id = $1 AND day = $2 FOR UPDATE;

-- name: read_bills
-- Bills of some days, newest first.
SELECT channel_id, day, state, lines, payment_e4, refund_e4, fee_e4, digest, tries, said, next_at, fetched_at, settled_at,
       closed_at
FROM bill WHERE day BETWEEN $1 AND $2 AND ($3::int IS NULL OR channel_id = $3) ORDER BY day DESC, channel_id;

-- name: note_missing
-- A bill that was not there is asked for again later.
UPDATE bill SET tries = tries + 1, said = $3, next_at = $4 WHERE channel_id = $1 AND day = $2 AND state = 'waiting';

-- name: note_odd
-- What is odd about a bill, for people.
UPDATE bill SET said = $3 WHERE channel_id = $1 AND day = $2;

-- name: set_fetched
-- A bill is here.
UPDATE bill SET state = 'fetched', lines = $3, payment_e4 = $4, refund_e4 = $5, fee_e4 = $6, digest = $7, said = $8,
       fetched_at = $9
WHERE channel_id = $1 AND day = $2;

-- name: set_settled
-- Every lane has matched and moved what this bill says.
UPDATE bill SET state = 'settled', settled_at = $3 WHERE channel_id = $1 AND day = $2 AND state = 'fetched';

-- name: set_closed
-- The buffer of this bill's day is over.
UPDATE bill SET state = 'closed', closed_at = $3 WHERE channel_id = $1 AND day = $2 AND state = 'settled';

-- name: forget_lines
-- Lines of a bill that is fetched once more before it was settled.
DELETE FROM bill_line WHERE lane = $1::smallint AND channel_id = $2 AND day = $3;

-- name: find_by_provider_no
-- Payments of some days by their provider's numbers.
SELECT provider_no, payment_id FROM payment
WHERE lane = $1::smallint AND channel_id = $2 AND payment_id BETWEEN $3 AND $4 AND provider_no = ANY($5::text[]);

-- name: has_payments
-- Whether money came in through a channel between two moments.
SELECT EXISTS (
  SELECT FROM payment WHERE lane = $1::smallint AND channel_id = $2 AND booked_at >= $3 AND booked_at < $4);

-- name: reckoned_fees
-- What is kept of some payments, as it was reckoned when they were begun.
SELECT payment_id, fee_e4 FROM payment
WHERE lane = $1::smallint AND channel_id = $2 AND payment_id = ANY($3::bigint[]);

-- name: done_refunds
-- What a channel's provider said it gave back between two moments.
SELECT refund_id, payment_id, amount_e4, ended_at FROM payment_refund
WHERE lane = $1::smallint AND channel_id = $2 AND state = 'done' AND ended_at >= $3 AND ended_at < $4
ORDER BY refund_id;

-- name: judge_bill
-- A bill's lines in a lane: all that agree in one row without a key, each other one by its own.
SELECT CASE WHEN verdict IS NOT NULL THEN line_key END AS line_key, count(*)::int AS lines,
       coalesce(sum(amount_e4) FILTER (WHERE kind = 'payment'), 0)::bigint AS payment_e4,
       coalesce(sum(amount_e4) FILTER (WHERE kind = 'refund'), 0)::bigint AS refund_e4,
       sum(net_e4)::bigint AS net_e4, sum(gap_e4)::bigint AS gap_e4
FROM bill_judged WHERE lane = $1::smallint AND channel_id = $2 AND day = $3
GROUP BY 1;

-- name: subjects_of_lines
-- What some lines of a bill are about.
SELECT DISTINCT subject_id FROM bill_line
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3 AND line_key = ANY($4::text[]);

-- name: judge_lines
-- Some lines of a bill, with whatever else there is about the same; the caller holds the gate.
SELECT line_key, kind AS line_kind, subject_id, payment_id, amount_e4, book_e4, verdict, gap_e4
FROM bill_judged
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3 AND subject_id = ANY($4::bigint[])
  AND line_key = ANY($5::text[])
ORDER BY line_key;

-- name: read_settlement
-- What a bill moved in a lane, and which of its lines are still to become cases.
SELECT lines, differences, payment_e4, refund_e4, net_e4, fee_e4, left_keys FROM bill_settlement
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3;

-- name: insert_settlement
-- What a bill moves in a lane.
INSERT INTO bill_settlement (lane, channel_id, day, lines, differences, payment_e4, refund_e4, net_e4, fee_e4, left_keys, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: set_left
-- Some lines became cases, or agree by now, but for a rounding of their fees.
UPDATE bill_settlement SET left_keys = $4, fee_e4 = fee_e4 + $5
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3;

-- name: sum_settlements
-- What some days' bills of a lane moved.
SELECT channel_id, day, lines, differences, net_e4, fee_e4 FROM bill_settlement
WHERE lane = $1::smallint AND day BETWEEN $2 AND $3;

-- name: insert_cases
-- Differences; whoever found one again changes nothing.
INSERT INTO bill_case (lane, case_id, channel_id, day, line_key, line_kind, kind, subject_id, payment_id, bill_e4, book_e4,
                       currency, suspense_e4, rest_e4, state, opened_at, due_at, act, resolved_at)
SELECT $1::smallint, n.case_id, $2, $3, n.line_key, n.line_kind, n.kind, n.subject_id, n.payment_id, n.bill_e4, n.book_e4,
       $4, n.suspense_e4, n.rest_e4, CASE n.kind WHEN 'CUT_OFF' THEN 'resolved' ELSE 'open' END, $5, n.due_at,
       CASE n.kind WHEN 'CUT_OFF' THEN 'cleared' END, CASE n.kind WHEN 'CUT_OFF' THEN $5::timestamptz END
FROM unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
            $14::bigint[], $15::bigint[], $16::timestamptz[])
  AS n (case_id, line_key, line_kind, kind, subject_id, payment_id, bill_e4, book_e4, suspense_e4, rest_e4, due_at);

-- name: missing_payments
-- Payments booked between two moments and paid on one of these days, that no bill of the days around has.
SELECT p.payment_id AS subject_id, p.payment_id, p.paid_e4 AS book_e4, p.fee_e4 - p.paid_e4 AS gap_e4
FROM payment p
WHERE p.lane = $1::smallint AND p.channel_id = $2 AND p.booked_at >= $3 AND p.booked_at < $4
  AND p.paid_at < $5 AND (p.paid_at AT TIME ZONE interval '8 hours')::date = ANY($6::date[])
  AND NOT EXISTS (
    SELECT FROM bill_line l WHERE l.lane = $1::smallint AND l.channel_id = $2 AND l.day BETWEEN $7 AND $8
    AND l.kind = 'payment' AND l.subject_id = p.payment_id)
  AND NOT EXISTS (
    SELECT FROM bill_case c WHERE c.lane = $1::smallint AND c.channel_id = $2 AND c.line_kind = 'payment'
    AND c.subject_id = p.payment_id AND c.subject_id > 0)
ORDER BY p.payment_id;

-- name: missing_refunds
-- Refunds that were done between two moments, of days that are settled, and that no bill of the days around has.
SELECT r.refund_id AS subject_id, r.payment_id, r.amount_e4 AS book_e4, r.amount_e4 AS gap_e4
FROM payment_refund r
WHERE r.lane = $1::smallint AND r.channel_id = $2 AND r.state = 'done' AND r.ended_at >= $3 AND r.ended_at < $4
  AND r.ended_at < $5 AND (r.ended_at AT TIME ZONE interval '8 hours')::date = ANY($6::date[])
  AND NOT EXISTS (
    SELECT FROM bill_line l WHERE l.lane = $1::smallint AND l.channel_id = $2 AND l.day BETWEEN $7 AND $8
    AND l.kind = 'refund' AND l.subject_id = r.refund_id)
  AND NOT EXISTS (
    SELECT FROM bill_case c WHERE c.lane = $1::smallint AND c.channel_id = $2 AND c.line_kind = 'refund'
    AND c.subject_id = r.refund_id AND c.subject_id > 0)
ORDER BY r.refund_id;

-- name: arrived
-- Of what was missing, what a settled bill has by now.
SELECT DISTINCT l.kind, l.subject_id FROM bill_line l
JOIN bill_settlement s ON s.lane = $1::smallint AND s.channel_id = l.channel_id AND s.day = l.day
WHERE l.lane = $1::smallint AND l.channel_id = $2 AND l.subject_id = ANY($3::bigint[]);

-- name: read_cases
-- Differences by id.
SELECT case_id, channel_id, day, line_key, line_kind, kind, subject_id, payment_id, bill_e4, book_e4, currency, suspense_e4,
       rest_e4, state, opened_at, due_at, owner_id, act, detail, reason, asked_by, second_id, resolved_at, transfer_id
FROM bill_case WHERE lane = $1::smallint AND case_id = ANY($2::bigint[]);

-- name: open_cases
-- Differences that are not resolved, those due first ahead.
SELECT case_id, channel_id, day, line_key, line_kind, kind, subject_id, payment_id, bill_e4, book_e4, currency, suspense_e4,
       rest_e4, state, opened_at, due_at, owner_id, act, detail, reason, asked_by, second_id, resolved_at, transfer_id
FROM bill_case WHERE lane = $1::smallint AND state <> 'resolved' AND ($2::int IS NULL OR channel_id = $2)
ORDER BY due_at, case_id LIMIT $3::int;

-- name: cases_of_day
-- Differences of a bill, also those that are resolved.
SELECT case_id, channel_id, day, line_key, line_kind, kind, subject_id, payment_id, bill_e4, book_e4, currency, suspense_e4,
       rest_e4, state, opened_at, due_at, owner_id, act, detail, reason, asked_by, second_id, resolved_at, transfer_id
FROM bill_case WHERE lane = $1::smallint AND channel_id = $2 AND day = $3 ORDER BY case_id LIMIT $4::int;

-- name: count_cases
-- How many differences bills of some days have, by kind, and how many wait.
SELECT channel_id, day, kind, count(*)::int AS cases, (count(*) FILTER (WHERE state <> 'resolved'))::int AS waiting,
       sum(abs(suspense_e4)) FILTER (WHERE state <> 'resolved')::bigint AS suspense_e4
FROM bill_case WHERE lane = $1::smallint AND day BETWEEN $2 AND $3 GROUP BY channel_id, day, kind;

-- name: set_case
-- Puts a difference where somebody, or a later bill, led it.
UPDATE bill_case SET kind = $3, book_e4 = $4, suspense_e4 = $5, rest_e4 = $6, state = $7, owner_id = $8, act = $9,
       detail = $10, reason = $11, asked_by = $12, second_id = $13, resolved_at = $14, transfer_id = $15,
       subject_id = $16, payment_id = $17
WHERE lane = $1::smallint AND case_id = $2;

-- name: read_line
-- A line of a bill.
SELECT lane, line_key, kind, payment_no, refund_no, provider_no, subject_id, amount_e4, fee_e4, at, said FROM bill_line
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3 AND line_key = $4;

-- name: candidates
-- Payments that a line without a number of ours may be of: the same amount, begun shortly before, not paid to our
-- knowledge.
SELECT payment_id, payment_no, method, amount_e4, begun_at, state FROM payment
WHERE lane = $1::smallint AND channel_id = $2 AND payment_id BETWEEN $3 AND $4 AND amount_e4 = $5 AND booked_at IS NULL
ORDER BY payment_id DESC LIMIT 10;

-- name: name_line
-- A person found out which payment a line is of.
UPDATE bill_line SET subject_id = $5
WHERE lane = $1::smallint AND channel_id = $2 AND day = $3 AND line_key = $4 AND subject_id = 0;

-- name: channel_sums
-- What each channel's account in a lane shows that its provider owes.
SELECT channel_id, -posted_e4 AS owed_e4 FROM account WHERE lane = $1::smallint AND code = 'channel' AND channel_id > 0;

-- name: find_references
-- Payments by bank transfer, by the codes that their payers were shown.
SELECT shown #>> '{fields,reference}' AS reference, payment_id, channel_id, amount_e4, state, booked_at IS NOT NULL AS is_booked
FROM payment
WHERE lane = $1::smallint AND method = 'bank' AND (shown #>> '{fields,reference}') = ANY($2::text[]);

-- name: known_credits
-- Which lines of bank statements are known.
SELECT line_key FROM bank_credit WHERE lane = $1::smallint AND channel_id = $2 AND line_key = ANY($3::text[]);

-- name: insert_credits
-- Lines of a bank statement; one that is known changes nothing.
INSERT INTO bank_credit (lane, credit_id, channel_id, line_key, at, amount_e4, payer, remark, reference, payment_id,
                         imported_at)
SELECT $1::smallint, n.credit_id, $2, n.line_key, n.at, n.amount_e4, n.payer, n.remark, n.reference, n.payment_id, $3
FROM unnest($4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::bigint[])
  AS n (credit_id, line_key, at, amount_e4, payer, remark, reference, payment_id)
ON CONFLICT (lane, channel_id, line_key) DO NOTHING;

-- name: waiting_credits
-- Credits that belong to no payment yet, or whose payment is not booked.
SELECT credit_id, channel_id, line_key, at, amount_e4, payer, remark, reference, state, payment_id, settled_e4, imported_at,
       decided_by, reason
FROM bank_credit WHERE lane = $1::smallint AND state = 'waiting' AND ($2::int IS NULL OR channel_id = $2)
ORDER BY credit_id LIMIT $3::int;

-- name: read_credits
-- Credits by id.
SELECT credit_id, channel_id, line_key, at, amount_e4, payer, remark, reference, state, payment_id, settled_e4, imported_at,
       decided_by, reason
FROM bank_credit WHERE lane = $1::smallint AND credit_id = ANY($2::bigint[]);

-- name: booked_e4
-- What was booked of payments.
SELECT payment_id, paid_e4 FROM payment
WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]) AND booked_at IS NOT NULL;

-- name: set_credit
-- What became of a credit.
UPDATE bank_credit SET state = $3, payment_id = $4, settled_e4 = $5, decided_by = $6, reason = $7
WHERE lane = $1::smallint AND credit_id = $2;

-- name: taken_payments
-- Which of these payments a credit was taken for.
SELECT payment_id FROM bank_credit WHERE lane = $1::smallint AND payment_id = ANY($2::bigint[]) AND state = 'taken';

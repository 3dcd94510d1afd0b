-- name: approved_for_bank
-- Approved withdrawals of yuan to bank accounts, oldest first.
SELECT withdrawal_id, requested_at FROM withdrawal
WHERE lane = $1::smallint AND state = 'approved' AND currency = 'CNY' AND method = 'bank'
ORDER BY withdrawal_id LIMIT $2::int;

-- name: insert_payout
-- A payout before anything of it leaves.
INSERT INTO payout (lane, payout_id, org_id, method, channel_id, batch_id, amount_e4, fee_e4, currency, state, asked_by,
                    asked_at)
VALUES ($1::smallint, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: read_payouts
-- Payouts by their withdrawals.
SELECT payout_id, org_id, method, channel_id, batch_id, amount_e4, fee_e4, currency, state, tries, provider_no, code,
       unanswered_at, asked_by, asked_at, ended_by, ended_at
FROM payout WHERE lane = $1::smallint AND payout_id = ANY($2::bigint[]);

-- name: set_payout
-- Puts a payout where what was told led it; the table refuses to change one that is over.
UPDATE payout SET state = $3, tries = $4, provider_no = $5, code = $6, unanswered_at = $7, ended_by = $8, ended_at = $9
WHERE lane = $1::smallint AND payout_id = $2;

-- name: payouts_of_batch
-- What stands in a bank's file.
SELECT payout_id, org_id, method, channel_id, batch_id, amount_e4, fee_e4, currency, state, tries, provider_no, code,
       unanswered_at, asked_by, asked_at, ended_by, ended_at
FROM payout WHERE lane = $1::smallint AND batch_id = $2 ORDER BY payout_id;

-- name: insert_batch
-- A bank's file, before its lines are taken on.
INSERT INTO payout_batch (lane, batch_id, lines, amount_e4, made_by, made_at) VALUES ($1::smallint, $2, $3, $4, $5, $6);

-- name: count_batch
-- What a bank's file came to.
UPDATE payout_batch SET lines = $3, amount_e4 = $4 WHERE lane = $1::smallint AND batch_id = $2;

-- name: list_batches
-- Bank's files, newest first.
SELECT batch_id, lines, amount_e4, made_by, made_at FROM payout_batch WHERE lane = $1::smallint
ORDER BY batch_id DESC LIMIT $2::int;

-- name: read_accounts
-- The working copies of these accounts; the caller holds the gate.
SELECT account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND account_id = ANY($2::bigint[]);

-- name: read_transfers
-- Transfers that stand, by id.
SELECT transfer_id, debit_account, credit_account, amount_e4, code, subject_id, kind, pending_id,
       debit_after_e4, credit_after_e4
FROM transfer WHERE lane = $1::smallint AND transfer_id = ANY($2::bigint[]);

-- name: read_resolutions
-- How these holds ended.
SELECT pending_id, kind FROM transfer WHERE lane = $1::smallint AND pending_id = ANY($2::bigint[]);

-- name: move_balances
-- Puts balances where the posted transfers led them; the table refuses to overdraw.
UPDATE account a SET posted_e4 = b.posted_e4, held_e4 = b.held_e4
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS b (account_id, posted_e4, held_e4)
WHERE a.lane = $1::smallint AND a.account_id = b.account_id;

-- name: find_transfer_keys
-- The transfers that outside keys led to.
SELECT key, transfer_id FROM transfer_key WHERE lane = $1::smallint AND key = ANY($2::text[]);

-- name: insert_transfer_keys
-- Ties outside keys to their one transfer each.
INSERT INTO transfer_key (lane, key, transfer_id)
SELECT $1::smallint, k.key, k.transfer_id FROM unnest($2::text[], $3::bigint[]) AS k (key, transfer_id);

-- name: insert_accounts
-- Opens accounts; those that stand already are left as they are.
INSERT INTO account (lane, account_id, org_id, code, currency, credit_line_e4, unbounded)
SELECT $1::smallint, a.account_id, a.org_id, a.code, a.currency, a.credit_line_e4, a.unbounded
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bool[])
  AS a (account_id, org_id, code, currency, credit_line_e4, unbounded)
ON CONFLICT DO NOTHING;

-- name: set_credit_line
-- Grants or narrows a wallet's credit; refused by the table if the wallet is already below it.
UPDATE account SET credit_line_e4 = $3 WHERE lane = $1::smallint AND account_id = $2;

-- name: statement
-- Lines of one account, newest first, below the cursor; an account is on one side of a transfer or the other. Not of the
-- house: the two indexes know only accounts from 1000 on, and are used where the statement says no less.
SELECT * FROM (
  (SELECT transfer_id, at, kind, code, subject_id, -amount_e4 AS amount_e4, debit_after_e4 AS balance_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND debit_account = $2::bigint AND transfer_id < $3::bigint
     AND debit_account >= 1000
   ORDER BY transfer_id DESC LIMIT $4::int)
  UNION ALL
  (SELECT transfer_id, at, kind, code, subject_id, amount_e4, credit_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND credit_account = $2::bigint AND transfer_id < $3::bigint
     AND credit_account >= 1000
   ORDER BY transfer_id DESC LIMIT $4::int)
) AS line ORDER BY transfer_id DESC LIMIT $4::int;

-- name: house_statement
-- The same for an account of the house: nearly every transfer of the lane is one of its lines, so none is indexed.
SELECT * FROM (
  (SELECT transfer_id, at, kind, code, subject_id, -amount_e4 AS amount_e4, debit_after_e4 AS balance_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND debit_account = $2::bigint AND transfer_id < $3::bigint
   ORDER BY transfer_id DESC LIMIT $4::int)
  UNION ALL
  (SELECT transfer_id, at, kind, code, subject_id, amount_e4, credit_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND credit_account = $2::bigint AND transfer_id < $3::bigint
   ORDER BY transfer_id DESC LIMIT $4::int)
) AS line ORDER BY transfer_id DESC LIMIT $4::int;

-- name: find_posting
-- A transfer that an account stands on one side of, with the hold that it resolves and what resolved it.
SELECT t.transfer_id, t.at, t.kind, t.code, t.subject_id, t.amount_e4, t.debit_account, d.code AS debit_code,
       t.credit_account, c.code AS credit_code, t.debit_after_e4, t.credit_after_e4
FROM (
  SELECT $3::bigint AS transfer_id
  UNION SELECT pending_id FROM transfer WHERE lane = $1::smallint AND transfer_id = $3 AND pending_id IS NOT NULL
  UNION SELECT transfer_id FROM transfer WHERE lane = $1::smallint AND pending_id = $3
) AS wanted
JOIN transfer t ON t.lane = $1::smallint AND t.transfer_id = wanted.transfer_id
JOIN account d ON d.lane = $1::smallint AND d.account_id = t.debit_account
JOIN account c ON c.lane = $1::smallint AND c.account_id = t.credit_account
WHERE t.debit_account = $2 OR t.credit_account = $2 ORDER BY t.transfer_id;

-- name: read_sub_accounts
-- The sub-accounts of some agents in a lane; the caller holds the gate.
SELECT account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND org_id = ANY($2::bigint[]) AND currency = $3 AND code = 'sub_account';

-- name: unsettled_sub_accounts
-- Sub-accounts of a lane that hold something or are owed something, from one on.
SELECT account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account
WHERE lane = $1::smallint AND code = 'sub_account' AND posted_e4 <> 0 AND account_id > $2
ORDER BY account_id LIMIT $3::int;

-- name: unsettled_of
-- The sub-accounts of one agent that are not empty, and what is on its way to or from it, in every lane.
SELECT lane, posted_e4 AS amount_e4 FROM account WHERE org_id = $1 AND code = 'sub_account' AND posted_e4 <> 0
UNION ALL SELECT lane, amount_e4 FROM sweep WHERE org_id = $1
ORDER BY lane;

-- name: read_due_accounts
-- What a lane owes other lanes, or has to get from them.
SELECT peer_lane, account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND peer_lane = ANY($2::smallint[]) AND code = $3;

-- name: read_channel_accounts
-- The accounts of some payment channels in a lane; the caller holds the gate.
SELECT channel_id, account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND channel_id = ANY($2::int[]);

-- name: insert_channel_accounts
-- Opens accounts of payment channels.
INSERT INTO account (lane, account_id, org_id, code, currency, unbounded, channel_id)
SELECT $1::smallint, c.account_id, 0, c.code, c.currency, true, c.channel_id
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::int[]) AS c (account_id, code, currency, channel_id);

-- name: insert_due_accounts
-- Opens accounts between a lane and others.
INSERT INTO account (lane, account_id, org_id, code, currency, unbounded, peer_lane)
SELECT $1::smallint, d.account_id, 0, $2, d.currency, true, d.peer_lane
FROM unnest($3::bigint[], $4::text[], $5::smallint[]) AS d (account_id, currency, peer_lane);

-- name: insert_sweeps
-- Money that leaves a lane for another, in the transaction that takes it away.
INSERT INTO sweep (lane, sweep_id, to_lane, to_account, currency, amount_e4, org_id, at)
SELECT $1::smallint, s.sweep_id, s.to_lane, s.to_account, s.currency, s.amount_e4, s.org_id, $2::timestamptz
FROM unnest($3::bigint[], $4::smallint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
  AS s (sweep_id, to_lane, to_account, currency, amount_e4, org_id);

-- name: read_sweeps
-- What left a lane and was not seen to arrive.
SELECT sweep_id, to_lane, to_account, currency, amount_e4, org_id FROM sweep
WHERE lane = $1::smallint ORDER BY sweep_id LIMIT $2::int;

-- name: delete_sweeps
-- These have arrived.
DELETE FROM sweep WHERE lane = $1::smallint AND sweep_id = ANY($2::bigint[]);

-- name: moved_by_day
-- What transfers of these codes brought an account, less what they took, by days of China counted from 1970; $5 takes
-- the milliseconds of an id there.
SELECT line.day, sum(line.amount_e4)::bigint AS amount_e4 FROM (
  SELECT ((transfer_id >> 22) + $5::bigint) / 86400000 AS day, -amount_e4 AS amount_e4 FROM transfer
  WHERE lane = $1::smallint AND debit_account = $2::bigint AND debit_account >= 1000 AND kind IN ('posted', 'post')
    AND transfer_id >= $3::bigint AND transfer_id < $4::bigint AND code = ANY($6::text[])
  UNION ALL
  SELECT ((transfer_id >> 22) + $5::bigint) / 86400000, amount_e4 FROM transfer
  WHERE lane = $1::smallint AND credit_account = $2::bigint AND credit_account >= 1000 AND kind IN ('posted', 'post')
    AND transfer_id >= $3::bigint AND transfer_id < $4::bigint AND code = ANY($6::text[])
) AS line GROUP BY line.day;

-- name: transfers_between
-- What was posted for one subject in a span of ids: near an event all of it lies close together.
SELECT t.transfer_id, t.at, t.kind, t.code, t.debit_account, t.credit_account, t.amount_e4
FROM transfer t
WHERE t.lane = $1::smallint AND t.transfer_id >= $3 AND t.transfer_id < $4 AND t.subject_id = $2
ORDER BY t.transfer_id;

-- name: house_accounts
-- The house's own accounts in a lane.
SELECT account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND account_id < 1000 ORDER BY account_id;

-- name: accounts_of
-- The accounts of an organisation in a lane.
SELECT account_id, org_id, code, currency, posted_e4, held_e4, credit_line_e4, unbounded, closed
FROM account WHERE lane = $1::smallint AND org_id = $2 AND account_id >= 1000 ORDER BY account_id;

-- name: unbalanced
-- Currencies whose accounts in a lane don't sum to nought: there must be none.
SELECT currency FROM account WHERE lane = $1::smallint GROUP BY currency HAVING sum(posted_e4) <> 0;

-- name: wallets_after
-- Wallets of a lane beyond an account, by number, with whose they are.
SELECT a.account_id, g.name, g.kind, a.currency, a.posted_e4, a.held_e4, a.credit_line_e4
FROM account a JOIN organisation g ON g.lane = $1::smallint AND g.org_id = a.org_id
WHERE a.lane = $1::smallint AND a.account_id > $2 AND a.account_id >= 1000 AND a.code = 'wallet' AND a.currency = $3
ORDER BY a.account_id LIMIT $4::int;

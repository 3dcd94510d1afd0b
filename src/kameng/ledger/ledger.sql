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
-- Lines of one account, newest first, below the cursor; an account is on one side of a transfer or the other.
SELECT * FROM (
  (SELECT transfer_id, at, kind, code, subject_id, -amount_e4 AS amount_e4, debit_after_e4 AS balance_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND debit_account = $2::bigint AND transfer_id < $3::bigint
     AND (debit_account >= 1000 OR $2 < 1000)
   ORDER BY transfer_id DESC LIMIT $4::int)
  UNION ALL
  (SELECT transfer_id, at, kind, code, subject_id, amount_e4, credit_after_e4
   FROM transfer
   WHERE lane = $1::smallint AND credit_account = $2::bigint AND transfer_id < $3::bigint
     AND (credit_account >= 1000 OR $2 < 1000)
   ORDER BY transfer_id DESC LIMIT $4::int)
) AS line ORDER BY transfer_id DESC LIMIT $4::int;

-- The statements of the epay site. Each that writes a trade stands in a transaction that holds the lane's gate.

-- name: find_account
-- An account with its secrets, sealed, by its number.
SELECT pid, org_id, shop_key, our_key, fee_ppm, hosts, is_on, is_rsa_only, has_refunds, revision, made_at, changed_at,
       barred, secrets
FROM epay_account WHERE pid = $1 AND secrets IS NOT NULL;

-- name: account_of
-- An organisation's account.
SELECT pid, org_id, shop_key, our_key, fee_ppm, hosts, is_on, is_rsa_only, has_refunds, revision, made_at, changed_at,
       barred
FROM epay_account WHERE org_id = $1 AND secrets IS NOT NULL;

-- name: list_accounts
-- All accounts, by number.
SELECT pid, org_id, shop_key, our_key, fee_ppm, hosts, is_on, is_rsa_only, has_refunds, revision, made_at, changed_at,
       barred
FROM epay_account WHERE pid > $1 ORDER BY pid LIMIT $2;

-- name: insert_account
-- A new account, without secrets; none if the organisation has one.
INSERT INTO epay_account (org_id, fee_ppm, made_at, changed_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (org_id) DO NOTHING RETURNING pid;

-- name: set_secrets
-- Other keys for an account.
UPDATE epay_account SET secrets = $2, shop_key = $3, our_key = $4, changed_at = $5, revision = revision + 1
WHERE pid = $1;

-- name: set_account
-- What may be changed of an account.
UPDATE epay_account SET fee_ppm = $2, hosts = $3, is_on = $4, is_rsa_only = $5, has_refunds = $6, changed_at = $7,
       revision = revision + 1
WHERE pid = $1;

-- name: set_bar
-- The house switches an account off, with why, or lets it go on.
UPDATE epay_account SET barred = $2, changed_at = $3, revision = revision + 1 WHERE pid = $1;

-- name: every_secret
-- The sealed secrets of all accounts.
SELECT pid, secrets FROM epay_account WHERE secrets IS NOT NULL;

-- name: reseal_secrets
-- Re-sealed secrets in place of what was read.
UPDATE epay_account SET secrets = $2 WHERE pid = $1 AND secrets = $3;

-- name: find_trade
-- A trade by its shop's number.
SELECT trade_id, pid, org_id, out_trade_no, version, type, name, amount_e4, fee_e4, notify_url, return_url, param,
       made_at, expires_at, closed_at, paid_at, tellings, told, fault
FROM epay_trade WHERE lane = $1::smallint AND pid = $2 AND out_trade_no = $3;

-- name: read_trades
-- Trades by our number.
SELECT trade_id, pid, org_id, out_trade_no, version, type, name, amount_e4, fee_e4, notify_url, return_url, param,
       made_at, expires_at, closed_at, paid_at, tellings, told, fault
FROM epay_trade WHERE lane = $1::smallint AND trade_id = ANY($2::bigint[]);

-- name: list_trades
-- Trades of an account below the cursor, newest first; $6: only those that are paid, or that are not.
SELECT trade_id, pid, org_id, out_trade_no, version, type, name, amount_e4, fee_e4, notify_url, return_url, param,
       made_at, expires_at, closed_at, paid_at, tellings, told, fault
FROM epay_trade WHERE lane = $1::smallint AND pid = $2 AND trade_id < $3
  AND ($6::boolean IS NULL OR (paid_at IS NOT NULL) = $6)
ORDER BY trade_id DESC LIMIT $4::int OFFSET $5::int;

-- name: insert_trade
-- A payment that a shop wishes for.
INSERT INTO epay_trade (lane, trade_id, pid, org_id, out_trade_no, version, type, name, amount_e4, fee_e4, notify_url,
                        return_url, param, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: close_trade
-- Nobody begins to pay it any more.
UPDATE epay_trade SET closed_at = $3 WHERE lane = $1::smallint AND trade_id = $2 AND closed_at IS NULL;

-- name: mark_paid
-- These are paid.
UPDATE epay_trade t SET paid_at = $2 WHERE t.lane = $1::smallint AND t.trade_id = ANY($3::bigint[]) AND t.paid_at IS NULL;

-- name: set_told
-- How telling the shops went.
UPDATE epay_trade t SET tellings = t.tellings + 1, told = n.told, fault = n.fault
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n (trade_id, told, fault)
WHERE t.lane = $1::smallint AND t.trade_id = n.trade_id;

-- name: add_to_days
-- Counts what was begun and paid on a day.
INSERT INTO epay_day AS d (lane, pid, day, begun, paid, paid_e4)
SELECT $1::smallint, n.pid, $2::date, n.begun, n.paid, n.paid_e4
FROM unnest($3::int[], $4::int[], $5::int[], $6::bigint[]) AS n (pid, begun, paid, paid_e4)
ON CONFLICT (lane, pid, day) DO UPDATE SET begun = d.begun + excluded.begun, paid = d.paid + excluded.paid,
  paid_e4 = d.paid_e4 + excluded.paid_e4;

-- name: read_days
-- The days of an account since one of them.
SELECT day, begun, paid, paid_e4 FROM epay_day WHERE lane = $1::smallint AND pid = $2 AND day >= $3 ORDER BY day;

-- name: read_day
-- One day of many accounts.
SELECT pid, day, begun, paid, paid_e4 FROM epay_day WHERE lane = $1::smallint AND pid = ANY($2::int[]) AND day = $3;

-- name: count_begun
-- How many payments the shops of an account ever wished for.
SELECT coalesce(sum(begun), 0)::bigint FROM epay_day WHERE lane = $1::smallint AND pid = $2;

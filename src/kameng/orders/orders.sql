-- name: read_refs
-- Which of these references stand, and for what; the caller holds the gate.
SELECT ref_key, digest, order_id FROM order_ref WHERE lane = $1::smallint AND ref_key = ANY($2::bytea[]);

-- name: read_orders
-- Orders by id. The organisation is part of the question: nobody reads another's.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, account
FROM orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) AND org_id = ANY($3::bigint[]);

-- name: list_orders
-- An organisation's orders below the cursor, newest first.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at, account
FROM orders
WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND ($5::text IS NULL OR state = $5)
ORDER BY order_id DESC LIMIT $4::int;

-- name: accounts_under_other_keys
-- Sealed accounts not under the current key of the ring, for re-sealing, from an order id on.
SELECT order_id, account FROM orders
WHERE lane = $1::smallint AND order_id > $2 AND account IS NOT NULL
  AND get_byte(account, 1) * 256 + get_byte(account, 2) <> $3::int
ORDER BY order_id LIMIT $4::int;

-- name: reseal_accounts
-- Puts re-sealed accounts in place of what was read.
UPDATE orders o SET account = s.sealed FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS s (order_id, sealed, old)
WHERE o.lane = $1::smallint AND o.order_id = s.order_id AND o.account = s.old;

-- name: orders_to_archive
-- Orders between two ids that are final in one of the states $4, with nothing that waits for them: no job, no event
-- that is owed.
SELECT o.order_id FROM ONLY orders o
WHERE o.lane = $1::smallint AND o.order_id > $2 AND o.order_id < $3 AND o.state = ANY($4::text[])
  AND NOT EXISTS (SELECT FROM job j WHERE j.lane = $1::smallint AND j.subject_id = o.order_id)
  AND NOT EXISTS (SELECT FROM ONLY event e WHERE e.lane = $1::smallint AND e.subject_id = o.order_id AND e.due)
ORDER BY o.order_id LIMIT $5::int;

-- name: archive_orders
-- Moves these orders to the archive, with whatever columns they have.
WITH moved AS (
  DELETE FROM ONLY orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO archived_orders SELECT * FROM moved;

-- name: archive_events
-- Moves the events of these orders after them.
WITH moved AS (
  DELETE FROM ONLY event WHERE lane = $1::smallint AND subject_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO archived_event SELECT * FROM moved;

-- name: archived_ids
-- Archived orders of a lane, whichever come first.
SELECT order_id FROM archived_orders WHERE lane = $1::smallint ORDER BY order_id LIMIT $2::int;

-- name: bring_back_orders
-- Moves these orders back among those of today.
WITH moved AS (
  DELETE FROM archived_orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO orders SELECT * FROM moved;

-- name: bring_back_events
-- Moves the events of these orders back after them.
WITH moved AS (
  DELETE FROM archived_event WHERE lane = $1::smallint AND subject_id = ANY($2::bigint[]) RETURNING *
)
INSERT INTO event SELECT * FROM moved;

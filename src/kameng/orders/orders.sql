-- name: read_refs
-- Which of these references stand, and for what; the caller holds the gate.
SELECT r.org_id, r.ref_hash, r.digest, r.order_id FROM order_ref r
JOIN unnest($2::bigint[], $3::bytea[]) AS w (org_id, ref_hash) ON r.org_id = w.org_id AND r.ref_hash = w.ref_hash
WHERE r.lane = $1::smallint;

-- name: insert_orders
-- The orders of one batch with their references for ever.
WITH o AS (
  SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[], $9::bigint[],
                       $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[], $15::text[], $16::text[],
                       $17::bytea[], $18::bytea[])
    AS t (order_id, org_id, key_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, cost_e4, state,
          client_ref, account, trace, card_ids, ref_hash, digest)
), refs AS (
  INSERT INTO order_ref (lane, org_id, ref_hash, digest, order_id)
  SELECT $1::smallint, org_id, ref_hash, digest, order_id FROM o
)
INSERT INTO orders (lane, order_id, org_id, key_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, cost_e4,
                    state, client_ref, account, trace, card_ids, placed_at)
SELECT $1::smallint, order_id, org_id, key_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, cost_e4,
       state, client_ref, account, trace, card_ids::bigint[], $2::timestamptz
FROM o;

-- name: read_orders
-- Orders by id. The organisation is part of the question: nobody reads another's.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at
FROM orders WHERE lane = $1::smallint AND order_id = ANY($2::bigint[]) AND org_id = ANY($3::bigint[]);

-- name: list_orders
-- An organisation's orders below the cursor, newest first.
SELECT order_id, org_id, sku_id, sku_revision, quantity, unit_price_e4, total_e4, state, sequence, client_ref, trace,
       card_ids, placed_at
FROM orders
WHERE lane = $1::smallint AND org_id = $2 AND order_id < $3 AND ($5::text IS NULL OR state = $5)
ORDER BY order_id DESC LIMIT $4::int;
